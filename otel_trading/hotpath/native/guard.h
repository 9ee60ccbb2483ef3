/* How a record is kept whole.
 *
 * With the GIL nothing interrupts C code that runs no Python: plain loads and stores are exact, and all of this is nothing.
 * Free-threaded builds have a byte in each object that a thread holds while it reads or writes the object's numbers. Between
 * GUARD and UNGUARD no Python runs, nothing waits, and nothing jumps out.
 *
 * Not the interpreter's critical sections: a thread that has waited a millisecond for one is given the mutex in its sleep,
 * and a process forked at that moment inherits it held. Whoever holds or awaits these bytes is attached to the interpreter,
 * which forks and collects only once each thread is at rest, and so never while one is held.
 */
#ifndef OTEL_TRADING_GUARD_H
#define OTEL_TRADING_GUARD_H

#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef Py_GIL_DISABLED

/* Until the byte is free and taken. */
void guard_wait(uint8_t *busy);

static inline void
guard_take(uint8_t *busy)
{
    if (UNLIKELY(__atomic_exchange_n(busy, 1, __ATOMIC_ACQUIRE)))
        guard_wait(busy);
}

static inline void
guard_leave(uint8_t *busy)
{
    __atomic_store_n(busy, 0, __ATOMIC_RELEASE);
}

/* In objects that are guarded. */
#define BUSY uint8_t busy;
#define GUARD(object) { uint8_t *guarded = &(object)->busy; guard_take(guarded);
#define UNGUARD() guard_leave(guarded); }
/* For what concerns several objects; taken before GUARD. */
#define LOCK(name) static uint8_t name
#define HOLD(name) guard_take(&(name))
#define LET_GO(name) guard_leave(&(name))
/* What is written under GUARD and looked at without it. */
#define PEEK(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define POKE(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)
/* Another thread may be calling what is replaced, so it is kept for life; hooks are set once or twice a process. */
#define REPLACE_HOOK(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)
#define READ_HOOK(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)

#else

#define BUSY
#define GUARD(object) {
#define UNGUARD() }
#define LOCK(name) struct name
#define HOLD(name) ((void)0)
#define LET_GO(name) ((void)0)
#define PEEK(place) (place)
#define POKE(place, value) ((place) = (value))
#define REPLACE_HOOK(place, value) Py_XSETREF(place, value)
#define READ_HOOK(place) (place)

#endif
#endif
