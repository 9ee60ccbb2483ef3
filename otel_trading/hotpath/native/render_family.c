#include "render_family.h"

PyTypeObject *Family_Type = NULL;

static const char *const type_names[] = {"counter", "gauge", NULL, "unknown", "histogram"};

/* ---- shapes ---- */

/* Those of the family that are the same, `made` if there are none; NULL without memory. Under GUARD. */
static Bands *
keep_bands(Family *self, Bands *made)
{
    for (uint32_t i = 0; i < self->n_bands; i++)
        if (self->bands[i]->size == made->size &&
            memcmp(self->bands[i]->upper, made->upper, (size_t)made->size * sizeof(double)) == 0)
            return self->bands[i];
    Bands **bands = PyMem_RawRealloc(self->bands, (self->n_bands + 1) * sizeof(Bands *));
    if (bands == NULL)
        return NULL;
    self->bands = bands;
    return bands[self->n_bands++] = made;
}

static Bands *
bands_of(Family *self, PyObject *bounds)
{
    Bands *made = bands_new(bounds), *kept;
    if (made == NULL)
        return NULL;
    GUARD(self)
    kept = keep_bands(self, made);
    UNGUARD()
    if (kept != made)
        bands_free(made);
    if (kept == NULL)
        PyErr_NoMemory();
    return kept;
}

static int
kind_named(const char *name)
{
    for (int kind = COUNTER; kind <= EXPONENTIAL; kind++)
        if (strcmp(cell_kind_names[kind], name) == 0)
            return kind;
    PyErr_Format(PyExc_ValueError, "no series are of the kind '%s'", name);
    return -1;
}

static PyObject *
append_shape(Family *self, Shape *shape, PyObject *key)
{
    shape->key = Py_NewRef(key);
    uint32_t number = 0;
    Shape **shapes;
    GUARD(self)
    shapes = PyMem_RawRealloc(self->shapes, (self->n_shapes + 1) * sizeof(Shape *));
    if (shapes != NULL) {
        self->shapes = shapes;
        shapes[self->n_shapes] = shape;
        number = self->n_shapes++;
    }
    UNGUARD()
    if (shapes != NULL)
        return PyLong_FromUnsignedLong(number);
    shape_free(shape);
    return PyErr_NoMemory();
}

/* Its key, held; NULL if there are not so many. */
static PyObject *
key_of(Family *self, uint32_t shape)
{
    PyObject *key = NULL;
    GUARD(self)
    if (shape < self->n_shapes)
        key = Py_NewRef(self->shapes[shape]->key);
    UNGUARD()
    return key;
}

static PyObject *
shape_call(PyObject *object, PyObject *arguments)
{
    Family *self = (Family *)object;
    const char *named;
    PyObject *constants, *names, *bounds, *made = NULL;
    if (!PyArg_ParseTuple(arguments, "sO!O!O!:shape", &named, &PyTuple_Type, &constants, &PyTuple_Type, &names,
                          &PyTuple_Type, &bounds))
        return NULL;
    int kind = kind_named(named);
    if (kind < 0)
        return NULL;
    if (PyTuple_GET_SIZE(constants) % 2)
        return PyErr_Format(PyExc_ValueError, "constants are names and values in turn");
    PyObject *key;
    for (uint32_t i = 0; (key = key_of(self, i)) != NULL; i++) {
        int same = PyObject_RichCompareBool(key, arguments, Py_EQ);
        Py_DECREF(key);
        if (same)
            return same < 0 ? NULL : PyLong_FromUnsignedLong(i);
    }
    Bands *bands = kind == EXPLICIT ? bands_of(self, bounds) : NULL;
    Shape *shape = kind == EXPLICIT && bands == NULL ? NULL : shape_new(kind, constants, names, bands);
    if (shape != NULL)
        made = append_shape(self, shape, arguments);
    return made;
}

/* ---- series ---- */

static uint64_t
hash_of(uint32_t shape, const char *values, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325ULL ^ shape;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)values[i]) * 0x100000001b3ULL;
    return hash ^ hash >> 29;
}

/* How many bytes the values of an entry take. */
static size_t
values_size(const Family *self, const Entry *entry)
{
    const char *begin = self->values.data + entry->values_at, *at = begin;
    for (int32_t i = 0; i < self->shapes[entry->shape]->n_names; i++) {
        uint64_t size;
        at = varint_read(at, &size);
        at += size;
    }
    return (size_t)(at - begin);
}

static uint32_t *
slot_of(const Family *self, uint32_t shape, const char *values, size_t size)
{
    uint32_t mask = self->n_slots - 1;
    for (uint32_t at = (uint32_t)hash_of(shape, values, size) & mask;; at = (at + 1) & mask) {
        uint32_t found = self->slots[at];
        if (found == 0)
            return &self->slots[at];
        const Entry *entry = &self->entries[found - 1];
        if (entry->shape == shape && values_size(self, entry) == size &&
            (size == 0 || memcmp(self->values.data + entry->values_at, values, size) == 0))
            return &self->slots[at];
    }
}

