#include "exemplar.h"
#include "timer.h"

PyTypeObject *Cell_Type = NULL;

static const char *const KIND_NAMES[KINDS] = {
    "closed", "dropped", "counter", "up_down", "gauge", "explicit", "exponential",
};

/* ---- recording ---- */

static inline void
sum_whole(Cell *cell, int64_t value)
{
#ifdef Py_GIL_DISABLED
    COUNT(cell->whole, value);
#else
    if (UNLIKELY(__builtin_add_overflow(cell->whole, value, &cell->whole))) {
        /* the wrapped sum is put right and goes on as a float */
        cell->whole = (int64_t)((uint64_t)cell->whole - (uint64_t)value);
        cell->real += (double)cell->whole + (double)value;
        cell->whole = 0;
        cell->any_real = 1;
    }
#endif
}

static inline void
sum_real(Cell *cell, double value)
{
#ifdef Py_GIL_DISABLED
    double before = cell->real, after;
    do {
        after = before + value;
    } while (!__atomic_compare_exchange(&cell->real, &before, &after, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
#else
    cell->real += value;
#endif
    cell->any_real = 1;
}

static inline void
extremes_whole(Cell *cell, int64_t value)
{
    if (value < cell->whole_min)
        cell->whole_min = value;
    if (value > cell->whole_max)
        cell->whole_max = value;
}

static inline void
extremes_real(Cell *cell, double value)
{
    if (value < cell->real_min)
        cell->real_min = value;
    if (value > cell->real_max)
        cell->real_max = value;
}

static inline int64_t
count_exponential(Exponential *buckets, double value)
{
    if (value <= buckets->zero_threshold) {
        COUNT(buckets->zeros, 1);
        return 0;
    }
    return exponential_count(buckets, value);
}

static void
record_whole(Cell *cell, int64_t value, PyObject *object, PyObject *context)
{
    int64_t bucket = 0;
    switch (cell->kind) {
    case EXPLICIT:
        if (UNLIKELY(value < 0 && !cell->negative)) {
            refuse(cell->name, &cell->told, REFUSED_NEGATIVE, object);
            return;
        }
        bucket = cell->bounds->size ? bounds_find_whole(cell->bounds, value) : 0;
        COUNT(cell->counts[bucket], 1);
        extremes_whole(cell, value);
        break;
    case EXPONENTIAL:
        if (UNLIKELY(value < 0)) {
            refuse(cell->name, &cell->told, REFUSED_NEGATIVE, object);
            return;
        }
        bucket = count_exponential(cell->buckets, (double)value);
        extremes_whole(cell, value);
        break;
    case COUNTER:
        if (UNLIKELY(value < 0)) {
            refuse(cell->name, &cell->told, REFUSED_NEGATIVE, object);
            return;
        }
        break;
    case UP_DOWN:
        break;
    case GAUGE:
        cell->whole = value;
        cell->any_real = 0;
        COUNT(cell->count, 1);
        exemplar_maybe(cell, 0, object, context);
        return;
    case DROPPED:
        return;
    default:
        refuse(cell->name, &cell->told, REFUSED_CLOSED, object);
        return;
    }
    COUNT(cell->count, 1);
    sum_whole(cell, value);
    exemplar_maybe(cell, bucket, object, context);
}

static void
record_real(Cell *cell, double value, PyObject *object, PyObject *context)
{
    int64_t bucket = 0;
    switch (cell->kind) {
    case EXPLICIT:
        if (UNLIKELY(value < 0 && !cell->negative)) {
            refuse(cell->name, &cell->told, REFUSED_NEGATIVE, object);
            return;
        }
        bucket = cell->bounds->size ? bounds_find_real(cell->bounds, value) : 0;
        COUNT(cell->counts[bucket], 1);
        extremes_real(cell, value);
        break;
    case EXPONENTIAL:
        if (UNLIKELY(value < 0)) {
            refuse(cell->name, &cell->told, REFUSED_NEGATIVE, object);
            return;
        }
        bucket = count_exponential(cell->buckets, value);
        extremes_real(cell, value);
        break;
    case COUNTER:
        if (UNLIKELY(value < 0)) {
            refuse(cell->name, &cell->told, REFUSED_NEGATIVE, object);
            return;
        }
        break;
    case UP_DOWN:
        break;
    case GAUGE:
        cell->real = value;
        cell->any_real = 1;
        COUNT(cell->count, 1);
        exemplar_maybe(cell, 0, object, context);
        return;
    case DROPPED:
        return;
    default:
        refuse(cell->name, &cell->told, REFUSED_CLOSED, object);
        return;
    }
    COUNT(cell->count, 1);
    sum_real(cell, value);
    exemplar_maybe(cell, bucket, object, context);
}

static inline void
record(Cell *cell, PyObject *object, PyObject *context)
{
    int64_t whole;
    double real;
    enum refusal why;
    switch (number_of(object, &whole, &real, &why)) {
    case WHOLE:
        for (; cell != NULL; cell = cell->next)
            record_whole(cell, whole, object, context);
        return;
    case REAL:
        for (; cell != NULL; cell = cell->next)
            record_real(cell, real, object, context);
        return;
    default:
        refuse(cell->name, &cell->told, cell->kind == CLOSED ? REFUSED_CLOSED : why, object);
    }
}

void
cell_record_ns(Cell *cell, int64_t elapsed_ns)
{
    if (UNLIKELY(cell->per_ns == 0.0)) {
        refuse(cell->name, &cell->told, REFUSED_NO_TIME, NULL);
        return;
    }
    double value = (double)elapsed_ns * cell->per_ns;
    if (LIKELY(cell->armed == NULL && cell->next == NULL)) {
        record_real(cell, value, NULL, NULL);
        return;
    }
    PyObject *object = PyFloat_FromDouble(value);
    if (object == NULL) {
        PyErr_Clear();
        return;
    }
    for (; cell != NULL; cell = cell->next)
        record_real(cell, value, object, NULL);
    Py_DECREF(object);
}

/* ---- methods ---- */

/* method(amount, context=None), both also by name. Anything else is counted and never raises. */
static PyObject *
record_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Cell *cell = (Cell *)self;
    if (LIKELY(count == 1 && names == NULL)) {
        record(cell, arguments[0], NULL);
        Py_RETURN_NONE;
    }
    PyObject *amount = count > 0 ? arguments[0] : NULL;
    PyObject *context = count > 1 ? arguments[1] : NULL;
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    int unknown = count > 2;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (amount == NULL && PyUnicode_CompareWithASCIIString(name, "amount") == 0)
            amount = arguments[count + i];
        else if (context == NULL && PyUnicode_CompareWithASCIIString(name, "context") == 0)
            context = arguments[count + i];
        else
            unknown = 1;
    }
    if (unknown || amount == NULL)
        refuse(cell->name, &cell->told, REFUSED_ARGUMENTS, NULL);
    else
        record(cell, amount, context == Py_None ? NULL : context);
    Py_RETURN_NONE;
}

