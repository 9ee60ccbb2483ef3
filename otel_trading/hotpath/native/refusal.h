/* What was not recorded and why: counted by reason, and told once for each reason and cell. Never an exception. */
#ifndef OTEL_TRADING_REFUSAL_H
#define OTEL_TRADING_REFUSAL_H

#include "common.h"

enum refusal {
    REFUSED_NOT_A_NUMBER, /* the wrong type */
    REFUSED_NOT_FINITE,   /* NaN or an infinity */
    REFUSED_NEGATIVE,     /* where only increments are taken */
    REFUSED_CLOSED,       /* after shutdown, or before the first init */
    REFUSED_START,        /* record_since with what is no reading of now() */
    REFUSED_NO_TIME,      /* record_since on an instrument without a unit of time */
    REFUSED_ARGUMENTS,    /* a call that no method has */
    REFUSALS
};

/* Counts; the first of a kind at this cell is told to the hook with the offending value. Clears any exception. */
void refuse(PyObject *cell_name, uint8_t *told, enum refusal why, PyObject *value);

/* Module functions. */
PyObject *refusals_snapshot(PyObject *module, PyObject *unused);
PyObject *refusals_set_hook(PyObject *module, PyObject *hook);
void refusals_clear(void);

#endif
