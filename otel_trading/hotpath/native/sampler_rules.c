#include "attributes.h"
#include "sampler_parts.h"

/* ---- taking rules ---- */

static int
texts_only(PyObject *tuple)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++)
        if (!PyUnicode_CheckExact(PyTuple_GET_ITEM(tuple, i)) || PyUnicode_GET_LENGTH(PyTuple_GET_ITEM(tuple, i)) == 0)
            return 0;
    return 1;
}

static int
pairs_only(PyObject *tuple)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *pair = PyTuple_GET_ITEM(tuple, i);
        if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2 || !PyUnicode_CheckExact(PyTuple_GET_ITEM(pair, 0)))
            return 0;
    }
    return 1;
}

static int
threshold_ok(int64_t threshold)
{
    if (threshold >= 0 && threshold <= NEVER)
        return 1;
    PyErr_Format(PyExc_ValueError, "a threshold must be 0 to 2**56; was %lld", (long long)threshold);
    return 0;
}

/* The texts of a tuple, which the rule keeps alive. -1 with MemoryError. */
static int
take_keys(Rule *rule, PyObject *keys)
{
    Py_ssize_t size = PyTuple_GET_SIZE(keys);
    if (size == 0)
        return 0;
    rule->beginnings = PyMem_Calloc((size_t)size, sizeof(Beginning));
    if (rule->beginnings == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *text = PyTuple_GET_ITEM(keys, i);
        Py_ssize_t letters = PyUnicode_GET_LENGTH(text);
        const char *data = PyUnicode_IS_COMPACT_ASCII(text) ? PyUnicode_DATA(text) : NULL;
        rule->beginnings[rule->keys++] = (Beginning){Py_NewRef(text), data, letters};
        if (data != NULL)
            rule->first[data[0] >> 6] |= (uint64_t)1 << (data[0] & 63);
    }
    return 0;
}

static int
take_one(Sampler *sampler, PyObject *given)
{
    int always, low;
    unsigned long long kinds;
    long long threshold;
    PyObject *keys, *equals;
    if (!PyTuple_Check(given)) {
        PyErr_Format(PyExc_TypeError, "a rule must be a tuple; was %.200s", Py_TYPE(given)->tp_name);
        return -1;
    }
    if (!PyArg_ParseTuple(given, "pKO!O!Lp:rule", &always, &kinds, &PyTuple_Type, &keys, &PyTuple_Type, &equals, &threshold, &low))
        return -1;
    if (!texts_only(keys) || !pairs_only(equals)) {
        PyErr_SetString(PyExc_TypeError, "keys of a rule must be str and not empty, equals pairs of str and a value");
        return -1;
    }
    if (!threshold_ok(threshold))
        return -1;
    uint64_t bit = (uint64_t)1 << sampler->size;
    sampler->always |= always ? bit : 0;
    sampler->low |= low ? bit : 0;
    if (kinds != 0 || PyTuple_GET_SIZE(keys) > 0 || PyTuple_GET_SIZE(equals) > 0)
        sampler->narrow |= bit;
    Rule *rule = &sampler->rules[sampler->size++];
    rule->kinds = kinds == 0 ? ~(uint64_t)0 : kinds;
    rule->equals = Py_NewRef(equals);
    rule->threshold = threshold;
    return take_keys(rule, keys);
}

int
rules_take(Sampler *sampler, PyObject *given)
{
    PyObject *rules = PySequence_Tuple(given);
    if (rules == NULL)
        return -1;
    Py_ssize_t size = PyTuple_GET_SIZE(rules);
    int failed = size > MOST_RULES;
    if (failed)
        PyErr_Format(PyExc_ValueError, "there must be at most %d rules; were %zd", MOST_RULES, size);
    else if ((sampler->rules = PyMem_Calloc((size_t)size + 1, sizeof(Rule))) == NULL) {
        PyErr_NoMemory();
        failed = 1;
    }
    for (Py_ssize_t i = 0; !failed && i < size; i++)
        failed = take_one(sampler, PyTuple_GET_ITEM(rules, i)) < 0;
    Py_DECREF(rules);
    return failed ? -1 : 0;
}

int
rules_set_thresholds(Sampler *sampler, PyObject *given)
{
    int64_t taken[MOST_RULES];
    PyObject *thresholds = PySequence_Tuple(given);
    if (thresholds == NULL)
        return -1;
    int good = PyTuple_GET_SIZE(thresholds) == sampler->size;
    if (!good)
        PyErr_Format(PyExc_ValueError, "there must be %d thresholds; were %zd", sampler->size, PyTuple_GET_SIZE(thresholds));
    for (int i = 0; good && i < sampler->size; i++) {
        taken[i] = PyLong_AsLongLong(PyTuple_GET_ITEM(thresholds, i));
        good = !(taken[i] == -1 && PyErr_Occurred()) && threshold_ok(taken[i]);
    }
    Py_DECREF(thresholds);
    for (int i = 0; good && i < sampler->size; i++)
        POKE(sampler->rules[i].threshold, taken[i]);
    return good ? 0 : -1;
}

