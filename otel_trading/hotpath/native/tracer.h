/* A tracer: it begins spans with the current one as their parent, for as long as the process lives. */
#ifndef OTEL_TRADING_TRACER_H
#define OTEL_TRADING_TRACER_H

#include "span.h"

enum start_argument { START_NAME, START_CONTEXT, START_KIND, START_ATTRIBUTES, START_LINKS, START_TIME, START_RECORD_EXCEPTION,
                      START_SET_STATUS, START_ARGUMENTS };

typedef struct {
    PyObject_HEAD
    BUSY
    Recorder *recorder; /* NULL: spans are started by Python */
    PyObject *sampler;  /* NULL: all are sampled */
} Tracer;

extern PyTypeObject *Tracer_Type;
int tracer_add_type(PyObject *module);

/* A span for arguments that are NULL where they were not given. `current` is the current context, or NULL for none. NULL with
 * an exception, which only Python that starts it raises. */
PyObject *tracer_start(Tracer *tracer, PyObject *const *given, PyObject *current);

#endif
