#include "current.h"

static PyObject *variable = NULL;     /* the ContextVar */
static PyObject *context_type = NULL; /* a subclass of dict */
static PyObject *span_key = NULL;
static PyObject *nothing = NULL; /* the arguments with which a context is made */
#ifdef KEEPS_SPARES
static PyObject *spare = NULL; /* a context that nobody has any more, with None as its span: to make one costs four times as much */
#endif

PyObject *
current_set(PyObject *module, PyObject *arguments)
{
    PyObject *holder, *type, *key;
    if (!PyArg_ParseTuple(arguments, "O!O!U:set_current", &PyContextVar_Type, &holder, &PyType_Type, &type, &key))
        return NULL;
    if (!PyType_IsSubtype((PyTypeObject *)type, &PyDict_Type)) {
        PyErr_SetString(PyExc_TypeError, "a context must be a dict");
        return NULL;
    }
    if (nothing == NULL && (nothing = PyTuple_New(0)) == NULL)
        return NULL;
    REPLACE_HOOK(context_type, Py_NewRef(type));
    REPLACE_HOOK(span_key, Py_NewRef(key));
    REPLACE_HOOK(variable, Py_NewRef(holder));
    Py_RETURN_NONE;
}

PyObject *
current_get(void)
{
    PyObject *holder = READ_HOOK(variable), *context = NULL;
    if (UNLIKELY(holder == NULL || PyContextVar_Get(holder, NULL, &context) < 0))
        PyErr_Clear();
    return context;
}

PyObject *
current_span(PyObject *context)
{
    PyObject *key = READ_HOOK(span_key);
    if (key == NULL || context == NULL || !PyDict_Check(context) || PyDict_GET_SIZE(context) == 0)
        return NULL;
    PyObject *span = Py_XNewRef(PyDict_GetItemWithError(context, key));
    if (UNLIKELY(span == NULL && PyErr_Occurred()))
        PyErr_Clear();
    return span;
}

static PyObject *
take_spare(PyTypeObject *type)
{
#ifdef KEEPS_SPARES
    PyObject *found = spare;
    spare = NULL;
    if (LIKELY(found != NULL && Py_IS_TYPE(found, type)))
        return found;
    Py_XDECREF(found);
#endif
    return NULL;
}

void
current_forget(PyObject *context)
{
#ifdef KEEPS_SPARES
    if (LIKELY(spare == NULL && Py_REFCNT(context) == 1 && PyDict_GET_SIZE(context) == 1)) {
        if (LIKELY(PyDict_SetItem(context, span_key, Py_None) == 0)) {
            spare = context;
            return;
        }
        PyErr_Clear();
    }
#endif
    Py_DECREF(context);
}

PyObject *
current_with(PyObject *context, PyObject *span)
{
    PyTypeObject *type = (PyTypeObject *)READ_HOOK(context_type);
    if (UNLIKELY(type == NULL)) {
        PyErr_SetString(PyExc_RuntimeError, "nobody has said where the current context is");
        return NULL;
    }
    PyObject *made = take_spare(type);
    if (UNLIKELY(made == NULL) && (made = type->tp_new(type, nothing, NULL)) == NULL)
        return NULL;
    int copied = context == NULL || !PyDict_Check(context) || PyDict_GET_SIZE(context) == 0 ? 0 : PyDict_Update(made, context);
    if (LIKELY(copied == 0 && PyDict_SetItem(made, READ_HOOK(span_key), span) == 0))
        return made;
    Py_DECREF(made);
    return NULL;
}

PyObject *
current_attach(PyObject *context)
{
    PyObject *holder = READ_HOOK(variable);
    if (LIKELY(holder != NULL))
        return PyContextVar_Set(holder, context);
    PyErr_SetString(PyExc_RuntimeError, "nobody has said where the current context is");
    return NULL;
}

int
current_detach(PyObject *token)
{
    PyObject *holder = READ_HOOK(variable);
    if (LIKELY(holder != NULL && PyContextVar_Reset(holder, token) == 0))
        return 0;
    PyErr_Clear();
    return -1;
}

PyObject *
current_attach_call(PyObject *module, PyObject *context)
{
    return current_attach(context);
}

PyObject *
current_detach_call(PyObject *module, PyObject *token)
{
    return PyBool_FromLong(current_detach(token) == 0);
}