/* Room for one entry more; 0, or -1 without memory. */
static int
make_room(Family *self)
{
    if (self->n_entries == self->entries_room) {
        uint32_t room = self->entries_room + self->entries_room / 4 + 8;
        Entry *entries = PyMem_RawRealloc(self->entries, room * sizeof(Entry));
        if (entries == NULL)
            return -1;
        self->entries = entries;
        self->entries_room = room;
    }
    if (self->n_entries * 4 < self->n_slots * 3)
        return 0;
    uint32_t *old = self->slots, n_old = self->n_slots;
    uint32_t *slots = PyMem_RawCalloc(n_old ? n_old * 2 : 16, sizeof(uint32_t));
    if (slots == NULL)
        return -1;
    self->slots = slots;
    self->n_slots = n_old ? n_old * 2 : 16;
    for (uint32_t i = 0; i < self->n_entries; i++) {
        const Entry *entry = &self->entries[i];
        *slot_of(self, entry->shape, self->values.data + entry->values_at, values_size(self, entry)) = i + 1;
    }
    PyMem_RawFree(old);
    return 0;
}

/* Encodes the values of the labels; 0, or -1 with an exception. */
static int
encode_values(Buffer *to, PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
        Py_ssize_t size;
        const char *text = PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(values, i), &size);
        if (text == NULL)
            return -1;
        buffer_put_varint(to, (uint64_t)size);
        buffer_put(to, text, (size_t)size);
    }
    if (to->failed)
        PyErr_NoMemory();
    return to->failed ? -1 : 0;
}

enum outcome { KNOWN, ADDED, NO_MEMORY, TOO_MUCH };

/* Under GUARD. */
static enum outcome
insert(Family *self, uint32_t shape, const Buffer *values, PyObject *source, PyObject *holder)
{
    if (make_room(self) < 0)
        return NO_MEMORY;
    uint32_t *slot = slot_of(self, shape, values->data, values->size);
    if (*slot)
        return KNOWN;
    if (self->values.size + values->size > UINT32_MAX || self->n_entries == UINT32_MAX - 1)
        return TOO_MUCH;
    uint32_t at = (uint32_t)self->values.size;
    buffer_put(&self->values, values->data, values->size);
    if (self->values.failed) {
        self->values.failed = 0;
        return NO_MEMORY;
    }
    self->entries[self->n_entries] = (Entry){Py_NewRef(source), holder == Py_None ? NULL : Py_NewRef(holder), shape, at};
    *slot = self->n_entries + 1;
    POKE(self->n_entries, self->n_entries + 1);
    return ADDED;
}

/* Whether the shape is there and has so many names. */
static int
has_shape(Family *self, unsigned long shape, Py_ssize_t n_names)
{
    int found;
    GUARD(self)
    found = shape < self->n_shapes && self->shapes[shape]->n_names == n_names;
    UNGUARD()
    return found;
}

static PyObject *
told(enum outcome outcome)
{
    switch (outcome) {
    case TOO_MUCH: return PyErr_Format(PyExc_OverflowError, "the labels of a family take at most 4 GiB");
    case NO_MEMORY: return PyErr_NoMemory();
    default: return PyBool_FromLong(outcome == ADDED);
    }
}

static PyObject *
add_call(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    Family *self = (Family *)object;
    if (count < 3 || count > 4 || !PyTuple_CheckExact(arguments[1]))
        return PyErr_Format(PyExc_TypeError, "add takes a shape, a tuple of values, a source and a holder of exemplars");
    unsigned long shape = PyLong_AsUnsignedLong(arguments[0]);
    if (shape == (unsigned long)-1 && PyErr_Occurred())
        return NULL;
    if (!PyObject_TypeCheck(arguments[2], Cell_Type) && !PyTuple_CheckExact(arguments[2]))
        return PyErr_Format(PyExc_TypeError, "the source of a series is a Cell or a tuple");
    if (!has_shape(self, shape, PyTuple_GET_SIZE(arguments[1])))
        return PyErr_Format(PyExc_ValueError, "the shape is not one of this family with as many names as there are values");
    Buffer values = {0};
    enum outcome outcome;
    if (encode_values(&values, arguments[1]) < 0) {
        buffer_free(&values);
        return NULL;
    }
    GUARD(self)
    outcome = insert(self, (uint32_t)shape, &values, arguments[2], count == 4 ? arguments[3] : Py_None);
    UNGUARD()
    buffer_free(&values);
    return told(outcome);
}

/* ---- the type ---- */

