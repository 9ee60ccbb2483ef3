/* What was not recorded and why: counted by reason, and told once for each reason and cell. Never an exception. */
#ifndef OTEL_TRADING_REFUSAL_H
#define OTEL_TRADING_REFUSAL_H

#include "common.h"

enum refusal {
    REFUSED_NOT_A_NUMBER, /* the wrong type */
    REFUSED_NOT_FINITE,   /* NaN, an infinity, or an int beyond every float */
    REFUSED_NEGATIVE,     /* where only increments are taken */
    REFUSED_CLOSED,       /* after shutdown, or before the first init */
    REFUSED_START,        /* record_since with what is no reading of now() */
    REFUSED_NO_TIME,      /* a duration for an instrument without a unit of time */
    REFUSED_ARGUMENTS,    /* a call that no method has */
    REFUSED_NO_SERIES,    /* the factory of a table failed, or wants no series of these attributes */
    REFUSED_FORWARD,      /* the owner of a forwarded cell raised */
    REFUSED_MEMORY,       /* there was none to count it */
    REFUSALS
};

typedef uint16_t Told; /* a bit for each reason */

/* Counts; the first of a kind at this cell is told to the hook with the offending value, NULL for none. The hook is Python:
 * afterwards nothing that `told` lies in may be touched unless it is held. An exception in flight stays in flight. */
void refuse(PyObject *name, Told *told, enum refusal why, PyObject *value);

int refusals_prepare(void);

/* Module functions. */
PyObject *refusals_snapshot(PyObject *module, PyObject *unused);
PyObject *refusals_forget(PyObject *module, PyObject *unused);
PyObject *refusals_set_hook(PyObject *module, PyObject *hook);

#endif
