#include "bounds.h"
#include "number.h"

#define MOST_BOUNDS 100000
#define MOST_PARTS 100000

PyTypeObject *Bounds_Type = NULL;

static void
fill_whole(Bounds *self)
{
    for (int32_t i = 0; i < self->size; i++) {
        double floor_of = floor(self->real[i]);
        if (floor_of >= 0x1p63)
            self->whole[i] = INT64_MAX;
        else if (floor_of < -0x1p63)
            self->whole[i] = INT64_MIN;
        else
            self->whole[i] = (int64_t)floor_of;
    }
}

/* Takes the numbers over; 0, or -1 with an exception. */
static int
fill_real(Bounds *self, PyObject *listed)
{
    for (int32_t i = 0; i < self->size; i++) {
        double bound = PyFloat_AsDouble(PyTuple_GET_ITEM(listed, i));
        if (bound == -1.0 && PyErr_Occurred())
            return -1;
        if (!isfinite(bound) || (i > 0 && bound <= self->real[i - 1])) {
            PyErr_SetString(PyExc_ValueError, "bounds must be finite and strictly ascending");
            return -1;
        }
        self->real[i] = bound;
    }
    self->low = self->size ? self->real[0] : 0.0;
    if (self->parts && !(self->size && self->low > 0)) {
        PyErr_SetString(PyExc_ValueError, "log-linear bounds begin above 0");
        return -1;
    }
    return 0;
}

static PyObject *
make(PyTypeObject *type, PyObject *listed, int parts)
{
    Py_ssize_t size = PyTuple_GET_SIZE(listed);
    if (size > MOST_BOUNDS || parts < 0 || parts > MOST_PARTS) {
        PyErr_SetString(PyExc_ValueError, "at most 100,000 bounds, and parts from 0 to 100,000");
        return NULL;
    }
    Bounds *self = (Bounds *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->size = (int32_t)size;
    self->parts = parts;
    self->real = PyMem_Malloc((size + 1) * sizeof(double));
    self->whole = PyMem_Malloc((size + 1) * sizeof(int64_t));
    if (self->real == NULL || self->whole == NULL)
        PyErr_NoMemory();
    else if (fill_real(self, listed) == 0) {
        fill_whole(self);
        return (PyObject *)self;
    }
    Py_DECREF(self);
    return NULL;
}

static PyObject *
bounds_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"bounds", "parts", NULL};
    PyObject *wanted;
    int parts = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|i:Bounds", names, &wanted, &parts))
        return NULL;
    PyObject *listed = PySequence_Tuple(wanted);
    if (listed == NULL)
        return NULL;
    PyObject *made = make(type, listed, parts);
    Py_DECREF(listed);
    return made;
}

static void
bounds_dealloc(PyObject *object)
{
    Bounds *self = (Bounds *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->real);
    PyMem_Free(self->whole);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyObject *
bounds_find(PyObject *object, PyObject *value)
{
    const Bounds *self = (Bounds *)object;
    int64_t whole;
    double real;
    enum refusal why;
    switch (number_of(value, &whole, &real, &why)) {
    case WHOLE: return PyLong_FromLong(self->size ? bounds_find_whole(self, whole) : 0);
    case REAL: return PyLong_FromLong(self->size ? bounds_find_real(self, real) : 0);
    default: return PyErr_Format(PyExc_ValueError, "find takes a finite number; was %R", value);
    }
}

static PyObject *
bounds_get(PyObject *object, void *unused)
{
    const Bounds *self = (Bounds *)object;
    PyObject *found = PyTuple_New(self->size);
    for (int32_t i = 0; found != NULL && i < self->size; i++) {
        PyObject *bound = PyFloat_FromDouble(self->real[i]);
        if (bound == NULL)
            Py_CLEAR(found);
        else
            PyTuple_SET_ITEM(found, i, bound);
    }
    return found;
}

static PyMethodDef methods[] = {
    {"find", bounds_find, METH_O, PyDoc_STR("find(value) -> int\n\nThe bucket of a number, 0 to the number of bounds.")},
    {NULL},
};
static PyGetSetDef members[] = {
    {"bounds", bounds_get, NULL, PyDoc_STR("float[n_bounds], strictly ascending."), NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, bounds_new},
    {Py_tp_dealloc, bounds_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {Py_tp_doc, (void *)PyDoc_STR("Bounds(bounds, parts=0)\n\nExplicit bucket boundaries, shared by the series of a stream.\n\n"
     "parts: where they cut each octave above the first into so many equal parts, the bucket is calculated.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Bounds", sizeof(Bounds), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
bounds_add_type(PyObject *module)
{
    Bounds_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Bounds_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Bounds", (PyObject *)Bounds_Type);
}
