#include "snapshot.h"

/* The numbers are copied before the first Python object is made: making one may run the collector, and with it Python that
 * records into this cell, or configures it. */
typedef struct {
    Cell cell;        /* its kind and numbers; nothing else of it */
    uint64_t count;
    Py_ssize_t size;  /* of counts */
    int32_t scale;
    int64_t base;
    uint64_t zeros;
    uint64_t *counts; /* own memory; NULL if there are none */
} Copy;

/* Not the object's head, and not `told`: they change without GUARD. */
static void
copy_scalars(Copy *copy, const Cell *cell)
{
    copy->cell.kind = cell->kind;
    copy->cell.any_real = cell->any_real;
    copy->cell.extremes = cell->extremes;
    copy->cell.turns = cell->turns;
    copy->cell.whole = cell->whole;
    copy->cell.real = cell->real;
    copy->cell.least = cell->least;
    copy->cell.most = cell->most;
}

static void
copy_buckets(Copy *copy, const Cell *cell)
{
    copy->size = cell_buckets(cell);
    if (cell->kind == EXPONENTIAL) {
        copy->scale = cell->buckets->scale;
        copy->base = cell->buckets->base;
        copy->zeros = cell->buckets->zeros;
    }
    copy->counts = PyMem_RawMalloc(copy->size * sizeof(uint64_t));
    if (copy->counts != NULL)
        cell_copy_counts(cell, copy->counts);
}

/* 0, or -1 with MemoryError, and then nothing has changed. */
static int
copy_cell(Copy *copy, Cell *cell, int begin_anew)
{
    int bucketed;
    memset(copy, 0, sizeof *copy);
    GUARD(cell)
    copy_scalars(copy, cell);
    copy->count = cell_count(cell);
    bucketed = cell->kind == EXPLICIT || cell->kind == EXPONENTIAL;
    if (bucketed)
        copy_buckets(copy, cell);
    if (begin_anew && (!bucketed || copy->counts != NULL))
        cell_empty(cell);
    UNGUARD()
    if (bucketed && copy->counts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* whole + turns * 2**64: ints add up without a limit. */
static PyObject *
whole_sum(const Cell *cell)
{
    if (LIKELY(cell->turns == 0))
        return PyLong_FromLongLong(cell->whole);
    PyObject *turns = PyLong_FromLongLong(cell->turns), *bits = PyLong_FromLong(64), *whole = PyLong_FromLongLong(cell->whole);
    PyObject *high = turns && bits ? PyNumber_Lshift(turns, bits) : NULL;
    PyObject *sum = high && whole ? PyNumber_Add(high, whole) : NULL;
    Py_XDECREF(turns);
    Py_XDECREF(bits);
    Py_XDECREF(whole);
    Py_XDECREF(high);
    return sum;
}

static PyObject *
sum_of(const Cell *cell)
{
    if (cell->kind == GAUGE)
        return cell->any_real ? PyFloat_FromDouble(cell->real) : PyLong_FromLongLong(cell->whole);
    if (!cell->any_real)
        return whole_sum(cell);
    if (cell->turns == 0)
        return PyFloat_FromDouble(cell->real + (double)cell->whole);
    PyObject *whole = whole_sum(cell);
    double as_real = whole == NULL ? 0.0 : PyLong_AsDouble(whole);
    Py_XDECREF(whole);
    return whole == NULL ? NULL : PyFloat_FromDouble(cell->real + as_real);
}

static PyObject *
extreme_of(const Copy *copy, int largest)
{
    const Cell *cell = &copy->cell;
    int histogram = cell->kind == EXPLICIT || cell->kind == EXPONENTIAL;
    if (!histogram || copy->count == 0)
        Py_RETURN_NONE;
    const Extreme *extreme = largest ? &cell->most : &cell->least;
    int real = cell->extremes & (largest ? MOST_REAL : LEAST_REAL);
    return real ? PyFloat_FromDouble(extreme->real) : PyLong_FromLongLong(extreme->whole);
}

static PyObject *
counts_of(const uint64_t *counts, Py_ssize_t size)
{
    PyObject *found = PyTuple_New(size);
    for (Py_ssize_t i = 0; found != NULL && i < size; i++) {
        PyObject *count = PyLong_FromUnsignedLongLong(counts[i]);
        if (count == NULL)
            Py_CLEAR(found);
        else
            PyTuple_SET_ITEM(found, i, count);
    }
    return found;
}

static PyObject *
exponential_of(const Copy *copy)
{
    Py_ssize_t first = 0, last = copy->size;
    while (first < last && copy->counts[first] == 0)
        first++;
    while (last > first && copy->counts[last - 1] == 0)
        last--;
    PyObject *counts = counts_of(copy->counts + first, last - first);
    if (counts == NULL)
        return NULL;
    return Py_BuildValue("(iKLN)", (int)copy->scale, (unsigned long long)copy->zeros,
                         (long long)(last > first ? copy->base + first : 0), counts);
}

static PyObject *
detail_of(const Copy *copy)
{
    switch (copy->cell.kind) {
    case EXPLICIT: return counts_of(copy->counts, copy->size);
    case EXPONENTIAL: return exponential_of(copy);
    default: Py_RETURN_NONE;
    }
}

static PyObject *
read_cell(PyObject *self, int begin_anew)
{
    Copy copy;
    if (copy_cell(&copy, (Cell *)self, begin_anew) < 0)
        return NULL;
    PyObject *sum = sum_of(&copy.cell), *least = extreme_of(&copy, 0), *most = extreme_of(&copy, 1);
    PyObject *detail = detail_of(&copy);
    PyMem_RawFree(copy.counts);
    if (sum == NULL || detail == NULL || least == NULL || most == NULL) {
        Py_XDECREF(sum);
        Py_XDECREF(detail);
        Py_XDECREF(least);
        Py_XDECREF(most);
        return NULL;
    }
    return Py_BuildValue("(KNNNN)", (unsigned long long)copy.count, sum, least, most, detail);
}

PyObject *
snapshot_call(PyObject *self, PyObject *unused)
{
    return read_cell(self, 0);
}

PyObject *
take_call(PyObject *self, PyObject *unused)
{
    return read_cell(self, 1);
}
