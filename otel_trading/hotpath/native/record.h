/* From a call to the numbers of a cell. Nothing here raises, and an exception in flight stays in flight. All of it may run
 * Python (hooks, an object's __float__): the caller holds the cell. */
#ifndef OTEL_TRADING_RECORD_H
#define OTEL_TRADING_RECORD_H

#include "cell.h"
#include "said.h"

/* False for a call that no method has. `attributes_at` is 1 where they follow the amount, 0 where they are unknown. */
int said_by(Said *said, PyObject *const *arguments, Py_ssize_t count, PyObject *names, int attributes_at);

/* Into the cell and every further stream after it; `said` is NULL where nothing but the amount was. */
void record_amount(Cell *cell, PyObject *amount, const Said *said);
void record_one(Cell *cell, const Said *said);
void record_ns(Cell *cell, int64_t elapsed_ns, const Said *said);

/* Methods of a cell. */
PyObject *record_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *add_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);
PyObject *record_since_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names);

#endif
