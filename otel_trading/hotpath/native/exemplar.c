#include "exemplar.h"

static PyObject *hook = NULL;     /* hook(owner, bucket, value, context) -> bool: whether it was taken */
static PyObject *variable = NULL; /* the ContextVar that holds OpenTelemetry's context */
static PyObject *span_key = NULL; /* under which the span is in there */

PyObject *
exemplar_set_hook(PyObject *module, PyObject *arguments)
{
    PyObject *wanted, *holder, *key;
    if (!PyArg_ParseTuple(arguments, "OOO:set_exemplar_hook", &wanted, &holder, &key))
        return NULL;
    if (wanted != Py_None && !PyContextVar_CheckExact(holder)) {
        PyErr_SetString(PyExc_TypeError, "the second argument must be a ContextVar");
        return NULL;
    }
    Py_XSETREF(hook, wanted == Py_None ? NULL : Py_NewRef(wanted));
    Py_XSETREF(variable, wanted == Py_None ? NULL : Py_NewRef(holder));
    Py_XSETREF(span_key, wanted == Py_None ? NULL : Py_NewRef(key));
    Py_RETURN_NONE;
}

/* Whether the context, the current one if NULL, has a span at all. */
static int
has_span(PyObject *context)
{
    PyObject *current = NULL;
    if (context == NULL) {
        if (PyContextVar_Get(variable, NULL, &current) < 0 || current == NULL) {
            PyErr_Clear();
            return 0;
        }
        context = current;
    }
    int found = PyDict_Check(context) && PyDict_GetItemWithError(context, span_key) != NULL;
    PyErr_Clear();
    Py_XDECREF(current);
    return found;
}

void
exemplar_offer(Cell *cell, int64_t bucket, PyObject *value, PyObject *context)
{
    uint8_t *armed = &cell->armed[bucket];
    if (hook == NULL)
        return;
    if (*armed > 1) {
        (*armed)--;
        return;
    }
    int taken = 0;
    if (has_span(context)) {
        PyObject *where = PyLong_FromLongLong(bucket);
        PyObject *owner = cell->owner ? cell->owner : Py_None;
        PyObject *answer = where == NULL ? NULL : PyObject_CallFunctionObjArgs(
            hook, owner, where, value, context ? context : Py_None, NULL);
        taken = answer == Py_True;
        Py_XDECREF(where);
        Py_XDECREF(answer);
        PyErr_Clear();
    }
    /* the hook is Python: the cell may have been configured anew meanwhile */
    if (cell->armed == NULL || armed != &cell->armed[bucket])
        return;
    if (taken)
        *armed = 0;
    else if (cell->tries >= EAGER_TRIES)
        *armed = LAZY_STEP;
    else
        cell->tries++;
}
