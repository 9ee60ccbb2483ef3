/* One object of a type that is over is kept to be the next: mostly one is made when the one before has gone. */
#ifndef OTEL_TRADING_SPARE_H
#define OTEL_TRADING_SPARE_H

#include "common.h"

/* A new reference, its fields not set; NULL with an exception. */
static inline PyObject *
spare_or_new(PyObject **spare, PyTypeObject *type)
{
#ifdef KEEPS_SPARES
    PyObject *found = *spare;
    if (LIKELY(found != NULL)) {
        *spare = NULL;
        return PyObject_Init(found, type);
    }
#endif
    return PyObject_New(PyObject, type);
}

/* As the last of a tp_dealloc, for what spare_or_new gave; its type is still to be let go. */
static inline void
spare_or_free(PyObject **spare, PyObject *object)
{
#ifdef KEEPS_SPARES
    if (LIKELY(*spare == NULL)) {
        *spare = object;
        return;
    }
#endif
    PyObject_Free(object);
}

#endif
