/* How one thread waits for spans: for a bell that who ends a span rings only when somebody waits and enough are there.
 *
 * The bell is a lock of Python's, held while nobody rings: to ring is to let it go, which waits for nobody. Each wait that begins
 * is rung for once at most, by whoever takes `wanted` away, and takes the bell up again before it ends. */
#include "span_arena.h"

#include <time.h>

#define MOST_WAIT_S 1e6

/* Before anybody can ring it. */
static int
bell_hung(Arena *arena)
{
    if (arena->bell != NULL)
        return 1;
    PyThread_type_lock bell = PyThread_allocate_lock();
    if (bell == NULL)
        return 0;
    PyThread_acquire_lock(bell, WAIT_LOCK);
    arena->bell = bell;
    return 1;
}

/* 1 if there is nothing to wait for. */
static int
begin_waiting(Arena *arena, uint64_t items)
{
    int ready;
    GUARD(arena)
    ready = arena->woken || arena->items >= items;
    arena->woken = 0;
    if (!ready)
        arena->wanted = items;
    UNGUARD()
    return ready;
}

/* 1 if it was rung, 0 if time was over, -1 with an exception of a signal handler. */
static int
listen_for(PyThread_type_lock bell, double timeout_s)
{
    const uint32_t fork = forks;
    struct timespec began, now;
    double left_s = timeout_s;
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (;;) {
        PyLockStatus status;
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(bell, (PY_TIMEOUT_T)ceil(left_s * 1e6), 1);
        Py_END_ALLOW_THREADS
        if (status != PY_LOCK_INTR)
            return status == PY_LOCK_ACQUIRED;
        if (PyErr_CheckSignals() < 0)
            return -1;
        if (fork != forks) /* the handler forked, and this is the child */
            return 0;
        clock_gettime(CLOCK_MONOTONIC, &now);
        left_s = timeout_s - (double)(now.tv_sec - began.tv_sec) - (double)(now.tv_nsec - began.tv_nsec) * 1e-9;
        left_s = left_s > 0 ? left_s : 0;
    }
}

/* Nobody rings from now on; 1 if somebody had. */
static int
end_waiting(Arena *arena, PyThread_type_lock bell, int heard)
{
    int rung;
    GUARD(arena)
    arena_own(arena);
    rung = arena->waited && arena->wanted == NOBODY_WAITS;
    arena->wanted = NOBODY_WAITS;
    if (rung && heard >= 0)
        arena->woken = 0;
    UNGUARD()
    if (rung && heard != 1) { /* at the last moment: whoever did lets go of the bell just now */
        Py_BEGIN_ALLOW_THREADS
        PyThread_acquire_lock(bell, WAIT_LOCK);
        Py_END_ALLOW_THREADS
    }
    return rung;
}

static int
wait_for(Arena *arena, uint64_t items, double timeout_s)
{
    if (begin_waiting(arena, items))
        return 1;
    PyThread_type_lock bell = arena->bell;
    int heard = listen_for(bell, timeout_s);
    int rung = end_waiting(arena, bell, heard);
    return heard < 0 ? -1 : rung;
}

PyObject *
arena_wait(PyObject *object, PyObject *const *given, Py_ssize_t count)
{
    Arena *arena = (Arena *)object;
    int waited, done = -1;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "wait takes items and timeout_s; was given %zd arguments", count);
    long long items = PyLong_AsLongLong(given[0]);
    double timeout_s = PyErr_Occurred() ? -1 : PyFloat_AsDouble(given[1]);
    if (PyErr_Occurred())
        return NULL;
    if (items < 1 || !(timeout_s >= 0))
        return PyErr_Format(PyExc_ValueError, "items must be at least 1 and timeout_s at least 0; were %R and %R", given[0],
                            given[1]);
    GUARD(arena)
    arena_own(arena);
    waited = arena->waited;
    arena->waited = 1;
    UNGUARD()
    if (waited) {
        PyErr_SetString(PyExc_RuntimeError, "another thread waits for this arena");
        return NULL;
    }
    if (bell_hung(arena))
        done = wait_for(arena, (uint64_t)items, timeout_s < MOST_WAIT_S ? timeout_s : MOST_WAIT_S);
    else
        PyErr_NoMemory();
    GUARD(arena)
    arena->waited = 0;
    UNGUARD()
    return done < 0 ? NULL : PyBool_FromLong(done);
}

PyObject *
arena_wake(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    int rings;
    GUARD(arena)
    arena_own(arena);
    arena->woken = 1;
    rings = arena->wanted != NOBODY_WAITS;
    arena->wanted = NOBODY_WAITS;
    UNGUARD()
    if (rings)
        PyThread_release_lock(arena->bell);
    Py_RETURN_NONE;
}
