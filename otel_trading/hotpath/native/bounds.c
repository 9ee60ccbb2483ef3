#include "bounds.h"
#include "number.h"

#define MOST_BOUNDS 100000
#define MOST_SLOTS 4096 /* 40 KiB, once for all series of the streams that share the bounds */

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
    return 0;
}

static int64_t
slot_of(double positive, int32_t shift)
{
    return bounds_bits(positive) >> shift;
}

/* How many trailing bits may go so that no two bounds from `from` on meet, and none meets 0, which is not among them; -1 if
 * too many slots are needed for that. */
static int32_t
coarsest_shift(const Bounds *self, int32_t from)
{
    for (int32_t shift = 52; shift > 0; shift--) {
        int64_t slots = slot_of(self->real[self->size - 1], shift) - slot_of(self->real[from], shift) + 1;
        if (slots > MOST_SLOTS)
            return -1;
        int apart = slot_of(self->real[from], shift) > 0;
        for (int32_t i = from + 1; apart && i < self->size; i++)
            apart = slot_of(self->real[i - 1], shift) != slot_of(self->real[i], shift);
        if (apart)
            return shift;
    }
    return -1;
}

/* Slots, unless no bound is positive or they would be too many; 0, or -1 without memory. */
static int
fill_slots(Bounds *self)
{
    int32_t from = 0;
    while (from < self->size && self->real[from] <= 0)
        from++;
    int32_t shift = from < self->size && self->size <= UINT16_MAX ? coarsest_shift(self, from) : -1;
    if (shift < 0)
        return 0;
    self->shift = shift;
    self->first_slot = slot_of(self->real[from], shift);
    int64_t slots = slot_of(self->real[self->size - 1], shift) - self->first_slot + 1;
    self->below = PyMem_Malloc(slots * sizeof(uint16_t));
    self->edges = PyMem_Malloc(slots * sizeof(int64_t));
    if (self->below == NULL || self->edges == NULL)
        return -1;
    int32_t below = from;
    for (int64_t slot = 0; slot < slots; slot++) {
        self->below[slot] = (uint16_t)below;
        self->edges[slot] = bounds_bits(self->real[below]);
        below += slot_of(self->real[below], shift) == self->first_slot + slot;
    }
    self->slots = (uint64_t)slots;
    return 0;
}

static PyObject *
make(PyTypeObject *type, PyObject *listed)
{
    Py_ssize_t size = PyTuple_GET_SIZE(listed);
    if (size > MOST_BOUNDS) {
        PyErr_SetString(PyExc_ValueError, "at most 100,000 bounds");
        return NULL;
    }
    Bounds *self = (Bounds *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->size = (int32_t)size;
    self->real = PyMem_Malloc((size + 1) * sizeof(double));
    self->whole = PyMem_Malloc((size + 1) * sizeof(int64_t));
    if (self->real == NULL || self->whole == NULL)
        PyErr_NoMemory();
    else if (fill_real(self, listed) == 0) {
        fill_whole(self);
        if (fill_slots(self) == 0)
            return (PyObject *)self;
        PyErr_NoMemory();
    }
    Py_DECREF(self);
    return NULL;
}

static PyObject *
bounds_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"bounds", NULL};
    PyObject *wanted;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Bounds", names, &wanted))
        return NULL;
    PyObject *listed = PySequence_Tuple(wanted);
    if (listed == NULL)
        return NULL;
    PyObject *made = make(type, listed);
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
    PyMem_Free(self->below);
    PyMem_Free(self->edges);
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
    {Py_tp_doc, (void *)PyDoc_STR("Bounds(bounds)\n\nExplicit bucket boundaries, shared by the series of a stream.")},
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
