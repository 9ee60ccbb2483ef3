/* Chains of cells: a record that came to the first goes to all. One chain changes at a time, so that two cells that are
 * changed at once cannot lead to each other. */
#ifndef OTEL_TRADING_CHAIN_H
#define OTEL_TRADING_CHAIN_H

#include "cell.h"

/* Around every change of a `next`; nothing that runs Python in between. */
void chains_hold(void);
void chains_let_go(void);

/* Whether `cell` is in the chain that begins at `next`: then a record would go round for ever. */
int chain_leads_to(const Cell *next, const Cell *cell);

/* Method of a cell. */
PyObject *chain_extend(PyObject *self, PyObject *further);

#endif
