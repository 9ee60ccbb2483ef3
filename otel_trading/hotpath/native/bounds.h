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
     * than one bound in it, so that a bucket is found by one comparison, of bits, whose order is that of the numbers.
     * There are slots from the first positive bound to the last; what lies outside, or all where that would take too
     * many, is bisected. */
    uint64_t slots;
    int64_t first_slot;
    int32_t shift;   /* how many trailing bits a slot leaves out */
    uint16_t *below; /* uint16[slots]: bounds that lie below the slot */
    int64_t *edges;  /* int64[slots]: bits of the bound in it, or of the next one */
} Bounds;

extern PyTypeObject *Bounds_Type;
int bounds_add_type(PyObject *module);

static inline int64_t
bounds_bits(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
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
bounds_find_real(const Bounds *bounds, double value)
{
    int64_t bits = bounds_bits(value);
    uint64_t slot = (uint64_t)((bits >> bounds->shift) - bounds->first_slot);
    if (LIKELY(slot < bounds->slots))
        return bounds->below[slot] + (bounds->edges[slot] < bits);
    return bounds_bisect(bounds, value);
}

static inline int32_t
bounds_find_whole(const Bounds *bounds, int64_t value)
{
    if (LIKELY(value < INT64_C(1) << 53 && value > -(INT64_C(1) << 53))) /* a double holds it exactly */
        return bounds_find_real(bounds, (double)value);
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

#endif
