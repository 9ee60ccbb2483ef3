/* From a call to the numbers of a cell. Nothing here raises, and an exception in flight stays in flight. All of it may run
 * Python (hooks, an object's __float__): the caller holds the cell. */
#ifndef OTEL_TRADING_RECORD_H
#define OTEL_TRADING_RECORD_H

#include "cell.h"

/* What the arguments of record, set, add and their like say. */
typedef struct {
    PyObject *amount;     /* NULL: not given */
    PyObject *attributes; /* a table's; NULL: not given, or None */
    PyObject *context;    /* NULL: not given, or None */
} Said;

/* False for a call that no method has. `attributes_at` is 1 where they follow the amount, 0 where they are unknown. */
int said_by(Said *said, PyObject *const *arguments, Py_ssize_t count, PyObject *names, int attributes_at);

/* Into the cell and every further stream after it. */
void record_amount(Cell *cell, PyObject *amount, PyObject *context);
void record_one(Cell *cell, PyObject *context);
void record_ns(Cell *cell, int64_t elapsed_ns, PyObject *context);

/* Methods of a cell. */
PyObject *record_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *add_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *record_since_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

#endif
