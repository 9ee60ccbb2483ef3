/* Counts of spans that begin, by what becomes of them and where their parent is, and of those that recorded and ended.
 *
 * The arena keeps them; a child's begin at zero, and what its parent began does not end in it. */
#ifndef OTEL_TRADING_SPAN_COUNTS_H
#define OTEL_TRADING_SPAN_COUNTS_H

#include "span.h"

static inline void
span_count_up(uint64_t *count)
{
#ifdef Py_GIL_DISABLED
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
#else
    ++*count;
#endif
}

/* Flags, parent and whether it records are known. */
static inline void
span_count_start(const Span *span)
{
    Arena *arena = span->recorder->arena;
    if (UNLIKELY(PEEK(arena->fork) != forks))
        arena_become_own(arena);
    enum result result = span->flags & SAMPLED ? RECORDS_AND_SAMPLED : span->recording ? RECORDS_ONLY : DROPS;
    enum origin origin = span->parent_id == 0 ? NO_PARENT : span->remote ? REMOTE_PARENT : LOCAL_PARENT;
    span_count_up(&arena->started[result][origin]);
}

/* It recorded, in this process. */
static inline void
span_count_end(const Span *span)
{
    span_count_up(&span->recorder->arena->ended[span->flags & SAMPLED ? RECORDS_AND_SAMPLED : RECORDS_ONLY]);
}

#endif
