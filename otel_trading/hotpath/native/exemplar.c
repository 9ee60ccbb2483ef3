#include "exemplar.h"
#include "interruption.h"
#include "span.h"

static PyObject *hook = NULL;     /* hook(owner, bucket, value, context, origin) -> bool: whether it was taken */
static PyObject *variable = NULL; /* the ContextVar that holds OpenTelemetry's context; NULL: no span is looked for */
static PyObject *span_key = NULL; /* under which the span is in there */
static PyObject *flags_in = NULL; /* (name, place): the attribute of spans that holds a tuple, and its trace flags */

static int
is_place(PyObject *flags)
{
    return PyTuple_CheckExact(flags) && PyTuple_GET_SIZE(flags) == 2 && PyUnicode_CheckExact(PyTuple_GET_ITEM(flags, 0)) &&
           PyLong_CheckExact(PyTuple_GET_ITEM(flags, 1)) && PyLong_AsSsize_t(PyTuple_GET_ITEM(flags, 1)) >= 0;
}

PyObject *
exemplar_set_hook(PyObject *module, PyObject *arguments)
{
    PyObject *wanted, *holder = Py_None, *key = Py_None, *flags = Py_None;
    if (!PyArg_ParseTuple(arguments, "O|OOO:set_exemplar_hook", &wanted, &holder, &key, &flags))
        return NULL;
    int none = wanted == Py_None, alone = holder == Py_None && key == Py_None && flags == Py_None;
    int in_spans = PyContextVar_CheckExact(holder) && PyUnicode_CheckExact(key) && (flags == Py_None || is_place(flags));
    if (!none && (!PyCallable_Check(wanted) || !(alone || in_spans))) {
        PyErr_SetString(PyExc_TypeError, "the exemplar hook is a callable, alone or with a ContextVar, a str and where "
                                         "trace flags are, or None");
        return NULL;
    }
    if (!none) {
        if (!alone)
            REPLACE_HOOK(span_key, Py_NewRef(key));
        REPLACE_HOOK(flags_in, flags == Py_None ? NULL : Py_NewRef(flags));
        REPLACE_HOOK(variable, alone ? NULL : Py_NewRef(holder));
    }
    REPLACE_HOOK(hook, none ? NULL : Py_NewRef(wanted));
    Py_RETURN_NONE;
}

/* False if its flags say that the span is not sampled; the hook decides on a span that does not tell. */
static int
may_be_sampled(PyObject *span)
{
    PyObject *where = READ_HOOK(flags_in);
    if (LIKELY(PyObject_TypeCheck(span, Span_Type)))
        return (((const Span *)span)->flags & SAMPLED) != 0;
    if (where == NULL)
        return 1;
    Py_INCREF(where); /* an attribute may be Python, which may set other hooks */
    PyObject *held = PyObject_GetAttr(span, PyTuple_GET_ITEM(where, 0));
    Py_ssize_t place = PyLong_AsSsize_t(PyTuple_GET_ITEM(where, 1));
    int sampled = 1;
    if (held != NULL && PyTuple_Check(held) && place < PyTuple_GET_SIZE(held) && PyLong_Check(PyTuple_GET_ITEM(held, place)))
        sampled = (PyLong_AsLong(PyTuple_GET_ITEM(held, place)) & SAMPLED) != 0;
    Py_XDECREF(held);
    Py_DECREF(where);
    return sampled;
}

/* Whether the context, the current one if NULL, has a span that may be sampled. */
static int
has_span(PyObject *holder, PyObject *context)
{
    PyObject *current = NULL, *span = NULL;
    if (context == NULL) {
        if (PyContextVar_Get(holder, NULL, &current) < 0 || current == NULL) {
            PyErr_Clear();
            return 0;
        }
        context = current;
    }
    if (PyDict_Check(context))
        span = Py_XNewRef(PyDict_GetItemWithError(context, READ_HOOK(span_key)));
    int found = span != NULL && span != Py_None && may_be_sampled(span);
    forget_error();
    Py_XDECREF(span);
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
