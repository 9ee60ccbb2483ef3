/* What every file needs: Python, integers of fixed size, and the guard of what several threads use. */
#ifndef OTEL_TRADING_COMMON_H
#define OTEL_TRADING_COMMON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>
#include <structmember.h>

#include "guard.h"

/* Off the path of a record, so that this one needs few registers. */
#define COLD __attribute__((noinline, cold))

/* Objects that are over are kept one of a kind, to be the next: under the GIL, and not from those who look for bad memory. */
#if !defined(Py_GIL_DISABLED) && !defined(__SANITIZE_ADDRESS__)
#define KEEPS_SPARES
#endif

/* A METH_FASTCALL function as the type that PyMethodDef has. */
#define CALL(function) ((PyCFunction)(void (*)(void))(function))

#endif
