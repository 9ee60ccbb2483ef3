/* What the cells of a stream have in common and no plain record looks at: one for all of them, so that each pays a pointer. */
#ifndef OTEL_TRADING_LABEL_H
#define OTEL_TRADING_LABEL_H

#include "common.h"

typedef struct {
    Py_ssize_t uses;
    PyObject *name; /* of the instrument, for messages */
    double per_ns;  /* from nanoseconds to its unit; 0 if that is no unit of time */
} Label;

/* The one that others use already if it is remembered; NULL with MemoryError. */
Label *label_use(PyObject *name, double per_ns);
/* The last use frees it. NULL is nothing. */
void label_leave(Label *label);

#endif
