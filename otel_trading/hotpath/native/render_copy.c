#include "render_copy.h"

#define MOST_SPOTS 256 /* exemplars of a series; the buckets of an exponential histogram are fewer unless asked for */

#define MOST_INDEX ((int64_t)1 << 40) /* of a bucket that Python gives; those of doubles are far below */
#define MOST_LETTERS 128 /* of names and values of an exemplar's labels, as OpenMetrics and Prometheus have it */

static PyObject *exemplars_name, *value_name, *time_name, *trace_name, *span_name, *filtered_name, *bits;

int
copy_prepare(void)
{
    struct { PyObject **place; const char *text; } names[] = {
        {&exemplars_name, "exemplars"}, {&value_name, "value"}, {&time_name, "time_ns"},
        {&trace_name, "trace_id"}, {&span_name, "span_id"}, {&filtered_name, "filtered"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (*names[i].place == NULL)
            *names[i].place = PyUnicode_InternFromString(names[i].text);
        if (*names[i].place == NULL)
            return -1;
    }
    if (bits == NULL)
        bits = PyLong_FromLong(64);
    return bits == NULL ? -1 : 0;
}

/* Makes room in an arena for bytes that are aligned; NULL without memory. */
static void *
append(Buffer *arena, size_t size)
{
    char *to = buffer_reserve(arena, (size + 7) & ~(size_t)7);
    if (to == NULL)
        return NULL;
    memset(to, 0, (size + 7) & ~(size_t)7);
    arena->size += (size + 7) & ~(size_t)7;
    return to;
}

static inline Record *
record_at(const Buffer *arena, size_t at)
{
    return (Record *)(arena->data + at);
}

/* ---- cells ---- */

static int
fits(const Cell *cell, const Shape *shape)
{
    if (cell->kind != shape->kind || (cell->kind == GAUGE && cell->times == 0))
        return 0;
    return cell->kind != EXPLICIT ||
           (cell->bounds->size == shape->bands->size &&
            (cell->bounds->size == 0 ||
             memcmp(cell->bounds->real, shape->bands->upper, (size_t)cell->bounds->size * sizeof(double)) == 0));
}

/* The filled buckets of an exponential histogram, from `first` to before the returned one. */
static int32_t
filled(const Exponential *buckets, int32_t *first)
{
    int32_t last = buckets->size;
    *first = 0;
    while (*first < last && buckets->counts[*first] == 0)
        ++*first;
    while (last > *first && buckets->counts[last - 1] == 0)
        last--;
    return last;
}

static void
copy_scalars(Record *record, const Cell *cell)
{
    record->count = cell_count(cell);
    record->any_real = cell->any_real;
    record->whole = cell->whole;
    record->turns = cell->turns;
    record->real = cell->real;
    if (cell->kind != GAUGE)
        record->real += (double)record_whole(record);
    record->started_ns = cell->started_ns;
}

/* 1 if the record was filled. */
static int
copy_numbers(Buffer *arena, size_t at, const Cell *cell)
{
    int32_t first = 0, count = 0;
    if (cell->kind == EXPLICIT)
        count = (int32_t)cell_buckets(cell);
    else if (cell->kind == EXPONENTIAL)
        count = filled(cell->buckets, &first) - first;
    uint64_t *to = count ? append(arena, (size_t)count * sizeof(uint64_t)) : NULL;
    if (count && to == NULL)
        return 0;
    if (cell->kind == EXPLICIT)
        counts_copy(cell->low, count, to);
    else if (count)
        memcpy(to, cell->buckets->counts + first, (size_t)count * sizeof(uint64_t));
    Record *record = record_at(arena, at);
    copy_scalars(record, cell);
    record->n_counts = (uint32_t)count;
    if (cell->kind == EXPONENTIAL) {
        record->scale = cell->buckets->scale;
        record->base = cell->buckets->base + first;
        record->zeros = cell->buckets->zeros;
        record->zero_threshold = cell->buckets->zero_threshold;
    }
    return 1;
}

static int
copy_cell(Buffer *arena, size_t at, Cell *cell, const Shape *shape)
{
    int copied = 0;
    GUARD(cell)
    if (fits(cell, shape))
        copied = copy_numbers(arena, at, cell);
    UNGUARD()
    return copied;
}

/* ---- numbers that Python gives ---- */

static int
copy_counts(Buffer *arena, size_t at, PyObject *counts)
{
    Py_ssize_t size = PyTuple_GET_SIZE(counts);
    uint64_t *to = append(arena, (size_t)size * sizeof(uint64_t));
    for (Py_ssize_t i = 0; to != NULL && i < size; i++)
        to[i] = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(counts, i));
    record_at(arena, at)->n_counts = (uint32_t)size;
    return to != NULL && !PyErr_Occurred();
}

