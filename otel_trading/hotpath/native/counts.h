/* Counts of the buckets of an explicit histogram: 16 bits each, and what went over beside them, since most series never
 * count to 65,536 in any bucket. Behind the counts lies a byte a bucket for exemplars, if any are wanted. */
#ifndef OTEL_TRADING_COUNTS_H
#define OTEL_TRADING_COUNTS_H

#include "common.h"

typedef struct {
    uint64_t *carries; /* 65,536s, uint64[size]; NULL until a count went over */
    uint16_t low[];
} Counts;

/* NULL without memory. */
Counts *counts_new(Py_ssize_t size, int exemplars);
void counts_free(Counts *counts);
void counts_empty(Counts *counts, Py_ssize_t size);
/* To uint64[size]. */
void counts_copy(const Counts *counts, Py_ssize_t size, uint64_t *to);
uint64_t counts_total(const Counts *counts, Py_ssize_t size);
/* After low[at] went from 65,535 to 0. False without memory: the count is what it was before. */
int counts_carry(Counts *counts, Py_ssize_t size, int64_t at);

/* Whether it was counted; under GUARD. */
static inline int
counts_add(Counts *counts, Py_ssize_t size, int64_t at)
{
    return LIKELY(++counts->low[at] != 0) || counts_carry(counts, size, at);
}

static inline uint8_t *
counts_armed(Counts *counts, Py_ssize_t size)
{
    return (uint8_t *)(counts->low + size);
}

#endif
