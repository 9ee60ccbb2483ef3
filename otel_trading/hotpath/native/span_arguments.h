/* Arguments of calls, positional or named, and ids among them. */
#ifndef OTEL_TRADING_SPAN_ARGUMENTS_H
#define OTEL_TRADING_SPAN_ARGUMENTS_H

#include "common.h"

typedef struct {
    const char *function;
    int required, number;
    const char *const *names;
    PyObject **interned; /* the same names as callers mostly have them; NULL until a keyword was used */
} Signature;

/* What a function is called with: its name, how many arguments it needs at least, and their names. */
#define SIGNATURE(variable, function, required, ...)                                                                           \
    static const char *const variable##_names[] = {__VA_ARGS__};                                                               \
    static PyObject *variable##_interned[sizeof variable##_names / sizeof *variable##_names];                                  \
    static const Signature variable = {function, required, sizeof variable##_names / sizeof *variable##_names, variable##_names, \
                                       variable##_interned}

/* Positional and named arguments by name; those that are not given are NULL. -1 with TypeError. */
int arguments_of(const Signature *signature, PyObject *const *given, Py_ssize_t positional, PyObject *keywords, PyObject **found);

/* An int of at most 128 bits. 0, or -1 for anything else; no exception is left. */
int id_of(PyObject *value, uint64_t *high, uint64_t *low);

#endif
