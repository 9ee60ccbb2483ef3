/* A block in which a span is the current one: `with tracer.start_as_current_span(...)`, and the decorator. */
#ifndef OTEL_TRADING_BLOCK_H
#define OTEL_TRADING_BLOCK_H

#include "tracer.h"

int block_add_type(PyObject *module);
PyObject *block_new(PyObject *tracer, PyObject *const *given, Py_ssize_t count, PyObject *keywords);

#endif
