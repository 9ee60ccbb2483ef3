/* otel_trading.hotpath._native: the cells of the metrics engine and the recorder of spans. Its names and their behaviour are those of
 * otel_trading.hotpath.twin, and tests/hotpath holds both to them. */
#include "block.h"
#include "clock.h"
#include "current.h"
#include "exemplar.h"
#include "refusal.h"
#include "render_page.h"
#include "sampler.h"
#include "span.h"
#include "span_screen.h"
#include "table.h"
#include "timed.h"
#include "timer.h"

static PyObject *
now_call(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    return PyLong_FromLongLong(now_ns());
}

static PyMethodDef functions[] = {
    {"now", CALL(now_call), METH_FASTCALL, PyDoc_STR("now() -> int\n\nMonotonic nanoseconds, as time.perf_counter_ns().")},
    {"set_clock", clock_replace, METH_VARARGS,
     PyDoc_STR("set_clock(now, wall)\n\nCallables that give nanoseconds, for tests; None for the real clocks.")},
    {"refusals", refusals_snapshot, METH_NOARGS, PyDoc_STR("refusals() -> dict\n\nWhat was not recorded, by reason.")},
    {"forget_refusals", refusals_forget, METH_NOARGS, PyDoc_STR("forget_refusals()\n\nCounts from 0 again.")},
    {"set_refusal_hook", refusals_set_hook, METH_O,
     PyDoc_STR("set_refusal_hook(hook)\n\nhook(reason, name, value) is called once for each reason and cell; None for nobody.")},
    {"set_exemplar_hook", exemplar_set_hook, METH_VARARGS,
     PyDoc_STR("set_exemplar_hook(hook, variable=None, span_key=None, flags=None)\n\n"
               "hook(owner, bucket, value, context, origin) -> bool is offered measurements made in a span; True: it was\n"
               "taken. origin: the attributes that a table was called with, or else the owner of the cell that was.\n\n"
               "variable: the ContextVar that holds the context, a dict; span_key: the key under which a span is in there.\n"
               "Without both each measurement is offered that its bucket wants, span or not.\n"
               "flags: name of an attribute of spans that holds a tuple, and where the trace flags are in it.\n"
               "hook None: nobody is offered any.")},
    {"exponential_index", exponential_index_call, METH_VARARGS,
     PyDoc_STR("exponential_index(value, scale) -> int\n\nThe base-2 exponential bucket of a positive value, exactly.")},
    {"render", CALL(render_call), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("render(items, format, labels=None)\n\nThe parts of a page, bytes of some MiB at most, one after the other.\n\n"
               "items: Family, and bytes that are on the page as they are; format: text, openmetrics or protobuf;\n"
               "labels(attributes) -> tuple of names and values: makes labels of what an exemplar has beyond its trace.")},
    {"set_current", current_set, METH_VARARGS,
     PyDoc_STR("set_current(variable, context_type, span_key)\n\nWhere the current context is: a ContextVar that holds a dict of\n"
               "this type, with the current span under this key.")},
    {"attach", current_attach_call, METH_O, PyDoc_STR("attach(context) -> Token\n\nMakes it the current context.")},
    {"detach", current_detach_call, METH_O,
     PyDoc_STR("detach(token) -> bool\n\nThe context of before; False if the token is of another thread's or task's.")},
    {"span_type", span_type_with, METH_VARARGS,
     PyDoc_STR("span_type(name, methods) -> type\n\nSpan with more methods, a dict of functions and properties, for a Recorder.")},
    {"render_number", render_number_call, METH_VARARGS,
     PyDoc_STR("render_number(value, pointed=False) -> str\n\nA float as pages have it; pointed: as OpenMetrics does.")},
    {NULL},
};

static int
module_exec(PyObject *module)
{
    clock_prepare();
    exponential_prepare();
    if (refusals_prepare() < 0 || bounds_add_type(module) < 0 || cell_add_type(module) < 0 || timer_add_type(module) < 0 ||
        timed_add_type(module) < 0 || timed_coroutine_add_type(module) < 0 || table_add_type(module) < 0 ||
        family_add_type(module) < 0 || page_add_type(module) < 0 || ids_prepare() < 0 || arena_add_type(module) < 0 ||
        span_add_type(module) < 0 || recorder_add_type(module) < 0 || screen_add_type(module) < 0 || sampler_add_type(module) < 0 ||
        tracer_add_type(module) < 0 || block_add_type(module) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "NAME", "native");
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* hooks and counts are the process's */
#endif
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* guard.h says why */
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "otel_trading.hotpath._native",
    .m_doc = PyDoc_STR("Cells that cost nanoseconds, spans that cost hundreds."),
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
