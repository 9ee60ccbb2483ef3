#include "interruption.h"
#include "span_value.h"

static int
each_of_dict(PyObject *dict, void (*each)(void *, PyObject *, PyObject *), void *context)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
#ifdef Py_GIL_DISABLED
    if ((dict = PyDict_Copy(dict)) == NULL)
        return -1;
#endif
    /* a conversion may change the dict: that may skip an entry, and does no harm */
    while (PyDict_Next(dict, &position, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        each(context, key, value);
        Py_DECREF(value);
        Py_DECREF(key);
    }
#ifdef Py_GIL_DISABLED
    Py_DECREF(dict);
#endif
    return 0;
}

static COLD int
each_of_mapping(PyObject *mapping, void (*each)(void *, PyObject *, PyObject *), void *context)
{
    PyObject *items = PyMapping_Check(mapping) ? PyMapping_Items(mapping) : NULL;
    int done = items == NULL ? -1 : 0;
    for (Py_ssize_t i = 0; items != NULL && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        if (PyTuple_CheckExact(item) && PyTuple_GET_SIZE(item) == 2)
            each(context, PyTuple_GET_ITEM(item, 0), PyTuple_GET_ITEM(item, 1));
        else
            done = -1;
    }
    Py_XDECREF(items);
    forget_error();
    return done;
}

int
each_attribute(PyObject *mapping, void (*each)(void *, PyObject *, PyObject *), void *context)
{
    if (mapping == NULL || mapping == Py_None)
        return 0;
    int done = PyDict_CheckExact(mapping) ? each_of_dict(mapping, each, context) : each_of_mapping(mapping, each, context);
    forget_error();
    return done;
}

typedef struct {
    Wire *wire;
    const ValueLimits *limits;
    uint32_t from;
    int32_t number;
    uint32_t dropped;
    uint8_t tag;
} Writing;

static void
put_one(void *context, PyObject *key, PyObject *value)
{
    Writing *writing = context;
    Text name;
    if (key_of(key, &name) < 0) {
        writing->dropped++;
        return;
    }
    uint8_t *same = attribute_find(writing->wire, writing->from, writing->tag, name.bytes, name.size);
    uint32_t at = same == NULL ? 0 : (uint32_t)(same - writing->wire->data);
    if (same == NULL && writing->number >= writing->limits->attributes)
        writing->dropped++;
    else if (attribute_put(writing->wire, writing->tag, &name, value, writing->limits->letters) < 0)
        writing->dropped++;
    else if (same != NULL)
        attribute_cut(writing->wire, writing->wire->data + at);
    else
        writing->number++;
    text_leave(&name);
}

int
attributes_put(Wire *wire, uint8_t tag, PyObject *mapping, const ValueLimits *limits, uint32_t *dropped)
{
    Writing writing = {wire, limits, wire->size, 0, 0, tag};
    if (each_attribute(mapping, put_one, &writing) < 0)
        writing.dropped++;
    *dropped = writing.dropped;
    return writing.number;
}