void
rules_free(Sampler *sampler)
{
    for (int i = 0; i < sampler->size; i++) {
        for (int k = 0; k < sampler->rules[i].keys; k++)
            Py_XDECREF(sampler->rules[i].beginnings[k].text);
        PyMem_Free(sampler->rules[i].beginnings);
        Py_XDECREF(sampler->rules[i].equals);
    }
    PyMem_Free(sampler->rules);
}

/* ---- matching; runs no Python ---- */

/* Of ASCII letters. Most keys are told apart by their first letter, or by the one where a beginning ends. */
static COLD int
begins_with_one(const Rule *rule, const char *key, Py_ssize_t size)
{
    for (const Beginning *each = rule->beginnings; each < rule->beginnings + rule->keys; each++)
        if (each->size <= size && each->letters != NULL && key[each->size - 1] == each->letters[each->size - 1] &&
            memcmp(key, each->letters, (size_t)each->size) == 0)
            return 1;
    return 0;
}

static COLD int
tail_matches(const Rule *rule, PyObject *key)
{
    for (const Beginning *each = rule->beginnings; each < rule->beginnings + rule->keys; each++)
        if (PyUnicode_Tailmatch(key, each->text, 0, PY_SSIZE_T_MAX, -1) == 1)
            return 1;
    return 0;
}

static inline int
key_matches(const Rule *rule, PyObject *key)
{
    if (LIKELY(PyUnicode_IS_COMPACT_ASCII(key))) {
        const char *letters = (const char *)((PyASCIIObject *)key + 1); /* the first is 0 if there is none */
        return rule->first[letters[0] >> 6] >> (letters[0] & 63) & 1 && begins_with_one(rule, letters, PyUnicode_GET_LENGTH(key));
    }
    return tail_matches(rule, key);
}

/* 1, 0, or -1: of a type that Python has to convert, such as a member of an enumeration. Numbers are compared as numbers, but
 * True is not 1. */
static int
same_value(PyObject *value, PyObject *wanted)
{
    if (PyUnicode_CheckExact(value))
        return PyUnicode_CheckExact(wanted) && PyUnicode_Compare(value, wanted) == 0;
    if (PyBool_Check(value) || value == Py_None)
        return value == wanted;
    if (!PyLong_CheckExact(value) && !PyFloat_CheckExact(value))
        return -1;
    if (PyBool_Check(wanted) || !(PyLong_CheckExact(wanted) || PyFloat_CheckExact(wanted)))
        return 0;
    return PyObject_RichCompareBool(value, wanted, Py_EQ);
}

/* Whether an attribute is one that the rule wants with another value: 1 as wanted, 0 not asked for, -1 cannot be said, -2 other. */
static int
pair_matches(const Rule *rule, PyObject *key, PyObject *value)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(rule->equals); i++) {
        PyObject *pair = PyTuple_GET_ITEM(rule->equals, i);
        PyObject *name = PyTuple_GET_ITEM(pair, 0);
        if (key != name && PyUnicode_Compare(key, name) != 0)
            continue;
        int same = same_value(value, PyTuple_GET_ITEM(pair, 1));
        return same == 0 ? -2 : same;
    }
    return 0;
}

/* Whether one key begins as it should; nothing else is asked for. */
static int
keys_match(const Rule *rule, PyObject *attributes)
{
    PyObject *key;
    Py_ssize_t position = 0;
    while (PyDict_Next(attributes, &position, &key, NULL)) {
        if (UNLIKELY(!PyUnicode_CheckExact(key)))
            return -1;
        if (UNLIKELY(key_matches(rule, key)))
            return 1;
    }
    return 0;
}

static int
attributes_match(const Rule *rule, PyObject *attributes)
{
    if (LIKELY(PyTuple_GET_SIZE(rule->equals) == 0))
        return keys_match(rule, attributes);
    PyObject *key, *value;
    Py_ssize_t position = 0, equal = 0, wanted = PyTuple_GET_SIZE(rule->equals);
    int begun = rule->keys == 0;
    while (PyDict_Next(attributes, &position, &key, &value)) {
        if (!PyUnicode_CheckExact(key))
            return -1;
        begun = begun || key_matches(rule, key);
        int same = pair_matches(rule, key, value);
        if (same < 0)
            return same == -2 ? 0 : -1;
        equal += same;
    }
    return begun && equal == wanted;
}

int
rule_matches(const Rule *rule, int kind, PyObject *attributes)
{
    if (kind < 0 || kind > 63 || !(rule->kinds >> kind & 1))
        return 0;
    if (rule->keys == 0 && PyTuple_GET_SIZE(rule->equals) == 0)
        return 1;
    if (attributes == NULL || attributes == Py_None)
        return 0;
    if (UNLIKELY(!PyDict_CheckExact(attributes)))
        return -1;
    int found;
#ifdef Py_GIL_DISABLED
    Py_BEGIN_CRITICAL_SECTION(attributes);
    found = attributes_match(rule, attributes);
    Py_END_CRITICAL_SECTION();
#else
    found = attributes_match(rule, attributes);
#endif
    return found;
}
