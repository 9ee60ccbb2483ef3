/* Screen: which encoded spans may hold a secret. */
#ifndef OTEL_TRADING_SPAN_SCREEN_H
#define OTEL_TRADING_SPAN_SCREEN_H

#include "common.h"

extern PyTypeObject *Screen_Type;
int screen_add_type(PyObject *module);

#endif
