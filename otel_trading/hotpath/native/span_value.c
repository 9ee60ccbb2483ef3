#include "span_value.h"
#include "interruption.h"

#define MOST_LETTERS 65536 /* TEXT_LIMIT of ground.values, which cuts what is longer */
#define MOST_KEY 256       /* likewise */
#define ELEMENT 8          /* letters that each element of a list is charged there */
#define MOST_NESTING 32    /* four times what ground.values leaves */

enum any_value { STRING_VALUE = 0x0a, BOOL_VALUE = 0x10, INT_VALUE = 0x18, DOUBLE_VALUE = 0x21, ARRAY_VALUE = 0x2a, LIST_VALUE = 0x32 };
enum key_value { KEY = 0x0a, VALUE = 0x12 };
enum outcome { DONE = 0, ODD = 1 };

static PyObject *convert_text, *convert_key, *convert_value; /* of hotpath/span_values.py */

int
values_prepare(void)
{
    PyObject *module;
    if (READ_HOOK(convert_value) != NULL)
        return 0;
    if ((module = PyImport_ImportModule("otel_trading.hotpath.span_values")) == NULL)
        return -1;
    REPLACE_HOOK(convert_text, PyObject_GetAttrString(module, "text"));
    REPLACE_HOOK(convert_key, PyObject_GetAttrString(module, "key"));
    REPLACE_HOOK(convert_value, PyObject_GetAttrString(module, "value"));
    Py_DECREF(module);
    return convert_text == NULL || convert_key == NULL || convert_value == NULL ? -1 : 0;
}

static int
text_plain(PyObject *value, Py_ssize_t letters, Text *text)
{
    Py_ssize_t size;
    if (!PyUnicode_CheckExact(value) || PyUnicode_GET_LENGTH(value) > letters)
        return ODD;
    if (LIKELY(PyUnicode_IS_COMPACT_ASCII(value))) {
        text->bytes = (const char *)PyUnicode_1BYTE_DATA(value);
        size = PyUnicode_GET_LENGTH(value);
    } else if ((text->bytes = PyUnicode_AsUTF8AndSize(value, &size)) == NULL) {
        PyErr_Clear(); /* a lone surrogate */
        return ODD;
    }
    text->size = (size_t)size;
    text->holder = Py_NewRef(value);
    return DONE;
}

static int
text_converted(PyObject *convert, PyObject *value, Text *text)
{
    PyObject *converted = PyObject_CallOneArg(convert, value);
    int found = converted == NULL ? ODD : text_plain(converted, PY_SSIZE_T_MAX, text);
    Py_XDECREF(converted);
    forget_error();
    return found == DONE ? 0 : -1;
}

int
text_of(PyObject *value, Text *text)
{
    return LIKELY(text_plain(value, MOST_LETTERS, text) == DONE) ? 0 : text_converted(convert_text, value, text);
}

int
key_of(PyObject *key, Text *text)
{
    if (LIKELY(text_plain(key, MOST_KEY, text) == DONE)) {
        if (LIKELY(text->size > 0))
            return 0;
        text_leave(text);
    }
    return text_converted(convert_key, key, text);
}

static int
put_text(Wire *wire, PyObject *value, Py_ssize_t letters)
{
    Text text;
    if (text_plain(value, letters, &text) != DONE)
        return ODD;
    wire_put_text(wire, STRING_VALUE, text.bytes, text.size);
    text_leave(&text);
    return DONE;
}

/* The content of an AnyValue, of the types that need no conversion. Runs no Python. */
static int
put_scalar(Wire *wire, PyObject *value, Py_ssize_t letters)
{
    if (PyUnicode_CheckExact(value))
        return put_text(wire, value, letters);
    if (PyFloat_CheckExact(value)) {
        uint64_t bits;
        double real = PyFloat_AS_DOUBLE(value);
        memcpy(&bits, &real, sizeof bits);
        wire_put_fixed64(wire, DOUBLE_VALUE, bits);
        return DONE;
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow)
            return ODD;
        wire_put_varint(wire, INT_VALUE, (uint64_t)whole);
        return DONE;
    }
    if (PyBool_Check(value)) {
        wire_put_varint(wire, BOOL_VALUE, value == Py_True);
        return DONE;
    }
    return value == Py_None ? DONE : ODD; /* an AnyValue without a value */
}

