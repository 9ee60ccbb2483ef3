#include "forward.h"
#include "interruption.h"

/* Takes the reference to `origin` over; NULL: it is not told. */
static int
call(PyObject *owner, PyObject *number, PyObject *context, PyObject *origin)
{
    PyObject *arguments[] = {number, context != NULL ? context : Py_None, origin};
    PyObject *answer = PyObject_Vectorcall(owner, arguments, origin != NULL ? 3 : 2, NULL);
    Py_XDECREF(answer);
    Py_XDECREF(origin);
    forget_error();
    return answer != NULL;
}

int
forward(Cell *cell, Cell *called, PyObject *number, const Said *said)
{
    PyObject *type, *error, *trace, *owner, *origin = NULL;
    int told, done = number != NULL;
    PyErr_Fetch(&type, &error, &trace);
    GUARD(cell)
    owner = cell->kind == FORWARDED ? Py_XNewRef(cell->owner) : NULL;
    told = cell->options & EXEMPLARS;
    UNGUARD()
    /* without an owner the cell became another meanwhile */
    if (done && owner != NULL && told)
        done = (origin = said_origin(said, called)) != NULL;
    if (done && owner != NULL)
        done = call(owner, number, said_context(said), origin);
    Py_XDECREF(owner);
    Py_XDECREF(number);
    PyErr_Clear();
    PyErr_Restore(type, error, trace);
    return done;
}
