/* A cell of kind `forwarded` keeps nothing: each number goes to its owner, a callable. */
#ifndef OTEL_TRADING_FORWARD_H
#define OTEL_TRADING_FORWARD_H

#include "cell.h"

/* Calls owner(number, context); false if it raised. Takes the reference to `number` over; NULL for one that could not be
 * made. Runs Python; an exception in flight stays in flight. */
int forward(Cell *cell, PyObject *number, PyObject *context);

#endif
