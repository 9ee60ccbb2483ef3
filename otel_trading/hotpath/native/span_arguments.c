#include "span_arguments.h"

static int
is_called(PyObject *keyword, const char *name)
{
    return PyUnicode_CompareWithASCIIString(keyword, name) == 0;
}

/* Free-threaded, two threads may intern them at once: the texts are the same. */
static COLD int
intern_names(const Signature *signature)
{
    for (int i = signature->number - 1; i >= 0; i--) {
        PyObject *text = PyUnicode_InternFromString(signature->names[i]);
        if (text == NULL)
            return -1;
        POKE(signature->interned[i], text); /* for life */
    }
    return 0;
}

/* Compilers intern the names of keywords: hardly one needs to be read. */
static inline int
place_of(const Signature *signature, PyObject *keyword)
{
    int i = 0;
    while (i < signature->number && PEEK(signature->interned[i]) != keyword)
        i++;
    if (LIKELY(i < signature->number))
        return i;
    for (i = 0; i < signature->number && !is_called(keyword, signature->names[i]);)
        i++;
    return i;
}

int
arguments_of(const Signature *signature, PyObject *const *given, Py_ssize_t positional, PyObject *keywords, PyObject **found)
{
    int number = signature->number;
    for (int i = 0; i < number; i++)
        found[i] = i < positional ? given[i] : NULL;
    if (UNLIKELY(positional > number)) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d arguments; %zd were given", signature->function, number, positional);
        return -1;
    }
    if (keywords != NULL && UNLIKELY(PEEK(signature->interned[0]) == NULL) && intern_names(signature) < 0)
        return -1;
    for (Py_ssize_t k = 0; keywords != NULL && k < PyTuple_GET_SIZE(keywords); k++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, k);
        int i = place_of(signature, name);
        if (UNLIKELY(i == number || found[i] != NULL)) {
            PyErr_Format(PyExc_TypeError, "%s() has no argument %R, or it was given twice", signature->function, name);
            return -1;
        }
        found[i] = given[positional + k];
    }
    for (int i = 0; i < signature->required; i++)
        if (UNLIKELY(found[i] == NULL)) {
            PyErr_Format(PyExc_TypeError, "%s() misses the argument %s", signature->function, signature->names[i]);
            return -1;
        }
    return 0;
}

int
id_of(PyObject *value, uint64_t *high, uint64_t *low)
{
    static PyObject *width = NULL;
    *high = *low = 0;
    if (value == NULL || value == Py_None)
        return 0;
    if (!PyLong_CheckExact(value))
        return -1;
    if (width == NULL && (width = PyLong_FromLong(64)) == NULL)
        goto failed;
    PyObject *upper = PyNumber_Rshift(value, width);
    if (upper == NULL)
        goto failed;
    *high = PyLong_AsUnsignedLongLong(upper); /* refuses what is negative or too large */
    Py_DECREF(upper);
    if (PyErr_Occurred())
        goto failed;
    *low = PyLong_AsUnsignedLongLongMask(value);
    return 0;
failed:
    PyErr_Clear();
    *high = 0;
    return -1;
}
