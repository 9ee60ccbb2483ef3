#include "clock.h"

#include <stdio.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define FIRST_RATE_NS 10000000 /* as long the rate is watched before it is used */
#define NEXT_RATE_NS 1000000000
#define TOLERANCE 0.001        /* of the rate, from one look to the next */

PyObject *clock_now_replaced = NULL;
PyObject *clock_wall_replaced = NULL;
uint8_t clock_counts = 0;

/* Threads without a GIL may look at the rate at once: each number is read and written whole, and any of them will do. */
static int64_t base_ticks, base_ns; /* where the comparison began */
static int64_t next_look;           /* in ticks */
static uint64_t ns_per_tick;        /* times 2**32; 0 as long as it is not known */
static int trusted;

static int
kernel_trusts_counter(void)
{
#if defined(__x86_64__)
    unsigned int eax, ebx, ecx, edx = 0;
    if (!__get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) || !(edx & (1u << 8)))
        return 0; /* its rate changes with the processor's */
    char name[8] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    if (file == NULL)
        return 0;
    size_t size = fread(name, 1, sizeof name - 1, file);
    fclose(file);
    return size >= 4 && strcmp(name, "tsc\n") == 0;
#else
    return 0;
#endif
}

void
clock_prepare(void)
{
    if (trusted)
        return;
    trusted = kernel_trusts_counter();
    base_ns = clock_read(CLOCK_MONOTONIC);
    base_ticks = clock_ticks();
    next_look = base_ticks;
    clock_counts = (uint8_t)trusted;
}

/* Compares both clocks over the time since the module was loaded. */
static void
look_at_rate(int64_t ticks_now)
{
    int64_t ns = clock_read(CLOCK_MONOTONIC) - base_ns, ticks = ticks_now - base_ticks;
    if (ns < FIRST_RATE_NS || ticks <= 0)
        return;
    double rate = (double)ns / (double)ticks;
    uint64_t found = (uint64_t)(rate * 0x1p32), before = __atomic_load_n(&ns_per_tick, __ATOMIC_RELAXED);
    if (before != 0 && fabs((double)found / (double)before - 1.0) > TOLERANCE) {
        /* what is being timed just now is still told by the rate from before */
        POKE(trusted, 0);
        __atomic_store_n(&clock_counts, 0, __ATOMIC_RELAXED);
        return;
    }
    __atomic_store_n(&ns_per_tick, found, __ATOMIC_RELAXED);
    __atomic_store_n(&next_look, ticks_now + (int64_t)(NEXT_RATE_NS / rate), __ATOMIC_RELAXED);
}

int64_t
clock_since(int64_t start_ticks)
{
    int64_t ticks_now = clock_ticks(), ticks = ticks_now - start_ticks;
    if (UNLIKELY(ticks_now >= __atomic_load_n(&next_look, __ATOMIC_RELAXED)))
        look_at_rate(ticks_now);
    uint64_t rate = __atomic_load_n(&ns_per_tick, __ATOMIC_RELAXED);
    if (UNLIKELY(rate == 0)) {
        /* the module is younger than FIRST_RATE_NS: what has passed so far must do */
        int64_t since_ticks = ticks_now - base_ticks, since_ns = clock_read(CLOCK_MONOTONIC) - base_ns;
        return since_ticks <= 0 ? 0 : (int64_t)((double)ticks * (double)since_ns / (double)since_ticks);
    }
    return (int64_t)(((__int128)ticks * (__int128)rate) >> 32);
}

int64_t
clock_ask(PyObject *replacement)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    Py_INCREF(replacement);
    PyObject *answer = PyObject_CallNoArgs(replacement);
    int64_t reading = answer != NULL && PyLong_Check(answer) ? PyLong_AsLongLong(answer) : 0;
    Py_XDECREF(answer);
    Py_DECREF(replacement);
    PyErr_Clear();
    PyErr_Restore(type, error, trace);
    return reading;
}

PyObject *
clock_replace(PyObject *module, PyObject *arguments)
{
    PyObject *now, *wall;
    if (!PyArg_ParseTuple(arguments, "OO:set_clock", &now, &wall))
        return NULL;
    if ((now != Py_None && !PyCallable_Check(now)) || (wall != Py_None && !PyCallable_Check(wall))) {
        PyErr_SetString(PyExc_TypeError, "a clock must be callable, or None for the real one");
        return NULL;
    }
    REPLACE_HOOK(clock_now_replaced, now == Py_None ? NULL : Py_NewRef(now));
    REPLACE_HOOK(clock_wall_replaced, wall == Py_None ? NULL : Py_NewRef(wall));
    POKE(clock_counts, (uint8_t)(PEEK(trusted) && now == Py_None));
    Py_RETURN_NONE;
}
