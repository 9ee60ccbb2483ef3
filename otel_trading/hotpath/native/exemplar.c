#include "exemplar.h"
#include "interruption.h"

static PyObject *hook = NULL;     /* hook(owner, bucket, value, context, origin) -> bool: whether it was taken */
static PyObject *variable = NULL; /* the ContextVar that holds OpenTelemetry's context; NULL: no span is looked for */
static PyObject *span_key = NULL; /* under which the span is in there */

PyObject *
exemplar_set_hook(PyObject *module, PyObject *arguments)
{
    PyObject *wanted, *holder = Py_None, *key = Py_None;
    if (!PyArg_ParseTuple(arguments, "O|OO:set_exemplar_hook", &wanted, &holder, &key))
        return NULL;
    int none = wanted == Py_None, alone = holder == Py_None && key == Py_None;
    int in_spans = PyContextVar_CheckExact(holder) && PyUnicode_CheckExact(key);
    if (!none && (!PyCallable_Check(wanted) || !(alone || in_spans))) {
        PyErr_SetString(PyExc_TypeError, "the exemplar hook is a callable, alone or with a ContextVar and a str, or None");
        return NULL;
    }
    if (!none) {
        if (!alone)
            REPLACE_HOOK(span_key, Py_NewRef(key));
        REPLACE_HOOK(variable, alone ? NULL : Py_NewRef(holder));
    }
    REPLACE_HOOK(hook, none ? NULL : Py_NewRef(wanted));
    Py_RETURN_NONE;
}

/* Whether the context, the current one if NULL, has a span at all. Runs no Python: dict and key are plain. */
static int
has_span(PyObject *holder, PyObject *context)
{
    PyObject *current = NULL;
    if (context == NULL) {
        if (PyContextVar_Get(holder, NULL, &current) < 0 || current == NULL) {
            PyErr_Clear();
            return 0;
        }
        context = current;
    }
    int found = PyDict_Check(context) && PyDict_Contains(context, READ_HOOK(span_key)) > 0;
    PyErr_Clear();
    Py_XDECREF(current);
    return found;
}

static int
ask(PyObject *listener, PyObject *owner, int64_t bucket, PyObject *value, PyObject *context, PyObject *origin)
{
    Py_INCREF(listener);
    PyObject *answer = origin == NULL ? NULL
                                      : PyObject_CallFunction(listener, "OLOOO", owner, (long long)bucket, value,
                                                              context ? context : Py_None, origin);
    int taken = answer == Py_True;
    Py_XDECREF(answer);
    forget_error();
    Py_DECREF(listener);
    return taken;
}

/* The hook is Python: the cell may have been configured anew meanwhile, and then its buckets are others. */
static void
settle(Cell *cell, int64_t bucket, uint32_t generation, int taken, int lazily)
{
    GUARD(cell)
    if (cell->generation == generation && cell->options & EXEMPLARS) {
        uint8_t *armed = cell_armed(cell) + bucket;
        if (taken)
            *armed = 0;
        else if (lazily && cell->tries >= EAGER_TRIES)
            *armed = LAZY_STEP;
        else if (lazily)
            cell->tries++;
    }
    UNGUARD()
}

void
exemplar_offer(Cell *cell, Cell *called, int64_t bucket, uint32_t generation, PyObject *value, const Said *said)
{
    PyObject *listener = READ_HOOK(hook);
    if (listener == NULL)
        return;
    PyObject *type, *error, *trace, *owner;
    PyErr_Fetch(&type, &error, &trace);
    PyObject *holder = READ_HOOK(variable), *context = said_context(said);
    int taken = 0, lazily = holder != NULL;
    if (holder == NULL || has_span(holder, context)) {
        GUARD(cell)
        owner = Py_NewRef(cell->owner ? cell->owner : Py_None);
        UNGUARD()
        PyObject *origin = said_origin(said, called);
        taken = ask(listener, owner, bucket, value, context, origin);
        Py_XDECREF(origin);
        Py_DECREF(owner);
        PyErr_Clear();
    }
    PyErr_Restore(type, error, trace);
    settle(cell, bucket, generation, taken, lazily);
}
