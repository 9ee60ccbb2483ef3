/* otel_trading.hotpath._native: the cells of the metrics engine. */
#include "exemplar.h"
#include "timer.h"

static PyObject *
now_call(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return PyLong_FromLongLong(now_ns());
}

#define CALL(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef functions[] = {
    {"now", CALL(now_call), METH_FASTCALL, PyDoc_STR("now() -> int\n\nMonotonic nanoseconds, as time.perf_counter_ns().")},
    {"refusals", refusals_snapshot, METH_NOARGS, PyDoc_STR("refusals() -> dict\n\nWhat was not recorded, by reason.")},
    {"set_refusal_hook", refusals_set_hook, METH_O,
     PyDoc_STR("set_refusal_hook(hook)\n\nhook(reason, name, value) is called once for each reason and cell.")},
    {"set_exemplar_hook", exemplar_set_hook, METH_VARARGS,
     PyDoc_STR("set_exemplar_hook(hook, variable, span_key)\n\nhook(owner, bucket, value, context) -> taken.")},
    {NULL},
};

static int
module_exec(PyObject *module)
{
    exponential_prepare_table();
    return bounds_add_type(module) < 0 || cell_add_type(module) < 0 || timer_add_type(module) < 0 ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_trading.hotpath._native",
    .m_doc = PyDoc_STR("Cells that cost nanoseconds."),
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
