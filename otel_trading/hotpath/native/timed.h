/* Callables that record how long each call took: functions here, what coroutine functions return in timed_coroutine.c. */
#ifndef OTEL_TRADING_TIMED_H
#define OTEL_TRADING_TIMED_H

#include "cell.h"

int timed_add_type(PyObject *module);
int timed_coroutine_add_type(PyObject *module);

/* Cell.wrap(function, coroutine=False) */
PyObject *timed_wrap(PyObject *cell, PyObject *const *arguments, Py_ssize_t count);
/* Takes the reference to `inner` over. */
PyObject *timed_coroutine_new(Cell *cell, PyObject *inner);
/* The attribute of the object itself, else of what it stands for. */
PyObject *timed_attribute(PyObject *self, PyObject *name, PyObject *behind);
/* Records while an exception may be in flight, which stays so. */
void timed_record(Cell *cell, const Stopwatch *watch);

#endif
