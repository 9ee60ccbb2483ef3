#include "number.h"
#include "interruption.h"

/* An int of any size: one beyond int64 counts as a float, one beyond every float is refused. */
static enum number
number_of_int(PyObject *value, int64_t *whole, double *real, enum refusal *why)
{
    int overflow = 0;
    long long found = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (!overflow) {
        *whole = found;
        return WHOLE;
    }
    *real = PyLong_AsDouble(value);
    if (*real == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        *why = REFUSED_NOT_FINITE;
        return NO_NUMBER;
    }
    return REAL;
}

enum number
number_of_anything(PyObject *value, int64_t *whole, double *real, enum refusal *why)
{
    if (PyLong_Check(value))
        return number_of_int(value, whole, real, why);
    /* a text has no __float__, so "1.5" is no number */
    PyNumberMethods *methods = Py_TYPE(value)->tp_as_number;
    if (methods == NULL || (methods->nb_float == NULL && methods->nb_index == NULL)) {
        *why = REFUSED_NOT_A_NUMBER;
        return NO_NUMBER;
    }
    if (methods->nb_index != NULL) {
        PyObject *index = PyNumber_Index(value);
        if (index != NULL) {
            enum number kind = number_of_int(index, whole, real, why);
            Py_DECREF(index);
            return kind;
        }
        forget_error();
    }
    *real = PyFloat_AsDouble(value);
    if (*real == -1.0 && PyErr_Occurred()) {
        forget_error();
        *why = REFUSED_NOT_A_NUMBER;
        return NO_NUMBER;
    }
    if (!isfinite(*real)) {
        *why = REFUSED_NOT_FINITE;
        return NO_NUMBER;
    }
    return REAL;
}
