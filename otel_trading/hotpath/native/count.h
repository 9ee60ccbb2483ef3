/* One number into one cell, by the kind of the cell; under GUARD, and no Python runs. */
#ifndef OTEL_TRADING_COUNT_H
#define OTEL_TRADING_COUNT_H

#include "extremes.h"

#define DISCARDED INT64_MIN /* a view wants nothing: no bucket, and no refusal either */
#define FORWARDING (INT64_MIN + 1) /* the owner is called */
#define REFUSING(why) (-1 - (int64_t)(why))

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
        if (UNLIKELY(value < 0 && !(cell->options & NEGATIVE)))
            return REFUSING(REFUSED_NEGATIVE);
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
        if (UNLIKELY(value < 0 && !(cell->options & NEGATIVE)))
            return REFUSING(REFUSED_NEGATIVE);
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

#endif
