#include "record.h"
#include "exemplar.h"
#include "extremes.h"
#include "forward.h"

#define DISCARDED INT64_MIN /* a view wants nothing: no bucket, and no refusal either */
#define FORWARDING (INT64_MIN + 1) /* the owner is called */
#define REFUSING(why) (-1 - (int64_t)(why))

/* ---- the numbers; under GUARD, and no Python runs ---- */

static inline void
add_whole(Cell *cell, int64_t value)
{
    if (LIKELY(!__builtin_add_overflow(cell->whole, value, &cell->whole)))
        return;
    if (UNLIKELY(cell->turns == INT32_MAX || cell->turns == INT32_MIN)) { /* a sum beyond 2**94 goes on as a float */
        cell->real += (double)cell->turns * 0x1p64;
        cell->any_real = 1;
        cell->turns = 0;
    }
    cell->turns += value < 0 ? -1 : 1;
}

static inline int64_t
into_exponential(Exponential *buckets, double value)
{
    if (value <= buckets->zero_threshold) {
        buckets->zeros++;
        return 0;
    }
    return exponential_count(buckets, value);
}

/* Returns the bucket, or REFUSING a reason, DISCARDED or FORWARDING. */
static inline int64_t
count_whole(Cell *cell, int64_t value)
{
    int64_t bucket = 0;
    switch (cell->kind) {
    case EXPLICIT:
        if (UNLIKELY(value < 0 && !(cell->options & NEGATIVE)))
            return REFUSING(REFUSED_NEGATIVE);
        bucket = cell->bounds->size ? bounds_find_whole(cell->bounds, value) : 0;
        if (UNLIKELY(!counts_add(cell->low, cell->bounds->size + 1, bucket)))
            return REFUSING(REFUSED_MEMORY);
        break;
    case EXPONENTIAL:
        if (UNLIKELY(value < 0))
            return REFUSING(REFUSED_NEGATIVE);
        bucket = into_exponential(cell->buckets, (double)value);
        break;
    case COUNTER:
        if (UNLIKELY(value < 0))
            return REFUSING(REFUSED_NEGATIVE);
        cell->times++;
        add_whole(cell, value);
        return 0;
    case UP_DOWN:
        cell->times++;
        add_whole(cell, value);
        return 0;
    case GAUGE:
        cell->times++;
        cell->whole = value;
        cell->any_real = 0;
        return 0;
    case DROPPED: return DISCARDED;
    case FORWARDED: return value < 0 && !(cell->options & NEGATIVE) ? REFUSING(REFUSED_NEGATIVE) : FORWARDING;
    default: return REFUSING(REFUSED_CLOSED);
    }
    add_whole(cell, value);
    extremes_note_whole(cell, value);
    return bucket;
}

static inline int64_t
count_real(Cell *cell, double value)
{
    int64_t bucket = 0;
    switch (cell->kind) {
    case EXPLICIT:
        if (UNLIKELY(value < 0 && !(cell->options & NEGATIVE)))
            return REFUSING(REFUSED_NEGATIVE);
        bucket = cell->bounds->size ? bounds_find_real(cell->bounds, value) : 0;
        if (UNLIKELY(!counts_add(cell->low, cell->bounds->size + 1, bucket)))
            return REFUSING(REFUSED_MEMORY);
        break;
    case EXPONENTIAL:
        if (UNLIKELY(value < 0))
            return REFUSING(REFUSED_NEGATIVE);
        bucket = into_exponential(cell->buckets, value);
        break;
    case COUNTER:
        if (UNLIKELY(value < 0))
            return REFUSING(REFUSED_NEGATIVE);
        cell->times++;
        cell->real += value;
        cell->any_real = 1;
        return 0;
    case UP_DOWN:
        cell->times++;
        cell->real += value;
        cell->any_real = 1;
        return 0;
    case GAUGE:
        cell->times++;
        cell->real = value;
        cell->any_real = 1;
        return 0;
    case DROPPED: return DISCARDED;
    case FORWARDED: return value < 0 && !(cell->options & NEGATIVE) ? REFUSING(REFUSED_NEGATIVE) : FORWARDING;
    default: return REFUSING(REFUSED_CLOSED);
    }
    cell->real += value;
    cell->any_real = 1;
    extremes_note_real(cell, value);
    return bucket;
}

/* Whether this measurement of a bucket is offered as an exemplar. */
static inline int
wanted(Cell *cell, int64_t bucket)
{
    if (LIKELY(!(cell->options & EXEMPLARS)))
        return 0;
    uint8_t *armed = cell_armed(cell) + bucket;
    if (LIKELY(*armed <= 1))
        return *armed;
    --*armed;
    return 0;
}

/* ---- one number into one cell, and what follows from it ---- */

/* A record on its way through the streams of an instrument. */
typedef struct {
    Cell *first;
    Told refused; /* a bit for each reason that was counted */
} Way;

static void
offer(Cell *cell, int64_t bucket, uint32_t generation, PyObject *made, PyObject *context)
{
    if (made == NULL)
        PyErr_Clear();
    else
        exemplar_offer(cell, bucket, generation, made, context);
    Py_XDECREF(made);
}

