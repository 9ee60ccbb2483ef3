#include "interruption.h"
#include "sampler_parts.h"

static inline int
same_text(PyObject *one, PyObject *other)
{
    return one == other || (one != NULL && other != NULL && text_hash(one) == text_hash(other) &&
                            PyUnicode_Compare(one, other) == 0);
}

static inline uint32_t
place_of(PyObject *text, int64_t told)
{
    uint64_t mixed = ((text == NULL ? 0 : (uint64_t)text_hash(text)) + (uint64_t)told) * 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(mixed >> 32) & (STATES - 1);
}

static int
worth_remembering(PyObject *text)
{
    return text == NULL || text == Py_None || PyUnicode_GET_LENGTH(text) <= MOST_TEXT;
}

/* ---- the text that tells a threshold ---- */

static void
remember(Sampler *sampler, PyObject *before, int64_t told, PyObject *after)
{
    State *place = &sampler->states[place_of(before, told)], old;
    if (!worth_remembering(before) || !worth_remembering(after))
        return;
    GUARD(sampler)
    old = *place;
    *place = (State){Py_XNewRef(before), told, Py_NewRef(after)};
    UNGUARD()
    Py_XDECREF(old.before);
    Py_XDECREF(old.after);
}

/* A text or None, or NULL; no exception is left. */
static COLD PyObject *
ask(Sampler *sampler, PyObject *before, int64_t told)
{
    PyObject *tell, *answer = NULL;
    GUARD(sampler)
    tell = Py_NewRef(sampler->tell);
    UNGUARD()
    PyObject *threshold = PyLong_FromLongLong(told < 0 ? NONE_TOLD : told);
    if (threshold != NULL)
        answer = PyObject_CallFunctionObjArgs(tell, before == NULL ? Py_None : before, threshold,
                                              told == UNSAMPLED ? Py_False : Py_True, NULL);
    Py_XDECREF(threshold);
    Py_DECREF(tell);
    if (answer != NULL && (answer == Py_None || PyUnicode_CheckExact(answer))) {
        remember(sampler, before, told, answer);
        return answer;
    }
    Py_XDECREF(answer);
    forget_error();
    return NULL;
}

int
states_find(Sampler *sampler, PyObject *before, int64_t told, PyObject **after)
{
    PyObject *found = NULL;
    GUARD(sampler)
    const State *state = &sampler->states[place_of(before, told)];
    if (state->after != NULL && state->told == told && same_text(state->before, before))
        found = Py_NewRef(state->after);
    UNGUARD()
    if (found == NULL && (found = ask(sampler, before, told)) == NULL)
        return -1;
    if (found == Py_None)
        Py_CLEAR(found);
    *after = found;
    return 0;
}

/* ---- what a text tells ---- */

static COLD int
ask_reading(Sampler *sampler, PyObject *text, Reading *reading)
{
    PyObject *read, *answer;
    long long threshold, random;
    GUARD(sampler)
    read = Py_NewRef(sampler->read);
    UNGUARD()
    answer = PyObject_CallOneArg(read, text);
    Py_DECREF(read);
    int good = answer != NULL && PyTuple_Check(answer) && PyArg_ParseTuple(answer, "LL", &threshold, &random);
    Py_XDECREF(answer);
    forget_error();
    if (!good)
        return -1;
    *reading = (Reading){text, threshold, random};
    if (!worth_remembering(text))
        return 0;
    Reading *place = &sampler->readings[place_of(text, 0)];
    PyObject *old;
    GUARD(sampler)
    old = place->text;
    *place = *reading;
    Py_INCREF(text);
    UNGUARD()
    Py_XDECREF(old);
    return 0;
}

int
states_read(Sampler *sampler, PyObject *text, int64_t *threshold, int64_t *random)
{
    Reading found;
    GUARD(sampler)
    found = sampler->readings[place_of(text, 0)];
    if (found.text != NULL && !same_text(found.text, text))
        found.text = NULL;
    UNGUARD()
    if (found.text == NULL && ask_reading(sampler, text, &found) < 0)
        return -1;
    *threshold = found.threshold;
    *random = found.random;
    return 0;
}

void
states_free(Sampler *sampler)
{
    for (int i = 0; i < STATES; i++) {
        Py_XDECREF(sampler->states[i].before);
        Py_XDECREF(sampler->states[i].after);
        Py_XDECREF(sampler->readings[i].text);
    }
}
