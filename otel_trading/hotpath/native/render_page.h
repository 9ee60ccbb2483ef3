/* A page, handed out in parts: the numbers of many series are taken in one go, then written without the GIL. */
#ifndef OTEL_TRADING_RENDER_PAGE_H
#define OTEL_TRADING_RENDER_PAGE_H

#include "render_write.h"

int page_add_type(PyObject *module);
PyObject *render_call(PyObject *module, PyObject *arguments, PyObject *keywords);
PyObject *render_number_call(PyObject *module, PyObject *arguments);

#endif
