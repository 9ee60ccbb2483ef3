#include "block.h"
#include "current.h"
#include "interruption.h"
#include "itself.h"
#include "spare.h"

enum block_argument { BLOCK_END = START_ARGUMENTS, BLOCK_ARGUMENTS };
SIGNATURE(START_CURRENT, "start_as_current_span", 1, "name", "context", "kind", "attributes", "links", "start_time",
          "record_exception", "set_status_on_exception", "end_on_exit");

/* Not tracked by the collector: it lives as long as its block, and what it was given is let go with it. */
typedef struct {
    PyObject_HEAD
    BUSY
    vectorcallfunc call;
    Tracer *tracer;
    PyObject *given[BLOCK_ARGUMENTS]; /* NULL where nothing was */
    PyObject *span, *context, *token; /* while it is entered */
    uint32_t depth;                   /* how often it was entered; only the first time begins a span */
} Block;

static PyTypeObject *Block_Type = NULL;
static PyObject *spare = NULL;

static PyObject *
enter(Block *block)
{
    if (UNLIKELY(block->depth > 0 && block->span != NULL)) {
        block->depth++;
        return Py_NewRef(block->span);
    }
    PyObject *current = current_get();
    PyObject *span = tracer_start(block->tracer, block->given, current);
    PyObject *context = span == NULL ? NULL : current_with(current, span);
    PyObject *token = context == NULL ? NULL : current_attach(context);
    PyObject *before[3];
    Py_XDECREF(current);
    if (UNLIKELY(span == NULL))
        return NULL;
    if (UNLIKELY(token == NULL))
        forget_error();
    GUARD(block)
    memcpy(before, (PyObject *[]){block->span, block->context, block->token}, sizeof before);
    block->span = Py_NewRef(span);
    block->context = context;
    block->token = token;
    block->depth = 1;
    UNGUARD()
    for (int i = 0; UNLIKELY(before[0] != NULL) && i < 3; i++) /* another thread entered it meanwhile */
        Py_XDECREF(before[i]);
    return span;
}

static int
is_false(PyObject *given)
{
    if (LIKELY(given == NULL || given == Py_True))
        return 0;
    int truth = PyObject_IsTrue(given);
    if (truth < 0)
        forget_error();
    return truth == 0;
}

/* The application's own exception; what Python raises while it is noted is forgotten. */
static void
note(Block *block, PyObject *span, PyObject *error)
{
    PyObject *noted = PyObject_CallMethod((PyObject *)block->tracer, "failed", "OOOO", span, error,
                                          is_false(block->given[START_RECORD_EXCEPTION]) ? Py_False : Py_True,
                                          is_false(block->given[START_SET_STATUS]) ? Py_False : Py_True);
    Py_XDECREF(noted);
    forget_error();
}

static void
end_span(PyObject *span)
{
    if (LIKELY(span_ends_plainly(span))) {
        span_end_now((Span *)span);
        return;
    }
    PyObject *ended = PyObject_CallMethod(span, "end", NULL);
    Py_XDECREF(ended);
    forget_error();
}

static void
leave(Block *block, PyObject *error)
{
    PyObject *span = NULL, *context = NULL, *token = NULL;
    GUARD(block)
    if (block->depth > 0 && --block->depth == 0) {
        span = block->span;
        context = block->context;
        token = block->token;
        block->span = block->context = block->token = NULL;
    }
    UNGUARD()
    if (LIKELY(token != NULL)) {
        current_detach(token);
        Py_DECREF(token);
    }
    if (LIKELY(context != NULL))
        current_forget(context);
    if (UNLIKELY(span == NULL))
        return;
    if (UNLIKELY(error != Py_None) && PyErr_GivenExceptionMatches(error, PyExc_Exception))
        note(block, span, error);
    if (!is_false(block->given[BLOCK_END]))
        end_span(span);
    Py_DECREF(span);
}

static PyObject *
decorate(Block *block, PyObject *function)
{
    PyObject *arguments[BLOCK_ARGUMENTS + 2] = {(PyObject *)block->tracer, function};
    for (int i = 0; i < BLOCK_ARGUMENTS; i++)
        arguments[i + 2] = block->given[i] != NULL ? block->given[i] : i < START_RECORD_EXCEPTION ? Py_None : Py_True;
    PyObject *method = PyUnicode_InternFromString("decorated");
    PyObject *made = method == NULL ? NULL : PyObject_VectorcallMethod(method, arguments, BLOCK_ARGUMENTS + 2, NULL);
    Py_XDECREF(method);
    return made;
}

/* Without arguments it begins, with the three of __exit__ it ends, and with one it decorates a function. */
static PyObject *
block_call(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    switch (PyVectorcall_NARGS(count)) {
    case 0:
        return enter((Block *)self);
    case 1:
        return decorate((Block *)self, arguments[0]);
    case 3:
        leave((Block *)self, arguments[1]);
        Py_RETURN_NONE;
    }
    PyErr_SetString(PyExc_TypeError, "a block is entered, left, or decorates a function");
    return NULL;
}

PyObject *
block_new(PyObject *tracer, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    PyObject *found[BLOCK_ARGUMENTS];
    if (arguments_of(&START_CURRENT, given, count, keywords, found) < 0)
        return NULL;
    Block *made = (Block *)spare_or_new(&spare, Block_Type);
    if (made == NULL)
        return NULL;
    memset((char *)made + sizeof(PyObject), 0, sizeof(Block) - sizeof(PyObject));
    made->call = block_call;
    made->tracer = (Tracer *)Py_NewRef(tracer);
    for (int i = 0; i < BLOCK_ARGUMENTS; i++)
        made->given[i] = Py_XNewRef(found[i]);
    return (PyObject *)made;
}

static void
block_dealloc(PyObject *object)
{
    Block *block = (Block *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (int i = 0; i < BLOCK_ARGUMENTS; i++)
        Py_XDECREF(block->given[i]);
    Py_XDECREF(block->span);
    Py_XDECREF(block->context);
    Py_XDECREF(block->token);
    Py_DECREF((PyObject *)block->tracer);
    spare_or_free(&spare, object);
    Py_DECREF(type);
}

static PyMemberDef fields[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Block, call), READONLY, NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_dealloc, block_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, fields},
    {Py_tp_doc, (void *)PyDoc_STR("A span and the block in which it is the current one; made by Tracer.start_as_current_span().")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Block", sizeof(Block), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

int
block_add_type(PyObject *module)
{
    Block_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (Block_Type == NULL || itself_give(Block_Type, "a block is entered and left by the block itself") < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Block", (PyObject *)Block_Type);
}
