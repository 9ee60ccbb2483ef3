#include "interruption.h"
#include "sampler_parts.h"

#define FIRST_NAMES 64

static inline int
same_name(PyObject *one, PyObject *other, Py_hash_t hash)
{
    return one == other || (text_hash(one) == hash && PyUnicode_Compare(one, other) == 0);
}

/* Where the name is, or is to be put; under GUARD. */
static inline Name *
place_of(const Sampler *sampler, PyObject *name, Py_hash_t hash)
{
    uint32_t i = (uint32_t)hash & sampler->mask;
    while (sampler->names[i].name != NULL && !same_name(sampler->names[i].name, name, hash))
        i = (i + 1) & sampler->mask;
    return &sampler->names[i];
}

/* Twice the room; 0 if there is no memory. */
static int
grow(Sampler *sampler)
{
    uint32_t size = sampler->names == NULL ? FIRST_NAMES : (sampler->mask + 1) * 2;
    Name *before = sampler->names, *after = PyMem_RawCalloc(size, sizeof(Name));
    if (after == NULL)
        return 0;
    for (uint32_t old = 0; before != NULL && old <= sampler->mask; old++) {
        if (before[old].name == NULL)
            continue;
        uint32_t i = (uint32_t)text_hash(before[old].name) & (size - 1);
        while (after[i].name != NULL)
            i = (i + 1) & (size - 1);
        after[i] = before[old];
    }
    PyMem_RawFree(before);
    sampler->names = after;
    sampler->mask = size - 1;
    return 1;
}

int
names_prepare(Sampler *sampler)
{
    if (grow(sampler))
        return 0;
    PyErr_NoMemory();
    return -1;
}

static COLD void
remember(Sampler *sampler, PyObject *name, Py_hash_t hash, uint64_t rules)
{
    if (PyUnicode_GET_LENGTH(name) > MOST_TEXT)
        return;
    GUARD(sampler)
    if (sampler->used < MOST_NAMES && (sampler->used * 2 < sampler->mask || grow(sampler))) {
        Name *place = place_of(sampler, name, hash);
        if (place->name == NULL) { /* another thread may have been here */
            place->name = Py_NewRef(name);
            place->rules = rules;
            sampler->used++;
        }
    }
    UNGUARD()
}

static COLD int
ask(Sampler *sampler, PyObject *name, Py_hash_t hash, uint64_t *rules)
{
    PyObject *classify, *answer;
    GUARD(sampler)
    classify = Py_NewRef(sampler->classify);
    UNGUARD()
    answer = PyObject_CallOneArg(classify, name);
    Py_DECREF(classify);
    if (answer != NULL)
        *rules = PyLong_AsUnsignedLongLong(answer);
    Py_XDECREF(answer);
    if (PyErr_Occurred()) {
        forget_error();
        return -1;
    }
    remember(sampler, name, hash, *rules);
    return 0;
}

int
names_find(Sampler *sampler, PyObject *name, uint64_t *rules)
{
    Py_hash_t hash = text_hash(name);
    int known;
    GUARD(sampler)
    const Name *place = place_of(sampler, name, hash);
    known = place->name != NULL;
    *rules = place->rules;
    UNGUARD()
    return LIKELY(known) ? 0 : ask(sampler, name, hash, rules);
}

void
names_free(Sampler *sampler)
{
    for (uint32_t i = 0; sampler->names != NULL && i <= sampler->mask; i++)
        Py_XDECREF(sampler->names[i].name);
    PyMem_RawFree(sampler->names);
}
