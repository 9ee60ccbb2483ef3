#include "itself.h"

typedef struct {
    PyObject_HEAD
    PyTypeObject *of; /* borrowed: the type has this */
    const char *message;
} Itself;

static PyTypeObject *Itself_Type = NULL;

static PyObject *
itself_get(PyObject *self, PyObject *instance, PyObject *type)
{
    return Py_NewRef(instance == NULL ? self : instance);
}

static PyObject *
itself_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (count == 0 || !Py_IS_TYPE(PyTuple_GET_ITEM(arguments, 0), ((Itself *)self)->of)) {
        PyErr_SetString(PyExc_TypeError, ((Itself *)self)->message);
        return NULL;
    }
    PyObject *const *items = &PyTuple_GET_ITEM(arguments, 0);
    return PyObject_Vectorcall(items[0], items + 1, (size_t)(count - 1), NULL);
}

static PyType_Slot slots[] = {
    {Py_tp_call, itself_call},
    {Py_tp_descr_get, itself_get},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Itself", sizeof(Itself), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

int
itself_give(PyTypeObject *type, const char *message)
{
    if (Itself_Type == NULL && (Itself_Type = (PyTypeObject *)PyType_FromSpec(&spec)) == NULL)
        return -1;
    Itself *method = PyObject_New(Itself, Itself_Type);
    if (method == NULL)
        return -1;
    method->of = type;
    method->message = message;
    int done = PyObject_SetAttrString((PyObject *)type, "__enter__", (PyObject *)method) == 0 &&
               PyObject_SetAttrString((PyObject *)type, "__exit__", (PyObject *)method) == 0;
    Py_DECREF((PyObject *)method);
    type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE; /* now that both are there */
    return done ? 0 : -1;
}
