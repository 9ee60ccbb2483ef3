/* What every file needs: Python, integers of fixed size, and the one way in which counts are written and read.
 *
 * With the GIL a method of a cell is not interrupted, so plain additions are exact. Without it (Py_GIL_DISABLED) they are
 * relaxed atomics: exact, and contended if several threads record into one cell.
 */
#ifndef OTEL_TRADING_COMMON_H
#define OTEL_TRADING_COMMON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef Py_GIL_DISABLED
#define COUNT(place, amount) ((void)__atomic_fetch_add(&(place), (amount), __ATOMIC_RELAXED))
#define READ(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
#else
#define COUNT(place, amount) ((void)((place) += (amount)))
#define READ(place) (place)
#endif

#endif
