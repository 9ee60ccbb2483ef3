/* The current context of OpenTelemetry: an immutable dict in a ContextVar, with the current span under one of its keys. */
#ifndef OTEL_TRADING_CURRENT_H
#define OTEL_TRADING_CURRENT_H

#include "common.h"

/* The context of the caller; NULL if none was ever set, or nobody said where it is. No exception is left. */
PyObject *current_get(void);

/* The span in a context, or NULL. A borrowed context, a new reference. No exception is left. */
PyObject *current_span(PyObject *context);

/* A context with everything of another one, which may be NULL, and this span. NULL with an exception. */
PyObject *current_with(PyObject *context, PyObject *span);

/* Lets go of a context of current_with; if nobody else has it, the next one is made of it. */
void current_forget(PyObject *context);

/* Makes a context the current one and returns the token that ends this. NULL with an exception. */
PyObject *current_attach(PyObject *context);

/* The context of before; 0, or -1 if the token is of another thread's or task's context. No exception is left. */
int current_detach(PyObject *token);

/* set_current, attach, detach of the module. */
PyObject *current_set(PyObject *module, PyObject *arguments);
PyObject *current_attach_call(PyObject *module, PyObject *context);
PyObject *current_detach_call(PyObject *module, PyObject *token);

#endif
