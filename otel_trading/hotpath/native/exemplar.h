/* A measurement is offered as an exemplar if its bucket still wants one and, where the hook came with a context variable, a
 * span is current. The look at that variable is all that the common case costs, and a cell that finds no span often looks
 * less often. */
#ifndef OTEL_TRADING_EXEMPLAR_H
#define OTEL_TRADING_EXEMPLAR_H

#include "said.h"

#define EAGER_TRIES 64   /* in vain, before a cell looks less often */
#define LAZY_STEP 16     /* then at each so many-th measurement of a bucket */

PyObject *exemplar_set_hook(PyObject *module, PyObject *arguments);
/* A measurement that its bucket wanted in this generation of the cell; `called` is the first of its chain. Runs Python; an
 * exception in flight stays in flight. */
void exemplar_offer(Cell *cell, Cell *called, int64_t bucket, uint32_t generation, PyObject *value, const Said *said);

#endif