/* Counted once for a record, whatever the number of streams, under the name of the cell that was called. Takes the
 * reference over, as `offer` does. */
static void
refuse_record(Way *way, enum refusal why, PyObject *made)
{
    if (made == NULL)
        PyErr_Clear();
    if (!(way->refused & (1u << why))) {
        way->refused |= (Told)(1u << why);
        cell_refuse(way->first, why, made);
    }
    Py_XDECREF(made);
}

static PyObject *
given_whole(int64_t value, PyObject *amount)
{
    return amount != NULL ? Py_NewRef(amount) : PyLong_FromLongLong(value);
}

static PyObject *
given_real(double value, PyObject *amount)
{
    return amount != NULL ? Py_NewRef(amount) : PyFloat_FromDouble(value);
}

/* What came as a subclass, Decimal or numpy scalar is forwarded as the number that it stands for. */
static void
forward_whole(Cell *cell, Way *way, int64_t value, PyObject *amount, PyObject *context)
{
    if (!forward(cell, given_whole(value, amount != NULL && PyLong_CheckExact(amount) ? amount : NULL), context))
        refuse_record(way, REFUSED_FORWARD, given_whole(value, amount));
}

static void
forward_real(Cell *cell, Way *way, double value, PyObject *amount, PyObject *context)
{
    if (!forward(cell, given_real(value, amount != NULL && PyFloat_CheckExact(amount) ? amount : NULL), context))
        refuse_record(way, REFUSED_FORWARD, given_real(value, amount));
}

/* Under GUARD, at the moment of counting, unless the clock is Python. */
static inline void
stamp(Cell *cell)
{
    if (UNLIKELY(cell->started_ns == 0) && LIKELY(READ_HOOK(clock_wall_replaced) == NULL))
        cell->started_ns = clock_read(CLOCK_REALTIME);
}

/* Afterwards, by a clock that is Python. */
static void
stamp_as_asked(Cell *cell)
{
    int64_t started_ns;
    GUARD(cell)
    started_ns = cell->started_ns;
    UNGUARD()
    if (started_ns != 0)
        return;
    started_ns = wall_ns();
    GUARD(cell)
    cell->started_ns = started_ns;
    UNGUARD()
}

static inline void
stamp_for_test(Cell *cell)
{
    if (UNLIKELY(READ_HOOK(clock_wall_replaced) != NULL))
        stamp_as_asked(cell);
}

static inline void
into_whole(Cell *cell, Way *way, int64_t value, PyObject *amount, PyObject *context)
{
    int64_t outcome;
    int offered = 0;
    uint32_t generation;
    GUARD(cell)
    generation = cell->generation;
    outcome = count_whole(cell, value);
    if (LIKELY(outcome >= 0)) {
        offered = wanted(cell, outcome);
        stamp(cell);
    }
    UNGUARD()
    if (UNLIKELY(outcome < 0)) {
        if (outcome == FORWARDING)
            forward_whole(cell, way, value, amount, context);
        else if (outcome != DISCARDED)
            refuse_record(way, (enum refusal)(-1 - outcome), given_whole(value, amount));
        return;
    }
    stamp_for_test(cell);
    if (UNLIKELY(offered))
        offer(cell, outcome, generation, given_whole(value, amount), context);
}

static inline void
into_real(Cell *cell, Way *way, double value, PyObject *amount, PyObject *context)
{
    int64_t outcome;
    int offered = 0;
    uint32_t generation;
    GUARD(cell)
    generation = cell->generation;
    outcome = count_real(cell, value);
    if (LIKELY(outcome >= 0)) {
        offered = wanted(cell, outcome);
        stamp(cell);
    }
    UNGUARD()
    if (UNLIKELY(outcome < 0)) {
        if (outcome == FORWARDING)
            forward_real(cell, way, value, amount, context);
        else if (outcome != DISCARDED)
            refuse_record(way, (enum refusal)(-1 - outcome), given_real(value, amount));
        return;
    }
    stamp_for_test(cell);
    if (UNLIKELY(offered))
        offer(cell, outcome, generation, given_real(value, amount), context);
}

/* ---- further streams ---- */

/* The next cell, held: hooks run between one and the other, and may configure both. */
static Cell *
after(Cell *cell)
{
    Cell *next;
    GUARD(cell)
    next = (Cell *)Py_XNewRef((PyObject *)cell->next);
    UNGUARD()
    return next;
}

static void
follow_whole(Way *way, int64_t value, PyObject *amount, PyObject *context)
{
    for (Cell *cell = after(way->first), *next; cell != NULL; cell = next) {
        into_whole(cell, way, value, amount, context);
        next = after(cell);
        Py_DECREF(cell);
    }
}

static void
follow_real(Way *way, double value, PyObject *amount, PyObject *context)
{
    for (Cell *cell = after(way->first), *next; cell != NULL; cell = next) {
        into_real(cell, way, value, amount, context);
        next = after(cell);
        Py_DECREF(cell);
    }
}

