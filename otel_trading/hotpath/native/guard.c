#include "common.h"

#ifdef Py_GIL_DISABLED
#include <sched.h>
#include <time.h>

#define SPINS 64          /* a guard is held for some ten nanoseconds */
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

void
guard_wait(uint8_t *busy)
{
    const struct timespec nap = {0, SLEEP_NS};
    int turn = 0;
    do {
        while (__atomic_load_n(busy, __ATOMIC_RELAXED)) {
            if (turn < SPINS)
                pause_briefly();
            else if (turn < SPINS + YIELDS)
                sched_yield();
            else
                nanosleep(&nap, NULL);
            turn++;
        }
    } while (__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE));
}
#endif
