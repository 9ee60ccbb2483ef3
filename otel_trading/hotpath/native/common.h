/* What every file needs: Python, integers of fixed size, and how a record is kept whole.
 *
 * With the GIL nothing interrupts C code that runs no Python, so plain stores are exact. Free-threaded builds take the
 * object's critical section instead: exact as well, and contended if several threads record into one cell. No Python
 * code runs between GUARD and UNGUARD, and nothing may jump out of the pair.
 */
#ifndef OTEL_TRADING_COMMON_H
#define OTEL_TRADING_COMMON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
/* Off the path of a record, so that this one needs few registers. */
#define COLD __attribute__((noinline, cold))

/* A METH_FASTCALL function as the type that PyMethodDef has. */
#define CALL(function) ((PyCFunction)(void (*)(void))(function))

#ifdef Py_GIL_DISABLED
/* A lock for what concerns several cells; taken before GUARD. */
#define LOCK(name) static PyMutex name
#define HOLD(name) PyMutex_Lock(&(name))
#define LET_GO(name) PyMutex_Unlock(&(name))
#define GUARD(object) Py_BEGIN_CRITICAL_SECTION(object);
#define UNGUARD() Py_END_CRITICAL_SECTION();
/* Another thread may be calling what is replaced, so it is kept for life; hooks are set once or twice a process. */
#define REPLACE_HOOK(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELEASE)
#define READ_HOOK(place) __atomic_load_n(&(place), __ATOMIC_ACQUIRE)
#else
#define LOCK(name) struct name
#define HOLD(name) ((void)0)
#define LET_GO(name) ((void)0)
#define GUARD(object) {
#define UNGUARD() }
#define REPLACE_HOOK(place, value) Py_XSETREF(place, value)
#define READ_HOOK(place) (place)
#endif

#endif
