#include "timed.h"
#include "record.h"

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Cell *cell;
    PyObject *function;
    PyObject *attributes; /* __dict__ */
    PyObject *weak;
} Timed;

static PyTypeObject *Timed_Type = NULL;

void
timed_record(Cell *cell, const Stopwatch *watch)
{
    int64_t elapsed_ns = stopwatch_read(watch);
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    record_ns(cell, elapsed_ns, NULL);
    PyErr_Restore(type, error, trace);
}

PyObject *
timed_attribute(PyObject *self, PyObject *name, PyObject *behind)
{
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found != NULL || behind == NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return found;
    PyErr_Clear();
    return PyObject_GetAttr(behind, name);
}

/* The function may drop the last reference to what wraps it: cell and function are held over the call by whoever calls. */
static PyObject *
call_function(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    Timed *timed = (Timed *)self;
    Stopwatch watch;
    stopwatch_start(&watch);
    PyObject *result = PyObject_Vectorcall(timed->function, arguments, count, names);
    if (LIKELY(result != NULL))
        record_ns(timed->cell, stopwatch_read(&watch), NULL);
    else
        timed_record(timed->cell, &watch);
    return result;
}

static PyObject *
call_coroutine_function(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    Timed *timed = (Timed *)self;
    PyObject *inner = PyObject_Vectorcall(timed->function, arguments, count, names);
    return inner == NULL ? NULL : timed_coroutine_new(timed->cell, inner);
}

PyObject *
timed_wrap(PyObject *cell, PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 1 || count > 2 || !PyCallable_Check(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "wrap takes a callable and whether it is a coroutine function");
        return NULL;
    }
    int coroutine = count == 2 ? PyObject_IsTrue(arguments[1]) : 0;
    if (coroutine < 0)
        return NULL;
    Timed *made = (Timed *)Timed_Type->tp_alloc(Timed_Type, 0);
    if (made == NULL)
        return NULL;
    made->call = coroutine ? call_coroutine_function : call_function;
    made->cell = (Cell *)Py_NewRef(cell);
    made->function = Py_NewRef(arguments[0]);
    return (PyObject *)made;
}

static PyObject *
timed_get(PyObject *self, PyObject *instance, PyObject *type)
{
    return instance == NULL || instance == Py_None ? Py_NewRef(self) : PyMethod_New(self, instance);
}

static PyObject *
timed_getattro(PyObject *self, PyObject *name)
{
    return timed_attribute(self, name, ((Timed *)self)->function);
}

/* Pickled and copied by its name, as functions are. */
static PyObject *
timed_reduce(PyObject *self, PyObject *unused)
{
    return PyObject_GetAttrString(self, "__qualname__");
}

static PyObject *
timed_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<timed %R>", ((Timed *)self)->function);
}

static int
timed_traverse(PyObject *object, visitproc visit, void *arg)
{
    Timed *self = (Timed *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->cell);
    Py_VISIT(self->function);
    Py_VISIT(self->attributes);
    return 0;
}

/* Cell and function stay: a finaliser may still call it. The cycle breaks at `attributes`, at the function, or at the cell,
 * each of which the collector can clear. */
static int
timed_clear(PyObject *object)
{
    Py_CLEAR(((Timed *)object)->attributes);
    return 0;
}

static void
timed_dealloc(PyObject *object)
{
    Timed *self = (Timed *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
#ifndef Py_GIL_DISABLED /* there another thread may be taking the last of them off, and is waited for */
    if (self->weak != NULL)
#endif
        PyObject_ClearWeakRefs(object);
    Py_CLEAR(self->attributes);
    Py_CLEAR(self->function);
    Py_CLEAR(self->cell);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"__reduce__", timed_reduce, METH_NOARGS, NULL},
    {NULL},
};
static PyMemberDef fields[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Timed, call), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Timed, attributes), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Timed, weak), READONLY, NULL},
    {NULL},
};
static PyGetSetDef members[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_dealloc, timed_dealloc}, {Py_tp_traverse, timed_traverse},   {Py_tp_clear, timed_clear},
    {Py_tp_call, PyVectorcall_Call}, {Py_tp_descr_get, timed_get},      {Py_tp_getattro, timed_getattro},
    {Py_tp_repr, timed_repr},       {Py_tp_methods, methods},           {Py_tp_members, fields},
    {Py_tp_getset, members},        {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Timed", sizeof(Timed), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR |
        Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    slots,
};

int
timed_add_type(PyObject *module)
{
    Timed_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Timed_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Timed", (PyObject *)Timed_Type);
}