static inline void
feed_whole(Cell *cell, int64_t value, PyObject *amount, PyObject *context)
{
    Way way = {cell, 0};
    into_whole(cell, &way, value, amount, context);
    if (UNLIKELY(PEEK(cell->next) != NULL))
        follow_whole(&way, value, amount, context);
}

static inline void
feed_real(Cell *cell, double value, PyObject *amount, PyObject *context)
{
    Way way = {cell, 0};
    into_real(cell, &way, value, amount, context);
    if (UNLIKELY(PEEK(cell->next) != NULL))
        follow_real(&way, value, amount, context);
}

static inline void
feed(Cell *cell, PyObject *amount, PyObject *context)
{
    int64_t whole;
    double real;
    enum refusal why;
    switch (number_of(amount, &whole, &real, &why)) {
    case WHOLE: feed_whole(cell, whole, amount, context); return;
    case REAL: feed_real(cell, real, amount, context); return;
    default: cell_refuse(cell, PEEK(cell->kind) == CLOSED ? REFUSED_CLOSED : why, amount);
    }
}

/* ---- for the other files ---- */

void
record_amount(Cell *cell, PyObject *amount, PyObject *context)
{
    feed(cell, amount, context);
}

void
record_one(Cell *cell, PyObject *context)
{
    feed_whole(cell, 1, NULL, context);
}

void
record_ns(Cell *cell, int64_t elapsed_ns, PyObject *context)
{
    double per_ns;
    GUARD(cell)
    per_ns = cell->label->per_ns;
    UNGUARD()
    if (LIKELY(per_ns > 0.0)) {
        feed_real(cell, (double)elapsed_ns * per_ns, NULL, context);
        return;
    }
    if (PEEK(cell->kind) == DROPPED && PEEK(cell->next) == NULL)
        return;
    cell_refuse(cell, PEEK(cell->kind) == CLOSED ? REFUSED_CLOSED : REFUSED_NO_TIME, NULL);
}

int
said_by(Said *said, PyObject *const *arguments, Py_ssize_t count, PyObject *names, int attributes_at)
{
    static const char *const known[] = {"amount", "attributes", "context"};
    PyObject *found[3] = {NULL, NULL, NULL};
    if (count > 2 + attributes_at)
        return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        found[i > 0 && !attributes_at ? i + 1 : i] = arguments[i];
    Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    for (Py_ssize_t i = 0; i < named; i++) {
        int which = 0;
        while (which < 3 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), known[which]) != 0)
            which++;
        if (which == 3 || (which == 1 && !attributes_at) || found[which] != NULL)
            return 0;
        found[which] = arguments[count + i];
    }
    said->amount = found[0];
    said->attributes = found[1] == Py_None ? NULL : found[1];
    said->context = found[2] == Py_None ? NULL : found[2];
    return 1;
}

/* ---- methods ---- */

static PyObject *
record_said(Cell *cell, PyObject *const *arguments, Py_ssize_t count, PyObject *names, int one_if_missing)
{
    Said said;
    if (!said_by(&said, arguments, count, names, 0) || (said.amount == NULL && !one_if_missing))
        cell_refuse(cell, REFUSED_ARGUMENTS, NULL);
    else if (said.amount == NULL)
        record_one(cell, said.context);
    else
        feed(cell, said.amount, said.context);
    Py_RETURN_NONE;
}

PyObject *
record_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (UNLIKELY(count != 1 || names != NULL))
        return record_said((Cell *)self, arguments, count, names, 0);
    feed((Cell *)self, arguments[0], NULL);
    Py_RETURN_NONE;
}

PyObject *
add_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    if (UNLIKELY(count != 1 || names != NULL))
        return record_said((Cell *)self, arguments, count, names, 1);
    feed((Cell *)self, arguments[0], NULL);
    Py_RETURN_NONE;
}

PyObject *
record_since_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    Cell *cell = (Cell *)self;
    PyObject *context = NULL;
    if (count == 2 && names == NULL)
        context = arguments[1] == Py_None ? NULL : arguments[1];
    else if (UNLIKELY(count != 1 || names != NULL)) {
        if (count == 1 && PyTuple_GET_SIZE(names) == 1 &&
            PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "context") == 0)
            context = arguments[1] == Py_None ? NULL : arguments[1];
        else {
            cell_refuse(cell, REFUSED_ARGUMENTS, NULL);
            Py_RETURN_NONE;
        }
    }
    int64_t start = -1;
    if (LIKELY(PyLong_CheckExact(arguments[0]))) {
        start = PyLong_AsLongLong(arguments[0]);
        if (UNLIKELY(start == -1))
            PyErr_Clear();
    }
    int64_t now = now_ns();
    if (UNLIKELY(start < 0 || start > now))
        cell_refuse(cell, PEEK(cell->kind) == CLOSED ? REFUSED_CLOSED : REFUSED_START, arguments[0]);
    else
        record_ns(cell, now - start, context);
    Py_RETURN_NONE;
}
