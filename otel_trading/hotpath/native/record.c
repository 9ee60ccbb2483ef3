#include "record.h"
#include "count.h"
#include "exemplar.h"
#include "forward.h"

/* A record on its way through the streams of an instrument. */
typedef struct {
    Cell *first;
    Told refused; /* a bit for each reason that was counted */
} Way;

static void
offer(Cell *cell, const Way *way, int64_t bucket, uint32_t generation, PyObject *made, const Said *said)
{
    if (made == NULL)
        PyErr_Clear();
    else
        exemplar_offer(cell, way->first, bucket, generation, made, said);
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
forward_whole(Cell *cell, Way *way, int64_t value, PyObject *amount, const Said *said)
{
    if (!forward(cell, way->first, given_whole(value, amount != NULL && PyLong_CheckExact(amount) ? amount : NULL), said))
        refuse_record(way, REFUSED_FORWARD, given_whole(value, amount));
}

static void
forward_real(Cell *cell, Way *way, double value, PyObject *amount, const Said *said)
{
    if (!forward(cell, way->first, given_real(value, amount != NULL && PyFloat_CheckExact(amount) ? amount : NULL), said))
        refuse_record(way, REFUSED_FORWARD, given_real(value, amount));
}

/* Under GUARD, at the moment of counting, unless the clock is Python. */
static COLD void
stamp(Cell *cell)
{
    if (READ_HOOK(clock_wall_replaced) == NULL)
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

/* What is left to do of a record, in the two functions called rest. */
typedef struct {
    int64_t outcome; /* of count_whole and count_real */
    uint32_t generation;
    int offered;
} Left;

/* Of a number that count_whole or count_real has seen; under GUARD. */
static inline int
has_more(Cell *cell, int64_t outcome, Left *left)
{
    int more, offered = 0;
    if (LIKELY(outcome >= 0)) {
        offered = wanted(cell, outcome);
        if (UNLIKELY(cell->started_ns == 0))
            stamp(cell);
        more = offered || cell->started_ns == 0;
    }
    else
        more = outcome != DISCARDED;
    if (UNLIKELY(more))
        *left = (Left){outcome, cell->generation, offered};
    return more;
}

/* Counts; true if that was not all, what is left is then set. */
static inline int
step_whole(Cell *cell, int64_t value, Left *left)
{
    int more;
    GUARD(cell)
    more = has_more(cell, count_whole(cell, value), left);
    UNGUARD()
    return more;
}

static COLD void
rest_whole(Cell *cell, Way *way, const Left *left, int64_t value, PyObject *amount, const Said *said)
{
    if (left->outcome < 0) {
        if (left->outcome == FORWARDING)
            forward_whole(cell, way, value, amount, said);
        else
            refuse_record(way, (enum refusal)(-1 - left->outcome), given_whole(value, amount));
        return;
    }
    if (READ_HOOK(clock_wall_replaced) != NULL)
        stamp_as_asked(cell);
    if (left->offered)
        offer(cell, way, left->outcome, left->generation, given_whole(value, amount), said);
}

/* Counts; true if that was not all, what is left is then set. */
static inline int
step_real(Cell *cell, double value, Left *left)
{
    int more;
    GUARD(cell)
    more = has_more(cell, count_real(cell, value), left);
    UNGUARD()
    return more;
}

static COLD void
rest_real(Cell *cell, Way *way, const Left *left, double value, PyObject *amount, const Said *said)
{
    if (left->outcome < 0) {
        if (left->outcome == FORWARDING)
            forward_real(cell, way, value, amount, said);
        else
            refuse_record(way, (enum refusal)(-1 - left->outcome), given_real(value, amount));
        return;
    }
    if (READ_HOOK(clock_wall_replaced) != NULL)
        stamp_as_asked(cell);
    if (left->offered)
        offer(cell, way, left->outcome, left->generation, given_real(value, amount), said);
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

static COLD void
follow_whole(Cell *first, const Left *left, int64_t value, PyObject *amount, const Said *said)
{
    Way way = {first, 0};
    Left further;
    if (left != NULL)
        rest_whole(first, &way, left, value, amount, said);
    for (Cell *cell = after(first), *next; cell != NULL; cell = next) {
        if (step_whole(cell, value, &further))
            rest_whole(cell, &way, &further, value, amount, said);
        next = after(cell);
        Py_DECREF(cell);
    }
}

static COLD void
follow_real(Cell *first, const Left *left, double value, PyObject *amount, const Said *said)
{
    Way way = {first, 0};
    Left further;
    if (left != NULL)
        rest_real(first, &way, left, value, amount, said);
    for (Cell *cell = after(first), *next; cell != NULL; cell = next) {
        if (step_real(cell, value, &further))
            rest_real(cell, &way, &further, value, amount, said);
        next = after(cell);
        Py_DECREF(cell);
    }
}

static inline void
feed_whole(Cell *cell, int64_t value, PyObject *amount, const Said *said)
{
    Left left;
    int more = step_whole(cell, value, &left);
    if (UNLIKELY(more || PEEK(cell->next) != NULL))
        follow_whole(cell, more ? &left : NULL, value, amount, said);
}

static inline void
feed_real(Cell *cell, double value, PyObject *amount, const Said *said)
{
    Left left;
    int more = step_real(cell, value, &left);
    if (UNLIKELY(more || PEEK(cell->next) != NULL))
        follow_real(cell, more ? &left : NULL, value, amount, said);
}

static inline void
feed(Cell *cell, PyObject *amount, const Said *said)
{
    int64_t whole;
    double real;
    enum refusal why;
    switch (number_of(amount, &whole, &real, &why)) {
    case WHOLE: feed_whole(cell, whole, amount, said); return;
    case REAL: feed_real(cell, real, amount, said); return;
    default: cell_refuse(cell, PEEK(cell->kind) == CLOSED ? REFUSED_CLOSED : why, amount);
    }
}

/* ---- for the other files ---- */

void
record_amount(Cell *cell, PyObject *amount, const Said *said)
{
    feed(cell, amount, said);
}

void
record_one(Cell *cell, const Said *said)
{
    feed_whole(cell, 1, NULL, said);
}

void
record_ns(Cell *cell, int64_t elapsed_ns, const Said *said)
{
    double per_ns;
    GUARD(cell)
    per_ns = cell->label->per_ns;
    UNGUARD()
    if (LIKELY(per_ns > 0.0)) {
        feed_real(cell, (double)elapsed_ns * per_ns, NULL, said);
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
        record_one(cell, &said);
    else
        feed(cell, said.amount, &said);
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
    else if (LIKELY(context == NULL))
        record_ns(cell, now - start, NULL);
    else
        record_ns(cell, now - start, &(Said){.context = context});
    Py_RETURN_NONE;
}
