#include "span_ids.h"
#include "clock.h"

#include <pthread.h>
#include <unistd.h>
#if defined(__linux__) || defined(__APPLE__)
#include <sys/random.h>
#endif

#ifdef Py_GIL_DISABLED
#define PER_THREAD _Thread_local
#else
#define PER_THREAD
#endif

uint32_t forks = 0;

/* xoshiro256**, of D. Blackman and S. Vigna. Ids need be unlike, not secret. */
static PER_THREAD uint64_t state[4];
static PER_THREAD uint32_t seeded_at; /* forks + 1 when it was seeded; 0 never */

static inline uint64_t
rotated(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static COLD void
seed(void)
{
    if (getentropy(state, sizeof state) != 0) { /* a kernel from before it: time, process and stack tell processes apart */
        state[0] = (uint64_t)clock_read(CLOCK_MONOTONIC);
        state[1] = (uint64_t)clock_read(CLOCK_REALTIME);
        state[2] = (uint64_t)getpid() * 0x9e3779b97f4a7c15ULL;
        state[3] = (uint64_t)(uintptr_t)&state ^ 0xd6e8feb86659fd93ULL;
    }
    state[0] |= 1; /* all zero stays zero */
    seeded_at = forks + 1;
}

uint64_t
id_make(void)
{
    uint64_t made;
    if (UNLIKELY(seeded_at != forks + 1))
        seed();
    do {
        made = rotated(state[1] * 5, 7) * 9;
        uint64_t shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = rotated(state[3], 45);
    } while (UNLIKELY(made == 0));
    return made;
}

static void
forked(void)
{
    forks++;
}

int
ids_prepare(void)
{
    static int prepared;
    if (!prepared && pthread_atfork(NULL, NULL, forked) != 0) {
        PyErr_NoMemory();
        return -1;
    }
    prepared = 1;
    return 0;
}
