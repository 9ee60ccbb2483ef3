/* A cell of kind `forwarded` keeps nothing: each number goes to its owner, a callable. */
#ifndef OTEL_TRADING_FORWARD_H
#define OTEL_TRADING_FORWARD_H

#include "said.h"

/* Calls owner(number, context), with said_origin of `called`, the first cell of the chain, as a third argument if the cell has
 * EXEMPLARS; false if it raised. Takes the reference to `number` over; NULL for one that could not be made. Runs Python; an
 * exception in flight stays in flight. */
int forward(Cell *cell, Cell *called, PyObject *number, const Said *said);

#endif
