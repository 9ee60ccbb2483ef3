/* From a Python object to a number: int64 where it fits, double otherwise, or a reason why not. */
#ifndef OTEL_TRADING_NUMBER_H
#define OTEL_TRADING_NUMBER_H

#include "refusal.h"

enum number { WHOLE, REAL, NO_NUMBER };

/* Everything but small ints and floats: large ints, bool, subclasses, Decimal, numpy scalars, and what is no number. */
enum number number_of_anything(PyObject *value, int64_t *whole, double *real, enum refusal *why);

static inline enum number
number_of(PyObject *value, int64_t *whole, double *real, enum refusal *why)
{
    if (PyFloat_CheckExact(value)) {
        *real = PyFloat_AS_DOUBLE(value);
        if (LIKELY(isfinite(*real)))
            return REAL;
        *why = REFUSED_NOT_FINITE;
        return NO_NUMBER;
    }
    if (PyLong_CheckExact(value)) {
#if PY_VERSION_HEX >= 0x030C0000
        if (PyUnstable_Long_IsCompact((PyLongObject *)value)) {
            *whole = PyUnstable_Long_CompactValue((PyLongObject *)value);
            return WHOLE;
        }
#else
        const digit *digits = ((PyLongObject *)value)->ob_digit;
        switch (Py_SIZE(value)) {
        case 0: *whole = 0; return WHOLE;
        case 1: *whole = digits[0]; return WHOLE;
        case -1: *whole = -(int64_t)digits[0]; return WHOLE;
        case 2: *whole = ((int64_t)digits[1] << PyLong_SHIFT) | digits[0]; return WHOLE;
        }
#endif
    }
    return number_of_anything(value, whole, real, why);
}

#endif