/* A tuple of one type, as ground.values would leave it. */
static int
put_uniform(Wire *wire, PyObject *tuple, Py_ssize_t letters)
{
    Py_ssize_t size = PyTuple_GET_SIZE(tuple), cost = size * ELEMENT + ELEMENT;
    PyTypeObject *type = NULL;
    uint32_t begun = wire_open(wire, ARRAY_VALUE);
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *element = PyTuple_GET_ITEM(tuple, i);
        if (element != Py_None) {
            if (type != NULL && !Py_IS_TYPE(element, type))
                return ODD;
            type = Py_TYPE(element);
        }
        if (PyUnicode_Check(element))
            cost += PyUnicode_GET_LENGTH(element);
        if (cost > MOST_LETTERS)
            return ODD;
        uint32_t element_begun = wire_open(wire, KEY);
        if (put_scalar(wire, element, letters) != DONE)
            return ODD;
        wire_close(wire, element_begun);
    }
    wire_close(wire, begun);
    return DONE;
}

static int
put_plain(Wire *wire, PyObject *value, Py_ssize_t letters)
{
    if (PyTuple_CheckExact(value))
        return put_uniform(wire, value, letters);
    if (!PyList_CheckExact(value))
        return put_scalar(wire, value, letters);
    PyObject *tuple = PyList_AsTuple(value);
    int done = tuple == NULL ? ODD : put_uniform(wire, tuple, letters);
    Py_XDECREF(tuple);
    PyErr_Clear();
    return done;
}

static int put_any(Wire *wire, PyObject *value, int nesting);

static int
put_mapping(Wire *wire, PyObject *mapping, int nesting)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    int done = DONE;
    uint32_t begun = wire_open(wire, LIST_VALUE);
    while (done == DONE && PyDict_Next(mapping, &position, &key, &value)) {
        uint32_t pair_begun = wire_open(wire, KEY);
        done = put_text(wire, key, PY_SSIZE_T_MAX);
        uint32_t value_begun = wire_open(wire, VALUE);
        if (done == DONE)
            done = put_any(wire, value, nesting + 1);
        wire_close(wire, value_begun);
        wire_close(wire, pair_begun);
    }
    wire_close(wire, begun);
    return done;
}

static int
put_sequence(Wire *wire, PyObject *sequence, int nesting)
{
    int done = DONE;
    uint32_t begun = wire_open(wire, ARRAY_VALUE);
    for (Py_ssize_t i = 0; done == DONE && i < PySequence_Fast_GET_SIZE(sequence); i++) {
        uint32_t element_begun = wire_open(wire, KEY);
        done = put_any(wire, PySequence_Fast_GET_ITEM(sequence, i), nesting + 1);
        wire_close(wire, element_begun);
    }
    wire_close(wire, begun);
    return done;
}

/* What a conversion gave: nobody else has it. */
static int
put_any(Wire *wire, PyObject *value, int nesting)
{
    if (nesting > MOST_NESTING)
        return ODD;
    if (PyDict_CheckExact(value))
        return put_mapping(wire, value, nesting);
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value))
        return put_sequence(wire, value, nesting);
    return put_scalar(wire, value, PY_SSIZE_T_MAX);
}

static COLD int
put_converted(Wire *wire, PyObject *value, Py_ssize_t letters)
{
    PyObject *limit = PyLong_FromSsize_t(letters);
    PyObject *converted = limit == NULL ? NULL : PyObject_CallFunctionObjArgs(convert_value, value, limit, NULL);
    int done = converted == NULL ? ODD : put_any(wire, converted, 0);
    Py_XDECREF(converted);
    Py_XDECREF(limit);
    forget_error();
    return done;
}

