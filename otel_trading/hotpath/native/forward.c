#include "forward.h"
#include "interruption.h"

static int
call(PyObject *owner, PyObject *number, PyObject *context)
{
    PyObject *arguments[] = {number, context != NULL ? context : Py_None};
    PyObject *answer = PyObject_Vectorcall(owner, arguments, 2, NULL);
    Py_XDECREF(answer);
    forget_error();
    return answer != NULL;
}

int
forward(Cell *cell, PyObject *number, PyObject *context)
{
    PyObject *type, *error, *trace, *owner;
    PyErr_Fetch(&type, &error, &trace);
    GUARD(cell)
    owner = cell->kind == FORWARDED ? Py_XNewRef(cell->owner) : NULL;
    UNGUARD()
    /* without one the cell became another meanwhile */
    int done = number != NULL && (owner == NULL || call(owner, number, context));
    Py_XDECREF(owner);
    Py_XDECREF(number);
    PyErr_Clear();
    PyErr_Restore(type, error, trace);
    return done;
}
