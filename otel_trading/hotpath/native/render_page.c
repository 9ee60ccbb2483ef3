#include "render_page.h"

#define PART (1 << 20)          /* bytes of a part, and at most one series more */
#define MOST_COPIED (1 << 19)   /* bytes of numbers that are taken in one go, */
#define MOST_ENTRIES 4096       /* and of how many series: some 0.3 ms with the GIL */

static PyTypeObject *Page_Type = NULL;

typedef struct {
    PyObject_HEAD
    PyObject *items;   /* tuple of Family and bytes */
    PyObject *labels;  /* what makes labels of an exemplar's attributes; None */
    Py_ssize_t item;   /* the next to be copied from, */
    uint32_t entry;    /* and its next entry */
    Buffer arena;      /* records */
    size_t written;    /* up to here they are on the page */
    Writer writer;
    int busy;
} Page;

/* With the GIL: one go. */
static void
copy_some(Page *self)
{
    Py_ssize_t count = PyTuple_GET_SIZE(self->items);
    self->arena.size = self->written = 0;
    for (int taken = 0; self->item < count && taken < MOST_ENTRIES && self->arena.size < MOST_COPIED; taken++) {
        PyObject *item = PyTuple_GET_ITEM(self->items, self->item);
        if (PyBytes_CheckExact(item)) {
            copy_raw(&self->arena, item);
            self->item++;
            continue;
        }
        Family *family = (Family *)item;
        if (self->entry >= PEEK(family->n_entries) || family->heads[self->writer.format] == Py_None) {
            self->item++;
            self->entry = 0;
            continue;
        }
        copy_entry(&self->arena, family, self->entry++, self->writer.format != TEXT, self->labels);
    }
}

/* Without the GIL: until the part is large enough or nothing is left to write. */
static void
write_some(Page *self)
{
    Writer *writer = &self->writer;
    while (self->written < self->arena.size && writer->out.size < PART && !writer->out.failed) {
        const Record *record = (const Record *)(self->arena.data + self->written);
        self->written += record->size;
        if (record->family != NULL && writer->format == PROTOBUF) {
            write_protobuf(writer, record);
        } else if (record->family != NULL) {
            write_text(writer, record);
        } else {
            if (writer->format == PROTOBUF)
                write_family_end(writer);
            writer->head = NULL;
            buffer_put(&writer->out, record->raw, record->raw_size);
        }
    }
    if (writer->format == PROTOBUF && writer->out.size >= PART)
        write_family_end(writer); /* the rest of the family is another message of the same name */
}

/* The next part, NULL at the end or with an exception. */
static PyObject *
next_part(Page *self)
{
    Writer *writer = &self->writer;
    while (writer->out.size < PART) {
        if (self->written >= self->arena.size) {
            if (self->item >= PyTuple_GET_SIZE(self->items))
                break;
            copy_some(self);
        }
        Py_BEGIN_ALLOW_THREADS
        write_some(self);
        Py_END_ALLOW_THREADS
        if (writer->out.failed || writer->scratch.failed || self->arena.failed)
            return PyErr_NoMemory();
    }
    if (writer->format == PROTOBUF)
        write_family_end(writer);
    if (writer->out.failed)
        return PyErr_NoMemory();
    if (writer->out.size == 0)
        return NULL;
    PyObject *part = PyBytes_FromStringAndSize(writer->out.data, (Py_ssize_t)writer->out.size);
    writer->out.size = 0;
    if (self->item >= PyTuple_GET_SIZE(self->items) && self->written >= self->arena.size) {
        buffer_free(&writer->out);
        buffer_free(&writer->scratch);
        buffer_free(&self->arena);
        self->written = 0;
    }
    return part;
}

static PyObject *
page_next(PyObject *object)
{
    Page *self = (Page *)object;
    if (__atomic_exchange_n(&self->busy, 1, __ATOMIC_ACQUIRE)) {
        PyErr_SetString(PyExc_ValueError, "another thread is taking a part of this page");
        return NULL;
    }
    PyObject *part = next_part(self);
    __atomic_store_n(&self->busy, 0, __ATOMIC_RELEASE);
    return part;
}

static int
page_traverse(PyObject *object, visitproc visit, void *arg)
{
    Page *self = (Page *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->items);
    Py_VISIT(self->labels);
    return 0;
}

static void
page_dealloc(PyObject *object)
{
    Page *self = (Page *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    buffer_free(&self->arena);
    buffer_free(&self->writer.out);
    buffer_free(&self->writer.scratch);
    Py_XDECREF(self->items);
    Py_XDECREF(self->labels);
    type->tp_free(object);
    Py_DECREF(type);
}

static int
format_named(const char *name)
{
    static const char *const names[FORMATS] = {"text", "openmetrics", "protobuf"};
    for (int format = 0; format < FORMATS; format++)
        if (strcmp(names[format], name) == 0)
            return format;
    PyErr_Format(PyExc_ValueError, "a page is text, openmetrics or protobuf; was '%s'", name);
    return -1;
}

PyObject *
render_call(PyObject *module, PyObject *arguments, PyObject *keywords)
{
    static char *keys[] = {"items", "format", "labels", NULL};
    PyObject *given, *labels = Py_None;
    const char *named;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "Os|O:render", keys, &given, &named, &labels))
        return NULL;
    int format = format_named(named);
    PyObject *items = format < 0 ? NULL : PySequence_Tuple(given);
    for (Py_ssize_t i = 0; items != NULL && i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        if (!PyBytes_CheckExact(item) && !PyObject_TypeCheck(item, Family_Type)) {
            Py_CLEAR(items);
            PyErr_SetString(PyExc_TypeError, "a page is made of Family and bytes");
        }
    }
    Page *self = items == NULL ? NULL : (Page *)Page_Type->tp_alloc(Page_Type, 0);
    if (self == NULL) {
        Py_XDECREF(items);
        return NULL;
    }
    self->items = items;
    self->labels = Py_NewRef(labels);
    self->writer.format = format;
    return (PyObject *)self;
}

PyObject *
render_number_call(PyObject *module, PyObject *arguments)
{
    double value;
    int pointed = 0;
    char text[MOST_NUMBER];
    if (!PyArg_ParseTuple(arguments, "d|p:render_number", &value, &pointed))
        return NULL;
    return PyUnicode_FromStringAndSize(text, (Py_ssize_t)number_write_real(text, value, pointed));
}

static PyType_Slot slots[] = {
    {Py_tp_dealloc, page_dealloc},
    {Py_tp_traverse, page_traverse},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, page_next},
    {Py_tp_doc, (void *)PyDoc_STR("A page, part by part.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Page", sizeof(Page), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

int
page_add_type(PyObject *module)
{
    number_prepare();
    if (copy_prepare() < 0)
        return -1;
    Page_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Page_Type == NULL ? -1 : 0;
}
