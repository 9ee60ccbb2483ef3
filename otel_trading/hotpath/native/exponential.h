/* Base-2 exponential buckets as the specification has them: bucket i holds (base**i, base**(i+1)], base = 2**(2**-scale).
 * At most `size` buckets in a row; what does not fit halves the resolution, as often as needed. Every index is exact. */
#ifndef OTEL_TRADING_EXPONENTIAL_H
#define OTEL_TRADING_EXPONENTIAL_H

#include "common.h"

#define FINEST 20       /* the largest scale of the specification */
#define FINEST_TABLE 6  /* scales up to this are looked up, finer ones calculated */

typedef struct {
    int32_t size;
    int32_t scale;
    int32_t finest;   /* the scale it begins with */
    int64_t base;     /* index of counts[0] */
    uint64_t zeros;   /* values whose magnitude is not above zero_threshold */
    double zero_threshold;
    uint64_t filled;  /* values in the buckets; as long as there are none base means nothing */
    uint64_t counts[];
} Exponential;

void exponential_prepare(void);
Exponential *exponential_new(int32_t size, int32_t max_scale, double zero_threshold, int exemplars);
/* As it was made. */
void exponential_empty(Exponential *buckets);
/* The index of a positive value at FINEST. */
int64_t exponential_finest(double value);
/* Makes room for an index that does not fit; returns where in counts it is now. Cannot fail. */
int64_t exponential_make_room(Exponential *buckets, int64_t index);
PyObject *exponential_index_call(PyObject *module, PyObject *arguments);

extern uint64_t exponential_bounds[(1 << FINEST_TABLE) + 3];
extern uint8_t exponential_first[256];

/* A byte a bucket for exemplars, behind the counts. */
static inline uint8_t *
exponential_armed(Exponential *buckets)
{
    return (uint8_t *)(buckets->counts + buckets->size);
}

/* The index of a positive, finite value. */
static inline int64_t
exponential_index(double value, int32_t scale)
{
    if (UNLIKELY(scale > FINEST_TABLE))
        return exponential_finest(value) >> (FINEST - scale);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52) - 1023;
    uint64_t mantissa = bits & 0xfffffffffffffULL;
    if (UNLIKELY(exponent < -1022)) {
        exponent = -1022; /* subnormal: the lowest bucket there is */
        mantissa = 0;
    }
    int64_t part = exponential_first[mantissa >> 44];
    part += mantissa > exponential_bounds[part + 1];
    part += mantissa > exponential_bounds[part + 1];
    /* a power of two is the upper end of the bucket below */
    int64_t finest = (exponent * (1 << FINEST_TABLE)) + part - (mantissa == 0);
    return finest >> (FINEST_TABLE - scale);
}

static inline int64_t
exponential_count(Exponential *buckets, double value)
{
    int64_t index = exponential_index(value, buckets->scale), slot = index - buckets->base;
    if (UNLIKELY((uint64_t)slot >= (uint64_t)buckets->size || buckets->filled == 0))
        slot = exponential_make_room(buckets, index);
    buckets->counts[slot]++;
    buckets->filled++;
    return slot;
}

#endif
