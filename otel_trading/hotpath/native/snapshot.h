/* What a cell recorded, at one moment: count, sum, extremes and buckets belong together. */
#ifndef OTEL_TRADING_SNAPSHOT_H
#define OTEL_TRADING_SNAPSHOT_H

#include "cell.h"

PyObject *snapshot_call(PyObject *self, PyObject *unused);
PyObject *take_call(PyObject *self, PyObject *unused);

#endif
