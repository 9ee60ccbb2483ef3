/* From attributes to their cell, for records that are not bound. */
#ifndef OTEL_TRADING_TABLE_H
#define OTEL_TRADING_TABLE_H

#include "common.h"

int table_add_type(PyObject *module);

#endif
