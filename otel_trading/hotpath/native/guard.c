#include "common.h"

#ifdef Py_GIL_DISABLED
#include <sched.h>
#include <time.h>

/* A guard is held for some ten nanoseconds. Who looks at it less often leaves its holder the memory that both write to, and
 * time for several records in a row: half of what two threads lose by sharing a cell (benchmarks/contention.py). */
#define SPINS 16
#define FIRST_PAUSES 8
#define MOST_DOUBLED 4
#define YIELDS 64         /* its holder has no processor: ours may do */
#define SLEEP_NS 50000    /* it has a lower priority than we: only sleep lets it run */

static inline void
pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void
wait_a_turn(int turn)
{
    const struct timespec nap = {0, SLEEP_NS};
    if (turn < SPINS)
        for (int i = 0; i < FIRST_PAUSES << (turn < MOST_DOUBLED ? turn : MOST_DOUBLED); i++)
            pause_briefly();
    else if (turn < SPINS + YIELDS)
        sched_yield();
    else
        nanosleep(&nap, NULL);
}

void
guard_wait(uint8_t *busy)
{
    int turn = 0;
    do {
        while (__atomic_load_n(busy, __ATOMIC_RELAXED))
            wait_a_turn(turn++);
    } while (__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE));
}
#endif