static int
take_names(Family *self, int format, PyObject *names)
{
    if (PyTuple_GET_SIZE(names) != SAMPLES) {
        PyErr_SetString(PyExc_ValueError, "names are those of value, bucket, sum, count and created");
        return -1;
    }
    for (int i = 0; i < SAMPLES; i++) {
        if (!PyBytes_CheckExact(PyTuple_GET_ITEM(names, i))) {
            PyErr_SetString(PyExc_TypeError, "names are bytes");
            return -1;
        }
        self->names[format][i] = Py_NewRef(PyTuple_GET_ITEM(names, i));
    }
    return 0;
}

static PyObject *
family_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *keys[] = {"type", "heads", "text_names", "open_names", NULL};
    const char *named;
    PyObject *heads[FORMATS], *text, *open;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "s(OOO)O!O!:Family", keys, &named, &heads[0], &heads[1],
                                     &heads[2], &PyTuple_Type, &text, &PyTuple_Type, &open))
        return NULL;
    int known = -1;
    for (int i = TYPE_COUNTER; i <= TYPE_HISTOGRAM; i++)
        if (type_names[i] != NULL && strcmp(type_names[i], named) == 0)
            known = i;
    if (known < 0)
        return PyErr_Format(PyExc_ValueError, "no family is of the type '%s'", named);
    for (int i = 0; i < FORMATS; i++)
        if (heads[i] != Py_None && !PyBytes_CheckExact(heads[i]))
            return PyErr_Format(PyExc_TypeError, "heads are bytes or None");
    Family *self = (Family *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->type = known;
    for (int i = 0; i < FORMATS; i++)
        self->heads[i] = Py_NewRef(heads[i]);
    if (take_names(self, TEXT, text) == 0 && take_names(self, OPENMETRICS, open) == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static int
family_traverse(PyObject *object, visitproc visit, void *arg)
{
    Family *self = (Family *)object;
    Py_VISIT(Py_TYPE(object));
    for (uint32_t i = 0; i < self->n_entries; i++) {
        Py_VISIT(self->entries[i].source);
        Py_VISIT(self->entries[i].holder);
    }
    return 0;
}

static int
family_clear(PyObject *object)
{
    Family *self = (Family *)object;
    Entry *entries = self->entries;
    uint32_t count = self->n_entries;
    self->entries = NULL;
    self->n_entries = self->entries_room = 0;
    PyMem_RawFree(self->slots);
    self->slots = NULL;
    self->n_slots = 0;
    for (uint32_t i = 0; i < count; i++) {
        Py_DECREF(entries[i].source);
        Py_XDECREF(entries[i].holder);
    }
    PyMem_RawFree(entries);
    return 0;
}

static void
family_dealloc(PyObject *object)
{
    Family *self = (Family *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    family_clear(object);
    for (uint32_t i = 0; i < self->n_shapes; i++)
        shape_free(self->shapes[i]);
    for (uint32_t i = 0; i < self->n_bands; i++)
        bands_free(self->bands[i]);
    PyMem_RawFree(self->shapes);
    PyMem_RawFree(self->bands);
    buffer_free(&self->values);
    for (int format = 0; format < FORMATS; format++)
        Py_XDECREF(self->heads[format]);
    for (int i = 0; i < SAMPLES; i++) {
        Py_XDECREF(self->names[TEXT][i]);
        Py_XDECREF(self->names[OPENMETRICS][i]);
    }
    type->tp_free(object);
    Py_DECREF(type);
}

static Py_ssize_t
family_length(PyObject *self)
{
    return PEEK(((Family *)self)->n_entries);
}

static PyObject *
sizeof_call(PyObject *object, PyObject *unused)
{
    Family *self = (Family *)object;
    size_t size;
    GUARD(self)
    size = sizeof(Family) + self->entries_room * sizeof(Entry) + self->values.room + self->n_slots * sizeof(uint32_t) +
           self->n_shapes * sizeof(Shape);
    UNGUARD()
    return PyLong_FromSize_t(size);
}

static PyMethodDef methods[] = {
    {"shape", shape_call, METH_VARARGS,
     PyDoc_STR("shape(kind, constants, names, bounds) -> int\n\nWhat series have in common; the same for the same arguments.")},
    {"add", CALL(add_call), METH_FASTCALL,
     PyDoc_STR("add(shape, values, source, holder=None) -> bool\n\nA series; False if there is one with these labels already.")},
    {"__sizeof__", sizeof_call, METH_NOARGS, PyDoc_STR("Bytes, without what is only referred to.")},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, family_new},
    {Py_tp_dealloc, family_dealloc},
    {Py_tp_traverse, family_traverse},
    {Py_tp_clear, family_clear},
    {Py_tp_methods, methods},
    {Py_sq_length, family_length},
    {Py_tp_doc, (void *)PyDoc_STR("Family(type, heads, text_names, open_names)\n\nA metric family, prepared for pages.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Family", sizeof(Family), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
family_add_type(PyObject *module)
{
    Family_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Family_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Family", (PyObject *)Family_Type);
}
