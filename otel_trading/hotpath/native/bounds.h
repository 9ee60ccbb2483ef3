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
    /* Where a bound is found by calculation (log-linear): parts of each octave above `low`; 0 for bisection. */
    int32_t parts;
    double low;
} Bounds;

extern PyTypeObject *Bounds_Type;
int bounds_add_type(PyObject *module);

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

/* The octave from the exponent, the part from the mantissa, then the neighbours: exact whatever the division rounded. */
static inline int32_t
bounds_calculate(const Bounds *bounds, double value)
{
    if (!(value > bounds->low))
        return 0;
    uint64_t bits;
    double ratio = value / bounds->low;
    memcpy(&bits, &ratio, sizeof bits);
    int64_t octave = (int64_t)(bits >> 52) - 1023;
    double within = (double)(bits & 0xfffffffffffffULL) * 0x1p-52;
    int64_t guess = octave * bounds->parts + (int64_t)(within * bounds->parts) + 1;
    int32_t found = guess > bounds->size ? bounds->size : (int32_t)guess;
    while (found < bounds->size && bounds->real[found] < value)
        found++;
    while (found > 0 && bounds->real[found - 1] >= value)
        found--;
    return found;
}

static inline int32_t
bounds_find_real(const Bounds *bounds, double value)
{
    return bounds->parts ? bounds_calculate(bounds, value) : bounds_bisect(bounds, value);
}

#endif
