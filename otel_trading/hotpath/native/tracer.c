#include "tracer.h"
#include "block.h"
#include "current.h"
#include "sampler.h"
#include "span_counts.h"

PyTypeObject *Tracer_Type = NULL;

#define KINDS 5
#define RANDOM_BITS 0x00ffffffffffffffULL
#define INTERNAL 1

SIGNATURE(START_SPAN, "start_span", 1, "name", "context", "kind", "attributes", "links", "start_time", "record_exception",
          "set_status_on_exception");
static PyObject *kinds[KINDS]; /* OpenTelemetry's, in OTLP's order */

static PyObject *
set_kinds(PyObject *type, PyObject *members)
{
    if (!PyTuple_CheckExact(members) || PyTuple_GET_SIZE(members) != KINDS) {
        PyErr_SetString(PyExc_TypeError, "five kinds of spans are needed, in OTLP's order");
        return NULL;
    }
    for (int i = 0; i < KINDS; i++)
        REPLACE_HOOK(kinds[i], Py_NewRef(PyTuple_GET_ITEM(members, i)));
    Py_RETURN_NONE;
}

/* As OTLP counts; 0 for what is none. */
static int
kind_of(PyObject *given)
{
    if (LIKELY(given == NULL || given == Py_None))
        return INTERNAL;
    for (int i = 0; i < KINDS; i++)
        if (given == READ_HOOK(kinds[i]))
            return i + 1;
    return 0;
}

/* Whether Python has to look at them: a context that is no dict, links, a kind or a name that is none. */
static int
unusual(PyObject *const *given)
{
    PyObject *links = given[START_LINKS], *context = given[START_CONTEXT];
    return !PyUnicode_CheckExact(given[START_NAME]) || (context != NULL && context != Py_None && !PyDict_Check(context)) ||
           (links != NULL && links != Py_None && !(PyTuple_CheckExact(links) && PyTuple_GET_SIZE(links) == 0)) ||
           kind_of(given[START_KIND]) == 0;
}

static PyObject *
start_in_python(PyObject *tracer, PyObject *const *given)
{
    static PyObject *method = NULL;
    if (method == NULL && (method = PyUnicode_InternFromString("start_slowly")) == NULL)
        return NULL;
    PyObject *arguments[START_ARGUMENTS + 1] = {tracer};
    for (int i = 0; i < START_ARGUMENTS; i++)
        arguments[i + 1] = given[i] != NULL ? given[i] : i < START_RECORD_EXCEPTION ? Py_None : Py_True;
    if (arguments[START_KIND + 1] == Py_None)
        arguments[START_KIND + 1] = kinds[0] != NULL ? kinds[0] : Py_None;
    return PyObject_VectorcallMethod(method, arguments, START_ARGUMENTS + 1, NULL);
}

static void
set_place(Span *span, const Span *parent)
{
    if (parent != NULL) {
        span->trace_high = parent->trace_high;
        span->trace_low = parent->trace_low;
        span->parent_id = parent->id;
        span->flags = parent->flags & RANDOM;
        span->randomness = parent->randomness;
    } else {
        span->trace_high = id_make();
        span->trace_low = id_make();
        span->flags = RANDOM;
        span->randomness = span->trace_low & RANDOM_BITS;
    }
    span->id = id_make();
}

/* 0, or -1 if Python has to decide. */
static int
sample(Span *span, const Span *parent, PyObject *sampler, PyObject *attributes)
{
    Decision decision = {1, 1, -1, NULL};
    if (sampler != NULL) {
        Question question = {
            span->name, span->kind, attributes, span->randomness, parent != NULL, parent != NULL && parent->flags & SAMPLED,
            parent != NULL ? parent->threshold : -1, parent != NULL ? parent->trace_state : NULL,
        };
        if (UNLIKELY(sampler_decide(sampler, &question, &decision) < 0))
            return -1;
    } else if (parent != NULL) {
        decision.threshold = parent->threshold;
        decision.state = Py_XNewRef(parent->trace_state);
    }
    span->flags |= decision.sampled ? SAMPLED : 0;
    span->urgency = decision.urgency;
    span->threshold = decision.threshold;
    span->trace_state = decision.state;
    return 0;
}

/* NULL without an exception if Python has to start it. */
static PyObject *
start_here(Recorder *recorder, PyObject *sampler, PyObject *const *given, Span *parent)
{
    Span *span = span_new(recorder);
    if (UNLIKELY(span == NULL) || UNLIKELY(span_set_name(span, given[START_NAME]) < 0))
        goto failed;
    set_place(span, parent);
    span->kind = (uint8_t)kind_of(given[START_KIND]);
    if (UNLIKELY(sample(span, parent, sampler, given[START_ATTRIBUTES]) < 0))
        goto failed;
    span_choose_fate(span, parent, 0);
    span_count_start(span);
    span->on_exception = (given[START_RECORD_EXCEPTION] == Py_False ? 0 : RECORD_EXCEPTION) |
                         (given[START_SET_STATUS] == Py_False ? 0 : SET_STATUS);
    if (span->recording) {
        span_set_start(span, given[START_TIME]);
        span_add_attributes(span, given[START_ATTRIBUTES]);
    }
    return (PyObject *)span;
failed:
    PyErr_Clear();
    Py_XDECREF((PyObject *)span);
    return NULL;
}

