/* Explicit bucket boundaries, shared by all series of a stream. A value belongs to the first bucket whose bound is not
 * below it; above the last bound there is one bucket more. */
#ifndef OTEL_TRADING_BOUNDS_H
#define OTEL_TRADING_BOUNDS_H

#include "common.h"

typedef struct {
    PyObject_HEAD
    int32_t size;    /* number of bounds */
    double *real;    /* float64[size], strictly ascending, finite */
    int64_t *whole;  /* int64[size]: the largest int that is not above each */
    /* Positive numbers fall into slots by the leading bits of a double: exponent and some of the mantissa. None has more
     * than one bound in it, so that a bucket is found by one comparison. Without slots, where that would take too many
     * of them, there is bisection. */
    uint16_t *slots; /* uint16[count_of_slots]: bounds that lie below the slot */
    int64_t first_slot;
    int64_t last_slot;
    int32_t shift;   /* how many trailing bits a slot leaves out */
} Bounds;

extern PyTypeObject *Bounds_Type;
int bounds_add_type(PyObject *module);

/* Where bits of a positive double fall. */
static inline int64_t
bounds_slot(double value, int32_t shift)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> shift;
}

/* A slot below the first has what the first has below it, one above the last holds values above the last bound. */
static inline int32_t
bounds_look_up(const Bounds *bounds, double value)
{
    int64_t slot = bounds_slot(value, bounds->shift);
    slot = slot < bounds->first_slot ? bounds->first_slot : slot;
    slot = slot > bounds->last_slot ? bounds->last_slot : slot;
    int32_t found = bounds->slots[slot - bounds->first_slot];
    return found + (bounds->real[found] < value);
}

static inline int32_t
bounds_bisect(const Bounds *bounds, double value)
{
    const double *base = bounds->real;
    int32_t left = bounds->size;
    while (left > 1) {
        int32_t half = left >> 1;
        base += base[half - 1] < value ? half : 0;
        left -= half;
    }
    return (int32_t)(base - bounds->real) + (left == 1 && base[0] < value);
}

static inline int32_t
bounds_find_whole(const Bounds *bounds, int64_t value)
{
    if (LIKELY(bounds->slots != NULL && value > 0 && value < INT64_C(1) << 53)) /* a double holds it exactly */
        return bounds_look_up(bounds, (double)value);
    if (UNLIKELY(value == INT64_MIN)) /* `whole` cannot tell it from bounds that lie below every int64 */
        return bounds_bisect(bounds, -0x1p63);
    const int64_t *base = bounds->whole;
    int32_t left = bounds->size;
    while (left > 1) {
        int32_t half = left >> 1;
        base += base[half - 1] < value ? half : 0;
        left -= half;
    }
    return (int32_t)(base - bounds->whole) + (left == 1 && base[0] < value);
}

static inline int32_t
bounds_find_real(const Bounds *bounds, double value)
{
    if (LIKELY(bounds->slots != NULL && value > 0))
        return bounds_look_up(bounds, value);
    return bounds_bisect(bounds, value);
}

#endif
