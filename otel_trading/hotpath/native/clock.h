/* The clock of time.perf_counter_ns() on POSIX: monotonic, not slewed into the past, shared by all threads. */
#ifndef OTEL_TRADING_CLOCK_H
#define OTEL_TRADING_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t
now_ns(void)
{
    struct timespec reading;
    clock_gettime(CLOCK_MONOTONIC, &reading);
    return (int64_t)reading.tv_sec * 1000000000 + reading.tv_nsec;
}

#endif
