/* A cell is one series and the handle that records into it, in one object. What it holds is set by `configure`, so that a
 * handle which the application keeps outlives shutdown and the next init.
 *
 * A million of them may be alive: 128 bytes each with what the collector adds (tests/hotpath/test_hotpath_footprint.py), and
 * the buckets. What lies in one field for several kinds is read by cell_count, cell_copy_counts and cell_armed. */
#ifndef OTEL_TRADING_CELL_H
#define OTEL_TRADING_CELL_H

#include "bounds.h"
#include "clock.h"
#include "counts.h"
#include "exponential.h"
#include "label.h"
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

enum option {
    NEGATIVE = 1,  /* a gauge, an explicit histogram, or a forwarded cell, that takes negative values */
    EXEMPLARS = 2, /* measurements are offered; the owner of a forwarded cell learns their origin */
};

/* The least or the largest value, in the type it came in. */
typedef union {
    double real;
    int64_t whole;
} Extreme;

enum extreme_type { LEAST_REAL = 1, MOST_REAL = 2 };

typedef struct Cell {
    PyObject_HEAD
    uint8_t kind;
    uint8_t options;
    uint8_t any_real;    /* a float came: the sum is one */
    uint8_t tries;       /* exemplar offers since the last collection that came to nothing */
    uint8_t armed_one;   /* of a kind without buckets: as a byte of cell_armed */
    uint8_t extremes;    /* which of them are floats, as they are before the first record: infinities */
    Told told;           /* refusals that were told */
#ifdef Py_GIL_DISABLED
    uint32_t generation : 24; /* of configure: storage from before is gone */
    BUSY                      /* in the byte that is left: the next size of the allocator is a quarter more */
#else
    uint32_t generation;
#endif
    int32_t turns;       /* which `whole` went over so often */
    int64_t whole;       /* sum, or last value, of ints; modulo 2**64 */
    double real;         /* of floats, and of ints beyond int64 */
    union {
        uint64_t times;  /* records; of kinds without buckets */
        Extreme least;   /* of histograms */
    };
    Extreme most;
    int64_t started_ns;  /* wall time of the first record; 0 before */
    Bounds *bounds;
    union {
        Counts *low;          /* EXPLICIT: bounds->size + 1 */
        Exponential *buckets; /* EXPONENTIAL */
        void *storage;        /* NULL of other kinds */
    };
    struct Cell *next;   /* a further stream of the same instrument */
    PyObject *owner;     /* what exemplars are offered to; opaque. What a forwarded cell calls */
    Label *label;        /* its name never changes */
} Cell;

extern PyTypeObject *Cell_Type;
extern const char *const cell_kind_names[KINDS];
int cell_add_type(PyObject *module);
/* Forgets what was recorded and stays what it is, every bucket armed again; under GUARD. */
void cell_empty(Cell *cell);
/* Every bucket wants an exemplar again; under GUARD. */
void cell_arm(Cell *cell);
/* A refusal under the name of this cell. */
void cell_refuse(Cell *cell, enum refusal why, PyObject *value);

/* How many buckets exemplars are counted by. */
static inline Py_ssize_t
cell_buckets(const Cell *cell)
{
    if (cell->kind == EXPLICIT)
        return cell->bounds->size + 1;
    return cell->kind == EXPONENTIAL ? cell->buckets->size : 1;
}

/* Records since configure; under GUARD. */
static inline uint64_t
cell_count(const Cell *cell)
{
    if (cell->kind == EXPLICIT)
        return counts_total(cell->low, cell_buckets(cell));
    return cell->kind == EXPONENTIAL ? cell->buckets->filled + cell->buckets->zeros : cell->times;
}

/* All of a histogram, to uint64[cell_buckets(cell)]; under GUARD. */
static inline void
cell_copy_counts(const Cell *cell, uint64_t *to)
{
    if (cell->kind == EXPLICIT)
        counts_copy(cell->low, cell_buckets(cell), to);
    else
        memcpy(to, cell->buckets->counts, (size_t)cell->buckets->size * sizeof(uint64_t));
}

/* A byte a bucket, 1 wants an exemplar; only if the cell has EXEMPLARS. */
static inline uint8_t *
cell_armed(Cell *cell)
{
    if (cell->kind == EXPLICIT)
        return counts_armed(cell->low, cell->bounds->size + 1);
    return cell->kind == EXPONENTIAL ? exponential_armed(cell->buckets) : &cell->armed_one;
}

#endif