int
attribute_put(Wire *wire, uint8_t tag, const Text *key, PyObject *value, Py_ssize_t letters)
{
    uint32_t before = wire->size, begun = wire_open(wire, tag);
    wire_put_text(wire, KEY, key->bytes, key->size);
    uint32_t value_begun = wire_open(wire, VALUE);
    int done = put_plain(wire, value, letters < MOST_LETTERS ? letters : MOST_LETTERS);
    if (UNLIKELY(done != DONE)) {
        if (!wire->failed)
            wire->size = value_begun;
        done = put_converted(wire, value, letters);
    }
    wire_close(wire, value_begun);
    wire_close(wire, begun);
    if (LIKELY(done == DONE && !wire->failed))
        return 0;
    wire->size = before;
    wire->failed = 0;
    return -1;
}

#define SHORT MOST_SHORT_TEXT /* letters of key and text together: then each length is one byte */

static inline Py_ssize_t
ascii_length(PyObject *text)
{
    return PyUnicode_CheckExact(text) && PyUnicode_IS_COMPACT_ASCII(text) ? PyUnicode_GET_LENGTH(text) : SHORT + 1;
}

/* The content of the AnyValue behind `to`; its end, or NULL if it is none of the short ones. */
static inline uint8_t *
put_short_value(uint8_t *to, PyObject *value, Py_ssize_t most)
{
    if (PyUnicode_CheckExact(value)) {
        Py_ssize_t size = ascii_length(value);
        if (size > most)
            return NULL;
        to[0] = STRING_VALUE;
        to[1] = (uint8_t)size;
        memcpy(to + 2, PyUnicode_1BYTE_DATA(value), (size_t)size);
        return to + 2 + size;
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
        *to = INT_VALUE;
        return overflow ? NULL : varint_put(to + 1, (uint64_t)whole);
    }
    if (PyFloat_CheckExact(value)) {
        uint64_t bits;
        double real = PyFloat_AS_DOUBLE(value);
        memcpy(&bits, &real, sizeof bits);
        *to = DOUBLE_VALUE;
        return fixed64_put(to + 1, bits);
    }
    if (PyBool_Check(value)) {
        to[0] = BOOL_VALUE;
        to[1] = value == Py_True;
        return to + 2;
    }
    return NULL;
}

int
attribute_put_short(Wire *wire, uint8_t tag, PyObject *key, PyObject *value)
{
    Py_ssize_t size = ascii_length(key);
    uint8_t *field = size >= 1 && size <= SHORT ? wire_reserve(wire, 2 * SHORT) : NULL;
    if (UNLIKELY(field == NULL))
        return 0;
    uint8_t *content = field + 6 + size;
    uint8_t *end = put_short_value(content, value, SHORT - size);
    if (UNLIKELY(end == NULL))
        return 0;
    field[0] = tag;
    field[1] = (uint8_t)(end - field - 2);
    field[2] = KEY;
    field[3] = (uint8_t)size;
    memcpy(field + 4, PyUnicode_1BYTE_DATA(key), (size_t)size);
    field[4 + size] = VALUE;
    field[5 + size] = (uint8_t)(end - content);
    wire->size += (uint32_t)(end - field);
    return 1;
}

uint8_t *
attribute_find(Wire *wire, uint32_t from, uint8_t tag, const char *key, size_t size)
{
    uint8_t *end = wire->data + wire->size;
    for (uint8_t *field = wire->data + from; field < end;) {
        uint64_t length, key_length;
        const uint8_t *content = varint_take(field + 1, &length);
        if (*field == tag) {
            const uint8_t *its_key = varint_take(content + 1, &key_length);
            if (key_length == size && memcmp(its_key, key, size) == 0)
                return field;
        }
        field = (uint8_t *)content + length;
    }
    return NULL;
}

void
attribute_cut(Wire *wire, uint8_t *field)
{
    uint64_t length;
    const uint8_t *next = varint_take(field + 1, &length) + length, *end = wire->data + wire->size;
    memmove(field, next, (size_t)(end - next));
    wire->size -= (uint32_t)(next - field);
}
