#include "refusal.h"
#include "interruption.h"

static const char *const NAMES[REFUSALS] = {
    "not_a_number", "not_finite", "negative", "closed", "invalid_start", "not_a_time", "invalid_arguments", "no_series",
    "forward_failed", "no_memory",
};

static PyObject *names[REFUSALS]; /* NAMES, interned once: without a GIL that locks what all threads use */
static uint64_t counts[REFUSALS];
static PyObject *hook = NULL; /* hook(reason: str, name: str, value: object) */

int
refusals_prepare(void)
{
    for (int why = 0; why < REFUSALS; why++)
        if (names[why] == NULL && (names[why] = PyUnicode_InternFromString(NAMES[why])) == NULL)
            return -1;
    return 0;
}

static void
tell(PyObject *listener, PyObject *name, enum refusal why, PyObject *value)
{
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    Py_INCREF(listener);
    Py_INCREF(name);
    PyObject *done = PyObject_CallFunctionObjArgs(listener, names[why], name, value ? value : Py_None, NULL);
    Py_XDECREF(done);
    forget_error();
    Py_DECREF(name);
    Py_DECREF(listener);
    PyErr_Clear();
    PyErr_Restore(type, error, trace);
}

void
refuse(PyObject *name, Told *told, enum refusal why, PyObject *value)
{
    __atomic_fetch_add(&counts[why], 1, __ATOMIC_RELAXED);
    PyObject *listener = READ_HOOK(hook);
    Told bit = (Told)(1u << why);
    if (listener == NULL || (PEEK(*told) & bit) || (__atomic_fetch_or(told, bit, __ATOMIC_RELAXED) & bit))
        return;
    tell(listener, name, why, value);
}

PyObject *
refusals_snapshot(PyObject *module, PyObject *unused)
{
    PyObject *found = PyDict_New();
    for (int why = 0; found != NULL && why < REFUSALS; why++) {
        PyObject *count = PyLong_FromUnsignedLongLong(__atomic_load_n(&counts[why], __ATOMIC_RELAXED));
        if (count == NULL || PyDict_SetItem(found, names[why], count) < 0)
            Py_CLEAR(found);
        Py_XDECREF(count);
    }
    return found;
}

PyObject *
refusals_forget(PyObject *module, PyObject *unused)
{
    for (int why = 0; why < REFUSALS; why++)
        __atomic_store_n(&counts[why], 0, __ATOMIC_RELAXED);
    Py_RETURN_NONE;
}

PyObject *
refusals_set_hook(PyObject *module, PyObject *wanted)
{
    if (wanted != Py_None && !PyCallable_Check(wanted)) {
        PyErr_SetString(PyExc_TypeError, "the refusal hook must be callable, or None");
        return NULL;
    }
    REPLACE_HOOK(hook, wanted == Py_None ? NULL : Py_NewRef(wanted));
    Py_RETURN_NONE;
}