/* Nothing, a span of ours, or one that Python has to look at. */
static int
foreign(PyObject *parent)
{
    return parent != NULL && !PyObject_TypeCheck(parent, Span_Type);
}

PyObject *
tracer_start(Tracer *tracer, PyObject *const *given, PyObject *current)
{
    PyObject *recorder, *sampler, *made = NULL;
    GUARD(tracer)
    recorder = Py_XNewRef((PyObject *)tracer->recorder);
    sampler = Py_XNewRef(tracer->sampler);
    UNGUARD()
    if (LIKELY(recorder != NULL && !unusual(given))) {
        PyObject *context = given[START_CONTEXT] == NULL || given[START_CONTEXT] == Py_None ? current : given[START_CONTEXT];
        PyObject *parent = current_span(context);
        if (LIKELY(!foreign(parent)))
            made = start_here((Recorder *)recorder, sampler, given, (Span *)parent);
        Py_XDECREF(parent);
    }
    Py_XDECREF(recorder);
    Py_XDECREF(sampler);
    return LIKELY(made != NULL) ? made : start_in_python((PyObject *)tracer, given);
}

static PyObject *
start_span_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords)
{
    PyObject *given[START_ARGUMENTS];
    if (arguments_of(&START_SPAN, arguments, count, keywords, given) < 0)
        return NULL;
    PyObject *current = current_get();
    PyObject *span = tracer_start((Tracer *)self, given, current);
    Py_XDECREF(current);
    return span;
}

static PyObject *
direct_call(PyObject *self, PyObject *arguments)
{
    Tracer *tracer = (Tracer *)self;
    PyObject *recorder, *sampler;
    if (!PyArg_ParseTuple(arguments, "OO:direct", &recorder, &sampler))
        return NULL;
    if ((recorder != Py_None && !PyObject_TypeCheck(recorder, Recorder_Type)) ||
        (sampler != Py_None && !PyObject_TypeCheck(sampler, Sampler_Type))) {
        PyErr_SetString(PyExc_TypeError, "a tracer takes a Recorder and a Sampler of its engine, or None");
        return NULL;
    }
    recorder = recorder == Py_None ? NULL : Py_NewRef(recorder);
    sampler = sampler == Py_None ? NULL : Py_NewRef(sampler);
    PyObject *old_recorder, *old_sampler;
    GUARD(tracer)
    old_recorder = (PyObject *)tracer->recorder;
    old_sampler = tracer->sampler;
    tracer->recorder = (Recorder *)recorder;
    tracer->sampler = sampler;
    UNGUARD()
    Py_XDECREF(old_recorder);
    Py_XDECREF(old_sampler);
    Py_RETURN_NONE;
}

static int
tracer_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT((PyObject *)((Tracer *)self)->recorder);
    Py_VISIT(((Tracer *)self)->sampler);
    return 0;
}

static int
tracer_clear(PyObject *self)
{
    Py_CLEAR(((Tracer *)self)->recorder);
    Py_CLEAR(((Tracer *)self)->sampler);
    return 0;
}

static void
tracer_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    tracer_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"start_span", CALL(start_span_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("start_span(name, context=None, kind=INTERNAL, attributes=None, links=(), start_time=None,\n"
               "           record_exception=True, set_status_on_exception=True) -> Span\n\n"
               "A span whose parent is the span of the context, or of the current one.")},
    {"start_as_current_span", CALL(block_new), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("start_as_current_span(name, context=None, kind=INTERNAL, attributes=None, links=(), start_time=None,\n"
               "                      record_exception=True, set_status_on_exception=True, end_on_exit=True) -> Block\n\n"
               "Context manager and decorator: the span begins with the block, or with each call.")},
    {"direct", direct_call, METH_VARARGS,
     PyDoc_STR("direct(recorder, sampler)\n\nWhere spans begin from now on; without a recorder Python starts them.")},
    {"set_kinds", set_kinds, METH_O | METH_STATIC, PyDoc_STR("set_kinds(kinds)\n\nWhat callers give as kind, in OTLP's order.")},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, tracer_dealloc},
    {Py_tp_traverse, tracer_traverse},
    {Py_tp_clear, tracer_clear},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)PyDoc_STR("Begins spans with the current one as their parent.\n\n"
                                  "A subclass has start_slowly(name, context, kind, attributes, links, start_time,\n"
                                  "record_exception, set_status_on_exception), failed(span, error, record, set_status) and\n"
                                  "decorated(function, *arguments of start_as_current_span).")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Tracer", sizeof(Tracer), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
tracer_add_type(PyObject *module)
{
    Tracer_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Tracer_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Tracer", (PyObject *)Tracer_Type);
}