static int
copy_detail(Buffer *arena, size_t at, PyObject *detail, const Shape *shape)
{
    if (shape->kind == EXPLICIT)
        return PyTuple_CheckExact(detail) && PyTuple_GET_SIZE(detail) == shape->bands->size + 1 &&
               copy_counts(arena, at, detail);
    if (shape->kind != EXPONENTIAL)
        return 1;
    int scale;
    long long base;
    unsigned long long zeros;
    double threshold;
    PyObject *counts;
    if (!PyTuple_CheckExact(detail) ||
        !PyArg_ParseTuple(detail, "iKLO!d", &scale, &zeros, &base, &PyTuple_Type, &counts, &threshold))
        return 0;
    if (scale < -10 || scale > FINEST || base < -MOST_INDEX || base > MOST_INDEX || !copy_counts(arena, at, counts))
        return 0;
    Record *record = record_at(arena, at);
    record->scale = scale;
    record->zeros = zeros;
    record->base = base;
    record->zero_threshold = threshold;
    return 1;
}

/* An int within int64, or a double, an infinity and NaN included; 0 for what is neither. */
static int
copy_amount(PyObject *value, int64_t *whole, double *real, uint8_t *is_real)
{
    if (PyLong_Check(value)) {
        int overflow;
        *whole = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (!overflow)
            return 1;
        *whole = 0;
    }
    *is_real = 1;
    *real = PyFloat_AsDouble(value);
    return !(*real == -1.0 && PyErr_Occurred());
}

static int
copy_reading(Buffer *arena, size_t at, PyObject *reading, const Shape *shape)
{
    long long started;
    unsigned long long count;
    PyObject *sum, *detail;
    if (!PyArg_ParseTuple(reading, "LKOO", &started, &count, &sum, &detail))
        return 0;
    int64_t whole = 0;
    double real = 0.0;
    uint8_t any_real = 0;
    if (!copy_amount(sum, &whole, &real, &any_real) || !copy_detail(arena, at, detail, shape))
        return 0;
    Record *record = record_at(arena, at);
    record->started_ns = started < 0 ? 0 : started;
    record->count = count;
    record->whole = whole;
    record->real = real;
    record->any_real = any_real;
    return shape->kind != GAUGE || count > 0;
}

/* ---- exemplars ---- */

/* The attribute as int modulo 2**64, shifted first; 0 without one. */
static uint64_t
number_attribute(PyObject *object, PyObject *name, int high)
{
    uint64_t found = 0;
    PyObject *value = PyObject_GetAttr(object, name);
    PyObject *shifted = value == NULL ? NULL : high ? PyNumber_Rshift(value, bits) : Py_NewRef(value);
    if (shifted != NULL)
        found = PyLong_AsUnsignedLongLongMask(shifted);
    Py_XDECREF(shifted);
    Py_XDECREF(value);
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return found;
}

/* Further labels, which `labels` makes of the attributes: names and values in turn. */
static void
copy_further(Buffer *arena, size_t at, size_t spot_at, PyObject *exemplar, PyObject *labels)
{
    PyObject *filtered = labels == Py_None ? NULL : PyObject_GetAttr(exemplar, filtered_name);
    PyObject *pairs = filtered && PyObject_IsTrue(filtered) > 0 ? PyObject_CallOneArg(labels, filtered) : NULL;
    if (pairs != NULL && PyTuple_CheckExact(pairs)) {
        size_t begin = arena->size;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pairs); i++) {
            Py_ssize_t size;
            const char *text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(pairs, i), &size);
            if (text == NULL)
                break;
            buffer_put_varint(arena, (uint64_t)size);
            buffer_put(arena, text, (size_t)size);
        }
        size_t end = arena->size;
        append(arena, (8 - end % 8) % 8);
        arena->size = (end + 7) & ~(size_t)7;
        Spot *spot = (Spot *)(arena->data + spot_at);
        if (!arena->failed && !PyErr_Occurred()) {
            spot->labels_at = (uint32_t)(begin - at);
            spot->labels_size = (uint32_t)(end - begin);
        }
    }
    PyErr_Clear();
    Py_XDECREF(pairs);
    Py_XDECREF(filtered);
}

static int
copy_spot(Spot *spot, PyObject *exemplar)
{
    PyObject *value = PyObject_GetAttr(exemplar, value_name);
    int known = value != NULL && copy_amount(value, &spot->whole, &spot->real, &spot->is_real);
    Py_XDECREF(value);
    PyErr_Clear();
    if (!known)
        return 0;
    if (!spot->is_real)
        spot->real = (double)spot->whole;
    spot->time_ns = (int64_t)number_attribute(exemplar, time_name, 0);
    spot->trace_high = number_attribute(exemplar, trace_name, 1);
    spot->trace_low = number_attribute(exemplar, trace_name, 0);
    spot->span = number_attribute(exemplar, span_name, 0);
    return 1;
}

