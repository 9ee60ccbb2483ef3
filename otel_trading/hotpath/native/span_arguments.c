#include "span.h"

/* Whether a keyword is this name; most differ in length. */
static int
is_called(PyObject *keyword, const char *name)
{
    if (LIKELY(PyUnicode_IS_COMPACT_ASCII(keyword))) {
        size_t size = (size_t)PyUnicode_GET_LENGTH(keyword);
        return strlen(name) == size && memcmp(PyUnicode_1BYTE_DATA(keyword), name, size) == 0;
    }
    return PyUnicode_CompareWithASCIIString(keyword, name) == 0;
}

int
arguments_of(const char *function, const char *const *names, int required, int number, PyObject *const *given,
             Py_ssize_t positional, PyObject *keywords, PyObject **found)
{
    for (int i = 0; i < number; i++)
        found[i] = i < positional ? given[i] : NULL;
    if (UNLIKELY(positional > number)) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most %d arguments; %zd were given", function, number, positional);
        return -1;
    }
    for (Py_ssize_t k = 0; keywords != NULL && k < PyTuple_GET_SIZE(keywords); k++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, k);
        int i = 0;
        while (i < number && !is_called(name, names[i]))
            i++;
        if (i == number || found[i] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() has no argument %R, or it was given twice", function, name);
            return -1;
        }
        found[i] = given[positional + k];
    }
    for (int i = 0; i < required; i++)
        if (UNLIKELY(found[i] == NULL)) {
            PyErr_Format(PyExc_TypeError, "%s() misses the argument %s", function, names[i]);
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
