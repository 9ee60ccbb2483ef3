/* What the arguments of record, set, add and their like say. */
#ifndef OTEL_TRADING_SAID_H
#define OTEL_TRADING_SAID_H

#include "cell.h"

typedef struct {
    PyObject *amount;     /* NULL: not given */
    PyObject *attributes; /* what a table was called with, which is None for none; NULL: not a table */
    PyObject *context;    /* NULL: not given, or None */
} Said;

static inline PyObject *
said_context(const Said *said)
{
    return said == NULL ? NULL : said->context;
}

/* What hooks learn of the attributes of a record, a new reference: the mapping that a table was called with, empty for
 * none, or else the owner of the cell that was called. NULL with an exception if there is no memory. */
static inline PyObject *
said_origin(const Said *said, Cell *called)
{
    PyObject *owner;
    if (said != NULL && said->attributes != NULL)
        return said->attributes == Py_None ? PyDict_New() : Py_NewRef(said->attributes);
    GUARD(called)
    owner = Py_NewRef(called->owner ? called->owner : Py_None);
    UNGUARD()
    return owner;
}

#endif