static void
copy_listed(Buffer *arena, size_t at, PyObject *listed, PyObject *labels)
{
    Py_ssize_t size = PyList_GET_SIZE(listed);
    if (size > MOST_SPOTS)
        size = MOST_SPOTS;
    size_t spots_at = arena->size, known = 0;
    if (append(arena, (size_t)size * sizeof(Spot)) == NULL)
        return;
    for (Py_ssize_t i = 0; i < size && !arena->failed; i++) {
        PyObject *exemplar = PyList_GET_ITEM(listed, i);
        size_t spot_at = spots_at + known * sizeof(Spot);
        if (copy_spot((Spot *)(arena->data + spot_at), exemplar)) {
            copy_further(arena, at, spot_at, exemplar, labels);
            known++;
        }
    }
    record_at(arena, at)->spots_at = (uint32_t)(spots_at - at);
    record_at(arena, at)->n_spots = (uint32_t)known;
}

/* Whether there are any. */
static int
copy_spots(Buffer *arena, size_t at, PyObject *holder, PyObject *labels)
{
    int any = 0;
    PyObject *exemplars = PyObject_GetAttr(holder, exemplars_name);
    if (exemplars != NULL && PyDict_CheckExact(exemplars) && PyDict_GET_SIZE(exemplars) > 0) {
        PyObject *listed = PyDict_Values(exemplars);
        if (listed != NULL)
            copy_listed(arena, at, listed, labels);
        Py_XDECREF(listed);
        any = 1;
    }
    PyErr_Clear();
    Py_XDECREF(exemplars);
    return any;
}

/* The next page wants newer exemplars. */
static void
arm(Cell *cell)
{
    GUARD(cell)
    cell_arm(cell);
    UNGUARD()
}

int
record_labels_fit(const Record *record, const Spot *spot)
{
    const char *at = (const char *)record + spot->labels_at, *end = at + spot->labels_size;
    int letters = spot->trace_high || spot->trace_low ? 8 + 32 + 7 + 16 : 0;
    while (at < end) {
        uint64_t size;
        at = varint_read(at, &size);
        for (uint64_t i = 0; i < size; i++)
            letters += (at[i] & 0xc0) != 0x80;
        at += size;
    }
    return letters <= MOST_LETTERS;
}

const Spot *
record_newest(const Record *record, double lower, double upper)
{
    const Spot *spots = record_spots(record), *newest = NULL;
    for (uint32_t i = 0; i < record->n_spots; i++)
        if (spots[i].real > lower && spots[i].real <= upper && (newest == NULL || spots[i].time_ns >= newest->time_ns))
            newest = &spots[i];
    return newest;
}

/* ---- all of it ---- */

/* The values of its labels come along: the family may grow while the page is written. Gives what is to be read. */
static int
begin(Buffer *arena, size_t at, Family *family, uint32_t number, PyObject **source, PyObject **holder)
{
    int begun = 0;
    if (append(arena, sizeof(Record)) == NULL)
        return 0;
    GUARD(family)
    if (number < family->n_entries) {
        const Entry *entry = &family->entries[number];
        record_at(arena, at)->family = family;
        record_at(arena, at)->shape = family->shapes[entry->shape];
        *source = Py_NewRef(entry->source);
        *holder = Py_XNewRef(entry->holder);
        begun = 1;
    }
    UNGUARD()
    return begun;
}

static void
copy_values(Buffer *arena, size_t at, Family *family, uint32_t number)
{
    GUARD(family)
    const char *values = family->values.data + family->entries[number].values_at, *end = values;
    for (int32_t i = 0; i < record_at(arena, at)->shape->n_names; i++) {
        uint64_t size;
        end = varint_read(end, &size);
        end += size;
    }
    size_t size = (size_t)(end - values);
    char *to = append(arena, size);
    if (to != NULL && size)
        memcpy(to, values, size);
    record_at(arena, at)->values_at = (uint32_t)((to == NULL ? 0 : (size_t)(to - arena->data)) - at);
    UNGUARD()
}

void
copy_entry(Buffer *arena, Family *family, uint32_t number, int exemplars, PyObject *labels)
{
    size_t at = arena->size;
    PyObject *source = NULL, *holder = NULL;
    if (!begin(arena, at, family, number, &source, &holder)) {
        arena->size = at;
        return;
    }
    const Shape *shape = record_at(arena, at)->shape;
    int cell = PyObject_TypeCheck(source, Cell_Type);
    int copied = cell ? copy_cell(arena, at, (Cell *)source, shape) : copy_reading(arena, at, source, shape);
    PyErr_Clear();
    if (copied && exemplars && holder != NULL && shape->kind != UP_DOWN && shape->kind != GAUGE)
        if (copy_spots(arena, at, holder, labels) && cell)
            arm((Cell *)source);
    if (copied)
        copy_values(arena, at, family, number);
    if (copied && !arena->failed)
        record_at(arena, at)->size = (uint32_t)(arena->size - at);
    else
        arena->size = at;
    Py_DECREF(source);
    Py_XDECREF(holder);
}

void
copy_raw(Buffer *arena, PyObject *bytes)
{
    Record *record = append(arena, sizeof(Record));
    if (record == NULL)
        return;
    record->size = sizeof(Record);
    record->raw = PyBytes_AS_STRING(bytes);
    record->raw_size = (size_t)PyBytes_GET_SIZE(bytes);
}