/* add(amount=1, context=None) */
static PyObject *
add_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (UNLIKELY(count == 0 && names == NULL)) {
        for (Cell *cell = (Cell *)self; cell != NULL; cell = cell->next)
            record_whole(cell, 1, NULL, NULL);
        Py_RETURN_NONE;
    }
    return record_call(self, arguments, count, names);
}

static PyObject *
record_since_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Cell *cell = (Cell *)self;
    if (count < 1 || count > 2) {
        refuse(cell->name, &cell->told, REFUSED_ARGUMENTS, NULL);
        Py_RETURN_NONE;
    }
    int64_t start = PyLong_CheckExact(arguments[0]) ? PyLong_AsLongLong(arguments[0]) : -1;
    int64_t elapsed = now_ns() - start;
    if (UNLIKELY(start < 0 || elapsed < 0))
        refuse(cell->name, &cell->told, REFUSED_START, arguments[0]);
    else
        cell_record_ns(cell, elapsed);
    Py_RETURN_NONE;
}

static PyObject *
time_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return timer_new((Cell *)self);
}

static void
forget_storage(Cell *cell)
{
    PyMem_Free(cell->counts);
    PyMem_Free(cell->buckets);
    PyMem_Free(cell->armed);
    cell->counts = NULL;
    cell->buckets = NULL;
    cell->armed = NULL;
    Py_CLEAR(cell->bounds);
}

static void
forget_values(Cell *cell)
{
    cell->count = 0;
    cell->whole = 0;
    cell->real = 0.0;
    cell->any_real = 0;
    cell->tries = 0;
    cell->whole_min = INT64_MAX;
    cell->whole_max = INT64_MIN;
    cell->real_min = INFINITY;
    cell->real_max = -INFINITY;
}

static Py_ssize_t
buckets_of(const Cell *cell)
{
    if (cell->kind == EXPLICIT)
        return cell->bounds->size + 1;
    return cell->kind == EXPONENTIAL ? cell->buckets->size : 1;
}

static int
kind_named(const char *name)
{
    for (int kind = 0; kind < KINDS; kind++)
        if (strcmp(KIND_NAMES[kind], name) == 0)
            return kind;
    PyErr_Format(PyExc_ValueError, "no kind of cell is named %s", name);
    return -1;
}

