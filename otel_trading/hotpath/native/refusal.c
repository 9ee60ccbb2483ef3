#include "refusal.h"

static const char *const NAMES[REFUSALS] = {
    "not_a_number", "not_finite", "negative", "closed", "invalid_start", "not_a_time", "invalid_arguments",
};

static uint64_t counts[REFUSALS];
static PyObject *hook = NULL; /* hook(reason: str, name: str, value: object) */

void
refuse(PyObject *cell_name, uint8_t *told, enum refusal why, PyObject *value)
{
    PyErr_Clear();
    COUNT(counts[why], 1);
    if (*told & (1u << why) || hook == NULL)
        return;
    *told |= (uint8_t)(1u << why);
    PyObject *done = PyObject_CallFunction(hook, "sOO", NAMES[why], cell_name, value ? value : Py_None);
    Py_XDECREF(done);
    PyErr_Clear();
}

PyObject *
refusals_snapshot(PyObject *module, PyObject *unused)
{
    PyObject *found = PyDict_New();
    for (int why = 0; found != NULL && why < REFUSALS; why++) {
        PyObject *count = PyLong_FromUnsignedLongLong(READ(counts[why]));
        if (count == NULL || PyDict_SetItemString(found, NAMES[why], count) < 0)
            Py_CLEAR(found);
        Py_XDECREF(count);
    }
    return found;
}

PyObject *
refusals_set_hook(PyObject *module, PyObject *wanted)
{
    Py_XSETREF(hook, wanted == Py_None ? NULL : Py_NewRef(wanted));
    Py_RETURN_NONE;
}

void
refusals_clear(void)
{
    memset(counts, 0, sizeof counts);
}
