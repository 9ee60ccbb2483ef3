#include "attributes.h"

static inline uint64_t
mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93ULL;
    x ^= x >> 32;
    return x;
}

/* 0 if the value does not qualify. The constants keep types apart: equal numbers of two types hash alike in Python. */
static uint64_t
hash_of(PyObject *value, int nesting)
{
    if (PyUnicode_CheckExact(value))
        return PyUnicode_GET_LENGTH(value) > MOST_LETTERS ? 0 : (uint64_t)PyObject_Hash(value) * 3 + 1;
    if (PyBool_Check(value))
        return value == Py_True ? 0x51ed270b : 0x2545f491;
    if (PyLong_CheckExact(value)) {
        int overflow;
        long long whole = PyLong_AsLongLongAndOverflow(value, &overflow);
        return overflow ? 0 : mix((uint64_t)whole + 0x9e3779b97f4a7c15ULL) | 1;
    }
    if (PyFloat_CheckExact(value)) {
        uint64_t bits;
        double real = PyFloat_AS_DOUBLE(value);
        memcpy(&bits, &real, sizeof bits);
        return mix(bits + 0x517cc1b727220a95ULL) | 1;
    }
    if (PyUnicode_Check(value))
        return PyUnicode_GET_LENGTH(value) > MOST_LETTERS ? 0 : (mix((uint64_t)(uintptr_t)value) | 1);
    if (!PyTuple_CheckExact(value) || nesting == MOST_NESTING || PyTuple_GET_SIZE(value) > MOST_PAIRS)
        return 0;
    uint64_t hash = (uint64_t)PyTuple_GET_SIZE(value) + 0x27d4eb2f165667c5ULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++) {
        uint64_t part = hash_of(PyTuple_GET_ITEM(value, i), nesting + 1);
        if (part == 0)
            return 0;
        hash = mix(hash ^ part) * 31;
    }
    return hash | 1;
}

#ifdef Py_GIL_DISABLED
int
attributes_hold(PyObject *dict, Pair *pairs)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    int size = 0;
    Py_BEGIN_CRITICAL_SECTION(dict);
    while (size >= 0 && PyDict_Next(dict, &position, &key, &value)) {
        if (size < MOST_PAIRS)
            pairs[size] = (Pair){Py_NewRef(key), Py_NewRef(value)};
        size = size < MOST_PAIRS ? size + 1 : -1;
    }
    Py_END_CRITICAL_SECTION();
    if (size < 0)
        attributes_leave(pairs, MOST_PAIRS);
    return size;
}

int
attributes_hash(const Pair *pairs, int size, uint64_t *hash)
{
    uint64_t sum = 0;
    for (int i = 0; i < size; i++) {
        PyObject *key = pairs[i].key;
        uint64_t part = hash_of(pairs[i].value, 0);
        if (part == 0 || !PyUnicode_CheckExact(key) || PyUnicode_GET_LENGTH(key) > MOST_LETTERS)
            return -1;
        sum += mix((uint64_t)PyObject_Hash(key) * 31 + part);
    }
    *hash = sum;
    return size;
}

void
attributes_leave(const Pair *pairs, int size)
{
    for (int i = 0; i < size; i++) {
        Py_DECREF(pairs[i].key);
        Py_DECREF(pairs[i].value);
    }
}
#endif

int
attributes_read(PyObject *dict, Pair *pairs, uint64_t *hash)
{
    PyObject *key, *value;
    Py_ssize_t position = 0;
    int size = 0;
    uint64_t sum = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (size == MOST_PAIRS || !PyUnicode_CheckExact(key) || PyUnicode_GET_LENGTH(key) > MOST_LETTERS)
            return -1;
        uint64_t part = hash_of(value, 0);
        if (part == 0)
            return -1;
        sum += mix((uint64_t)PyObject_Hash(key) * 31 + part);
        pairs[size].key = key;
        pairs[size++].value = value;
    }
    *hash = sum;
    return size;
}

static inline int
same_text(PyObject *one, PyObject *other)
{
    return one == other || (PyObject_Hash(one) == PyObject_Hash(other) && PyUnicode_Compare(one, other) == 0);
}

static int
same_value(PyObject *one, PyObject *other)
{
    if (one == other)
        return 1;
    if (Py_TYPE(one) != Py_TYPE(other))
        return 0;
    if (PyUnicode_CheckExact(one))
        return same_text(one, other);
    if (PyLong_CheckExact(one))
        return PyObject_RichCompareBool(one, other, Py_EQ) == 1;
    if (PyFloat_CheckExact(one)) { /* NaN is itself, and -0.0 is not 0.0 */
        double a = PyFloat_AS_DOUBLE(one), b = PyFloat_AS_DOUBLE(other);
        return memcmp(&a, &b, sizeof a) == 0;
    }
    if (!PyTuple_CheckExact(one) || PyTuple_GET_SIZE(one) != PyTuple_GET_SIZE(other))
        return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(one); i++)
        if (!same_value(PyTuple_GET_ITEM(one, i), PyTuple_GET_ITEM(other, i)))
            return 0;
    return 1;
}

int
attributes_equal(const Pair *one, const Pair *other, int size)
{
    for (int i = 0; i < size; i++) {
        int at = i; /* nearly always in the same order */
        if (!same_text(one[i].key, other[at].key))
            for (at = 0; at < size && !same_text(one[i].key, other[at].key);)
                at++;
        if (at == size || !same_value(one[i].value, other[at].value))
            return 0;
    }
    return 1;
}