static PyObject *
configure_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"kind", "bounds", "max_size", "max_scale", "zero_threshold", "per_ns", "negative",
                            "exemplars", "owner", "next", NULL};
    Cell *cell = (Cell *)self;
    const char *kind_name;
    PyObject *bounds = Py_None, *owner = Py_None, *next = Py_None;
    int max_size = 160, max_scale = 20, negative = 0, exemplars = 0;
    double zero_threshold = 0.0, per_ns = 0.0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "s|OiiddppOO:configure", names, &kind_name, &bounds, &max_size,
                                     &max_scale, &zero_threshold, &per_ns, &negative, &exemplars, &owner, &next))
        return NULL;
    int kind = kind_named(kind_name);
    if (kind < 0)
        return NULL;
    if (kind == EXPLICIT && !PyObject_TypeCheck(bounds, Bounds_Type)) {
        PyErr_SetString(PyExc_TypeError, "an explicit histogram needs Bounds");
        return NULL;
    }
    if (kind == EXPONENTIAL && (max_size < 2 || max_size > 4096 || max_scale < -10 || max_scale > 20)) {
        PyErr_SetString(PyExc_ValueError, "max_size must be 2 to 4096 and max_scale -10 to 20");
        return NULL;
    }
    if (next != Py_None && (!PyObject_TypeCheck(next, Cell_Type) || next == self)) {
        PyErr_SetString(PyExc_TypeError, "next must be another Cell");
        return NULL;
    }
    /* nothing is recorded while it changes: a Python destructor may run in between */
    cell->kind = CLOSED;
    forget_storage(cell);
    forget_values(cell);
    uint64_t *counts = NULL;
    Exponential *buckets = NULL;
    uint8_t *armed = NULL;
    Py_ssize_t size = kind == EXPLICIT ? ((Bounds *)bounds)->size + 1 : kind == EXPONENTIAL ? max_size : 1;
    if (kind == EXPLICIT && (counts = PyMem_Calloc(size, sizeof(uint64_t))) == NULL)
        return PyErr_NoMemory();
    if (kind == EXPONENTIAL && (buckets = exponential_new(max_size, max_scale, zero_threshold)) == NULL)
        return PyErr_NoMemory();
    if (exemplars && (armed = PyMem_Malloc(size)) == NULL) {
        PyMem_Free(counts);
        PyMem_Free(buckets);
        return PyErr_NoMemory();
    }
    if (armed != NULL)
        memset(armed, 1, size);
    cell->counts = counts;
    cell->buckets = buckets;
    cell->armed = armed;
    cell->negative = (uint8_t)negative;
    cell->per_ns = per_ns;
    cell->told = 0;
    cell->bounds = kind == EXPLICIT ? (Bounds *)Py_NewRef(bounds) : NULL;
    Py_XSETREF(cell->owner, owner == Py_None ? NULL : Py_NewRef(owner));
    Py_XSETREF(cell->next, next == Py_None ? NULL : (Cell *)Py_NewRef(next));
    cell->kind = (uint8_t)kind;
    Py_RETURN_NONE;
}

static PyObject *
arm_call(PyObject *self, PyObject *unused)
{
    Cell *cell = (Cell *)self;
    cell->tries = 0;
    if (cell->armed != NULL)
        memset(cell->armed, 1, buckets_of(cell));
    Py_RETURN_NONE;
}

/* ---- snapshot ---- */

static PyObject *
sum_of(const Cell *cell)
{
    if (cell->any_real)
        return PyFloat_FromDouble(cell->real + (double)cell->whole);
    return PyLong_FromLongLong(cell->whole);
}

static PyObject *
gauge_of(const Cell *cell)
{
    return cell->any_real ? PyFloat_FromDouble(cell->real) : PyLong_FromLongLong(cell->whole);
}

/* The smaller, or the larger, of what came as int and as float, in its own type. */
static PyObject *
extreme_of(const Cell *cell, int largest)
{
    int64_t whole = largest ? cell->whole_max : cell->whole_min;
    double real = largest ? cell->real_max : cell->real_min;
    int any_whole = cell->whole_min <= cell->whole_max, any_real = cell->real_min <= cell->real_max;
    if (!any_whole && !any_real)
        Py_RETURN_NONE;
    if (any_whole && (!any_real || (largest ? (double)whole >= real : (double)whole <= real)))
        return PyLong_FromLongLong(whole);
    return PyFloat_FromDouble(real);
}

static PyObject *
counts_of(const uint64_t *counts, Py_ssize_t size)
{
    PyObject *found = PyTuple_New(size);
    for (Py_ssize_t i = 0; found != NULL && i < size; i++)
        PyTuple_SET_ITEM(found, i, PyLong_FromUnsignedLongLong(READ(counts[i])));
    return found;
}

