/* A cell is one series and the handle that records into it, in one object. What it holds is set by `configure`, so that a
 * handle which the application keeps outlives shutdown and the next init. */
#ifndef OTEL_TRADING_CELL_H
#define OTEL_TRADING_CELL_H

#include "bounds.h"
#include "clock.h"
#include "exponential.h"
#include "number.h"

enum kind {
    CLOSED,      /* before init, after shutdown: records are counted as refused */
    DROPPED,     /* a view wants nothing of it */
    COUNTER,     /* sum of increments that are not negative */
    UP_DOWN,     /* sum */
    GAUGE,       /* last value */
    EXPLICIT,    /* histogram with bounds */
    EXPONENTIAL, /* histogram, base 2 */
    FORWARDED,   /* each number goes to the owner */
    KINDS
};

typedef struct Cell {
    PyObject_HEAD
    uint8_t kind;
    uint8_t negative;    /* an explicit histogram, or a forwarded cell, that takes negative values */
    uint8_t any_real;    /* a float came: the sum is one */
    Told told;           /* refusals that were told */
    uint16_t tries;      /* exemplar offers since the last collection that came to nothing */
    uint32_t generation; /* of configure: storage from before is gone */
    double per_ns;       /* from nanoseconds to the instrument's unit; 0 if that is no unit of time */
    uint64_t count;
    int64_t whole;       /* sum, or last value, of ints; modulo 2**64, */
    int64_t turns;       /* which it went over so often */
    double real;         /* of floats, and of ints beyond int64 */
    int64_t whole_min, whole_max;
    double real_min, real_max;
    int64_t started_ns;  /* wall time of the first record; 0 before */
    Bounds *bounds;
    uint64_t *counts;    /* EXPLICIT: bounds->size + 1 */
    Exponential *buckets;
    uint8_t *armed;      /* a byte a bucket: 1 wants an exemplar; NULL if none are wanted */
    struct Cell *next;   /* a further stream of the same instrument */
    PyObject *name;      /* never changes */
    PyObject *owner;     /* what exemplars are offered to; opaque. What a forwarded cell calls */
} Cell;

extern PyTypeObject *Cell_Type;
extern const char *const cell_kind_names[KINDS];
int cell_add_type(PyObject *module);
/* Forgets what was recorded and stays what it is, every bucket armed again; under GUARD. */
void cell_empty(Cell *cell);

/* How many buckets exemplars are counted by. */
static inline Py_ssize_t
cell_buckets(const Cell *cell)
{
    if (cell->kind == EXPLICIT)
        return cell->bounds->size + 1;
    return cell->kind == EXPONENTIAL ? cell->buckets->size : 1;
}

#endif
