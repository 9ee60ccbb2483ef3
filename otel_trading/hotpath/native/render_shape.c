#include "render_family.h"
#include "render_number.h"

void
render_put_escaped(Buffer *to, const char *text, size_t size)
{
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        char byte = text[i];
        if (LIKELY(byte != '\\' && byte != '"' && byte != '\n'))
            continue;
        buffer_put(to, text + from, i - from);
        buffer_put(to, byte == '\n' ? "\\n" : byte == '"' ? "\\\"" : "\\\\", 2);
        from = i + 1;
    }
    buffer_put(to, text + from, size - from);
}

static size_t
varint_size(size_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

void
render_put_pair(Buffer *to, const char *name, size_t name_size, const char *value, size_t value_size)
{
    size_t size = 2 + varint_size(name_size) + name_size + varint_size(value_size) + value_size;
    buffer_put_byte(to, 1 << 3 | 2); /* Metric.label and Exemplar.label */
    buffer_put_varint(to, size);
    buffer_put_byte(to, 1 << 3 | 2);
    buffer_put_varint(to, name_size);
    buffer_put(to, name, name_size);
    buffer_put_byte(to, 2 << 3 | 2);
    buffer_put_varint(to, value_size);
    buffer_put(to, value, value_size);
}

static int
is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
}

/* `name="`, the name in quotes where it is none that was always allowed. */
static void
put_name(Buffer *to, const char *name, size_t size)
{
    int plain = size > 0 && is_letter(name[0]);
    for (size_t i = 1; i < size && plain; i++)
        plain = is_letter(name[i]) || (name[i] >= '0' && name[i] <= '9');
    if (!plain)
        buffer_put_byte(to, '"');
    if (plain)
        buffer_put(to, name, size);
    else
        render_put_escaped(to, name, size);
    buffer_put(to, plain ? "=\"" : "\"=\"", plain ? 2 : 3);
}

/* The UTF-8 of item `i`; NULL with an exception. */
static const char *
text_at(PyObject *tuple, Py_ssize_t i, Py_ssize_t *size)
{
    return PyUnicode_AsUTF8AndSize(PyTuple_GET_ITEM(tuple, i), size);
}

static int
fill_constants(Shape *shape, PyObject *constants)
{
    for (Py_ssize_t i = 0; i + 1 < PyTuple_GET_SIZE(constants); i += 2) {
        Py_ssize_t name_size, value_size;
        const char *name = text_at(constants, i, &name_size), *value = text_at(constants, i + 1, &value_size);
        if (name == NULL || value == NULL)
            return -1;
        for (int format = TEXT; format <= OPENMETRICS; format++) {
            Buffer *to = &shape->constants[format];
            if (i)
                buffer_put_byte(to, ',');
            put_name(to, name, (size_t)name_size);
            render_put_escaped(to, value, (size_t)value_size);
            buffer_put_byte(to, '"');
        }
        render_put_pair(&shape->constants[PROTOBUF], name, (size_t)name_size, value, (size_t)value_size);
    }
    return 0;
}

static int
fill_names(Shape *shape, PyObject *names)
{
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    shape->texts = PyMem_RawCalloc((size_t)count + 1, sizeof(Buffer));
    shape->names = PyMem_RawCalloc((size_t)count + 1, sizeof(Buffer));
    if (shape->texts == NULL || shape->names == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    shape->n_names = (int32_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t size;
        const char *name = text_at(names, i, &size);
        if (name == NULL)
            return -1;
        put_name(&shape->texts[i], name, (size_t)size);
        buffer_put(&shape->names[i], name, (size_t)size);
    }
    return 0;
}

void
shape_free(Shape *shape)
{
    for (int format = 0; format < FORMATS; format++)
        buffer_free(&shape->constants[format]);
    for (int32_t i = 0; i < shape->n_names; i++) {
        buffer_free(&shape->texts[i]);
        buffer_free(&shape->names[i]);
    }
    PyMem_RawFree(shape->texts);
    PyMem_RawFree(shape->names);
    Py_XDECREF(shape->key);
    PyMem_RawFree(shape);
}

Shape *
shape_new(int kind, PyObject *constants, PyObject *names, Bands *bands)
{
    Shape *shape = PyMem_RawCalloc(1, sizeof(Shape));
    if (shape == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    shape->kind = (uint8_t)kind;
    shape->bands = bands;
    if (fill_names(shape, names) == 0 && fill_constants(shape, constants) == 0)
        return shape;
    shape_free(shape);
    return NULL;
}

/* ---- buckets ---- */

void
bands_free(Bands *bands)
{
    PyMem_RawFree(bands->upper);
    for (int format = 0; format < 2; format++) {
        buffer_free(&bands->words[format]);
        PyMem_RawFree(bands->ends[format]);
    }
    PyMem_RawFree(bands);
}

static void
put_le(Bands *bands, int format, int32_t bucket)
{
    char number[MOST_NUMBER];
    double upper = bucket < bands->size ? bands->upper[bucket] : INFINITY;
    size_t size = number_write_real(number, upper, format == OPENMETRICS);
    Buffer *to = &bands->words[format];
    buffer_put(to, "le=\"", 4);
    buffer_put(to, number, size);
    buffer_put(to, "\"} ", 3);
    bands->ends[format][bucket] = (uint32_t)to->size;
}

Bands *
bands_new(PyObject *bounds)
{
    Bands *bands = PyMem_RawCalloc(1, sizeof(Bands));
    size_t size = (size_t)PyTuple_GET_SIZE(bounds);
    if (bands != NULL) {
        bands->upper = PyMem_RawCalloc(size + 1, sizeof(double));
        bands->ends[TEXT] = PyMem_RawCalloc(size + 1, sizeof(uint32_t));
        bands->ends[OPENMETRICS] = PyMem_RawCalloc(size + 1, sizeof(uint32_t));
        bands->size = (int32_t)size;
    }
    if (bands == NULL || !bands->upper || !bands->ends[TEXT] || !bands->ends[OPENMETRICS]) {
        if (bands != NULL)
            bands_free(bands);
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < size; i++) {
        bands->upper[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(bounds, (Py_ssize_t)i));
        if (bands->upper[i] == -1.0 && PyErr_Occurred()) {
            bands_free(bands);
            return NULL;
        }
    }
    for (int32_t bucket = 0; bucket <= bands->size; bucket++) {
        put_le(bands, TEXT, bucket);
        put_le(bands, OPENMETRICS, bucket);
    }
    return bands;
}