static PyObject *
exponential_of(const Exponential *buckets)
{
    Py_ssize_t first = 0, last = buckets->size;
    while (first < last && buckets->counts[first] == 0)
        first++;
    while (last > first && buckets->counts[last - 1] == 0)
        last--;
    PyObject *counts = counts_of(buckets->counts + first, last - first);
    if (counts == NULL)
        return NULL;
    return Py_BuildValue("(iKLN)", (int)buckets->scale, (unsigned long long)buckets->zeros,
                         (long long)(last > first ? buckets->base + first : 0), counts);
}

static PyObject *
snapshot_call(PyObject *self, PyObject *unused)
{
    const Cell *cell = (Cell *)self;
    PyObject *sum = cell->kind == GAUGE ? gauge_of(cell) : sum_of(cell);
    PyObject *detail = cell->kind == EXPLICIT      ? counts_of(cell->counts, cell->bounds->size + 1)
                       : cell->kind == EXPONENTIAL ? exponential_of(cell->buckets)
                                                   : Py_NewRef(Py_None);
    PyObject *least = extreme_of(cell, 0), *most = extreme_of(cell, 1);
    if (sum == NULL || detail == NULL || least == NULL || most == NULL) {
        Py_XDECREF(sum);
        Py_XDECREF(detail);
        Py_XDECREF(least);
        Py_XDECREF(most);
        return NULL;
    }
    return Py_BuildValue("(KNNNN)", (unsigned long long)cell->count, sum, least, most, detail);
}

/* ---- the type ---- */

static PyObject *
cell_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"name", NULL};
    PyObject *name;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "U:Cell", names, &name))
        return NULL;
    Cell *self = (Cell *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->name = Py_NewRef(name);
    forget_values(self);
    return (PyObject *)self;
}

static int
cell_traverse(PyObject *object, visitproc visit, void *arg)
{
    Cell *self = (Cell *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->owner);
    Py_VISIT(self->next);
    return 0;
}

static int
cell_clear(PyObject *object)
{
    Cell *self = (Cell *)object;
    Py_CLEAR(self->owner);
    Py_CLEAR(self->next);
    return 0;
}

static void
cell_dealloc(PyObject *object)
{
    Cell *self = (Cell *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    self->kind = CLOSED;
    forget_storage(self);
    cell_clear(object);
    Py_CLEAR(self->name);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
kind_get(PyObject *self, void *unused)
{
    return PyUnicode_FromString(KIND_NAMES[((Cell *)self)->kind]);
}

static PyObject *
name_get(PyObject *self, void *unused)
{
    return Py_NewRef(((Cell *)self)->name);
}

#define CALL(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef methods[] = {
    {"record", CALL(record_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("record(amount, context=None)\n\nRecords a number. Never raises.")},
    {"set", CALL(record_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("set(amount, context=None)\n\nSets a gauge. Never raises.")},
    {"add", CALL(add_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("add(amount=1, context=None)\n\nAdds a number. Never raises.")},
    {"record_since", CALL(record_since_call), METH_FASTCALL,
     PyDoc_STR("record_since(start_ns)\n\nRecords the time since a reading of now(). Never raises.")},
    {"time", CALL(time_call), METH_FASTCALL, PyDoc_STR("time()\n\nA context manager that records how long its block took.")},
    {"configure", CALL(configure_call), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("configure(kind, **what)\n\nForgets what was recorded and becomes a cell of this kind.")},
    {"arm", arm_call, METH_NOARGS, PyDoc_STR("arm()\n\nEvery bucket wants an exemplar again.")},
    {"snapshot", snapshot_call, METH_NOARGS,
     PyDoc_STR("snapshot() -> (count, sum, min, max, detail)\n\nWhat was recorded since configure; detail by kind.")},
    {NULL},
};
static PyGetSetDef members[] = {
    {"kind", kind_get, NULL, PyDoc_STR("What the cell is now."), NULL},
    {"name", name_get, NULL, PyDoc_STR("The instrument's name, for messages."), NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, cell_new},           {Py_tp_dealloc, cell_dealloc}, {Py_tp_traverse, cell_traverse},
    {Py_tp_clear, cell_clear},       {Py_tp_methods, methods},      {Py_tp_getset, members},
    {Py_tp_doc, (void *)PyDoc_STR("Cell(name)\n\nOne series and the handle that records into it.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Cell", sizeof(Cell), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC, slots,
};

int
cell_add_type(PyObject *module)
{
    Cell_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Cell_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Cell", (PyObject *)Cell_Type);
}
