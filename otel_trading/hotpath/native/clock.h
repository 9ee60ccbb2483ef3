/* Time: the clock of time.perf_counter_ns(), the wall clock, and a stopwatch for blocks and calls.
 *
 * The stopwatch reads the processor's counter where the kernel itself trusts it (10 ns instead of 24 on the machine of
 * benchmarks/hotpath.py; two readings are most of what timing a call costs). Its rate is compared with CLOCK_MONOTONIC once
 * a second; if the two drift apart, as after the move of a virtual machine, it is given up for good.
 */
#ifndef OTEL_TRADING_CLOCK_H
#define OTEL_TRADING_CLOCK_H

#include "common.h"
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

typedef struct {
    int64_t start;
    uint8_t counter; /* start is in ticks, not in nanoseconds */
} Stopwatch;

extern PyObject *clock_now_replaced; /* callables in place of the clocks, for tests; NULL */
extern PyObject *clock_wall_replaced;
extern uint8_t clock_counts;         /* the processor's counter is used */

void clock_prepare(void);
int64_t clock_ask(PyObject *replacement);
int64_t clock_since(int64_t start_ticks);
PyObject *clock_replace(PyObject *module, PyObject *arguments);

static inline int64_t
clock_read(clockid_t which)
{
    struct timespec reading;
    clock_gettime(which, &reading);
    return (int64_t)reading.tv_sec * 1000000000 + reading.tv_nsec;
}

static inline int64_t
clock_ticks(void)
{
#if defined(__x86_64__)
    return (int64_t)__rdtsc();
#else
    return clock_read(CLOCK_MONOTONIC);
#endif
}

static inline int64_t
now_ns(void)
{
    PyObject *replacement = READ_HOOK(clock_now_replaced);
    if (UNLIKELY(replacement != NULL))
        return clock_ask(replacement);
    return clock_read(CLOCK_MONOTONIC);
}

static inline int64_t
wall_ns(void)
{
    PyObject *replacement = READ_HOOK(clock_wall_replaced);
    if (UNLIKELY(replacement != NULL))
        return clock_ask(replacement);
    return clock_read(CLOCK_REALTIME);
}

static inline void
stopwatch_start(Stopwatch *watch)
{
    watch->counter = PEEK(clock_counts);
    watch->start = LIKELY(watch->counter) ? clock_ticks() : now_ns();
}

/* Nanoseconds since the start, never negative. */
static inline int64_t
stopwatch_read(const Stopwatch *watch)
{
    int64_t elapsed = LIKELY(watch->counter) ? clock_since(watch->start) : now_ns() - watch->start;
    return elapsed < 0 ? 0 : elapsed;
}

#endif
