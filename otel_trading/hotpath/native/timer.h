/* Measures one block: an object of its own, so that threads and interleaved tasks do not share a start. */
#ifndef OTEL_TRADING_TIMER_H
#define OTEL_TRADING_TIMER_H

#include "cell.h"

int timer_add_type(PyObject *module);
PyObject *timer_new(Cell *cell);

#endif
