#include "timed.h"
#include "record.h"

/* What a timed coroutine function returns: everything goes through to the coroutine, and the time from the first step to the
 * last is recorded. Calling the function has made the coroutine already, so wrong arguments, and never awaiting it, are told
 * as if nothing were in between. */
typedef struct {
    PyObject_HEAD
    Cell *cell;
    PyObject *inner;
    Stopwatch watch;
    uint8_t started;
    uint8_t ended;
    uint8_t running; /* a step is being taken: a second one at once is the coroutine's to refuse */
} Coroutine;

static PyTypeObject *Coroutine_Type = NULL;

/* Memory of some that have ended is kept: to get and give back an object that the collector knows is a fifth of what an
 * awaited call costs (benchmarks/hotpath.py). Without a GIL each thread's allocator does that. */
#ifdef Py_GIL_DISABLED
#define SPARE 0
#else
#define SPARE 16
#endif
static Coroutine *spare[SPARE + 1];
static int spares = 0;

static Coroutine *
allocate(void)
{
    if (UNLIKELY(spares == 0))
        return PyObject_GC_New(Coroutine, Coroutine_Type);
    return (Coroutine *)PyObject_Init((PyObject *)spare[--spares], Coroutine_Type);
}

/* One that was finalised would not be so a second time. */
static void
give_back(Coroutine *ended)
{
    if (LIKELY(spares < SPARE && !PyObject_GC_IsFinalized((PyObject *)ended)))
        spare[spares++] = ended;
    else
        PyObject_GC_Del(ended);
}

PyObject *
timed_coroutine_new(Cell *cell, PyObject *inner)
{
    Coroutine *made = allocate();
    if (made == NULL) {
        Py_DECREF(inner);
        return NULL;
    }
    made->cell = (Cell *)Py_NewRef((PyObject *)cell);
    made->inner = inner;
    made->started = made->ended = made->running = 0;
    PyObject_GC_Track(made);
    return (PyObject *)made;
}

static inline void
end(Coroutine *self)
{
    if (self->started && !self->ended) {
        self->ended = 1;
        timed_record(self->cell, &self->watch);
    }
}

static PySendResult
step(PyObject *object, PyObject *value, PyObject **result)
{
    Coroutine *self = (Coroutine *)object;
    if (UNLIKELY(self->running))
        return PyIter_Send(self->inner, value, result);
    if (!self->started && value == Py_None) {
        self->started = 1;
        stopwatch_start(&self->watch);
    }
    self->running = 1;
    PySendResult outcome = PyIter_Send(self->inner, value, result);
    self->running = 0;
    if (LIKELY(outcome == PYGEN_RETURN && self->started && !self->ended)) { /* no exception to be kept */
        self->ended = 1;
        record_ns(self->cell, stopwatch_read(&self->watch), NULL);
    } else if (outcome == PYGEN_ERROR)
        end(self);
    return outcome;
}

/* The outcome of a step as the methods of coroutines give it: what was yielded, or StopIteration with what was returned. */
static PyObject *
as_iteration(PySendResult outcome, PyObject *result)
{
    if (outcome != PYGEN_RETURN)
        return outcome == PYGEN_NEXT ? result : NULL;
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
    Py_DECREF(result);
    return NULL;
}

static PyObject *
send_call(PyObject *self, PyObject *value)
{
    PyObject *result = NULL;
    PySendResult outcome = step(self, value, &result);
    return as_iteration(outcome, result);
}

static PyObject *
next_step(PyObject *self)
{
    return send_call(self, Py_None);
}

static PyObject *
throw_call(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    Coroutine *self = (Coroutine *)object;
    PyObject *method = PyObject_GetAttrString(self->inner, "throw");
    if (method == NULL)
        return NULL;
    uint8_t nested = self->running;
    self->running = 1;
    PyObject *result = PyObject_Vectorcall(method, arguments, count, NULL);
    self->running = nested;
    Py_DECREF(method);
    if (result == NULL && !nested)
        end(self);
    return result;
}

static PyObject *
close_call(PyObject *object, PyObject *unused)
{
    Coroutine *self = (Coroutine *)object;
    uint8_t nested = self->running;
    self->running = 1;
    PyObject *result = PyObject_CallMethod(self->inner, "close", NULL);
    self->running = nested;
    if (!nested)
        end(self);
    return result;
}

static PyObject *
itself(PyObject *self)
{
    return Py_NewRef(self);
}

static PyObject *
getattro(PyObject *self, PyObject *name)
{
    return timed_attribute(self, name, ((Coroutine *)self)->inner);
}

/* Given up half way: the coroutine is closed, which may run its `finally`, and that was the end. */
static void
finalize(PyObject *object)
{
    Coroutine *self = (Coroutine *)object;
    if (!self->started || self->ended)
        return;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    PyObject *closed = close_call(object, NULL);
    if (closed == NULL)
        PyErr_WriteUnraisable(object);
    Py_XDECREF(closed);
    PyErr_Restore(type, error, trace);
}

static int
traverse(PyObject *object, visitproc visit, void *arg)
{
    Coroutine *self = (Coroutine *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->cell);
    Py_VISIT(self->inner);
    return 0;
}

static void
dealloc(PyObject *object)
{
    Coroutine *self = (Coroutine *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (UNLIKELY(self->started && !self->ended) && PyObject_CallFinalizerFromDealloc(object) < 0)
        return;
    PyObject_GC_UnTrack(object);
    Py_CLEAR(self->inner);
    Py_CLEAR(self->cell);
    give_back(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"send", send_call, METH_O, NULL},
    {"throw", CALL(throw_call), METH_FASTCALL, NULL},
    {"close", close_call, METH_NOARGS, NULL},
    {NULL},
};
/* No tp_clear: the coroutine inside is what breaks a cycle, and until then a finaliser finds this one whole. */
static PyType_Slot slots[] = {
    {Py_tp_dealloc, dealloc},   {Py_tp_traverse, traverse}, {Py_tp_finalize, finalize}, {Py_tp_getattro, getattro},
    {Py_tp_iter, itself},       {Py_tp_iternext, next_step}, {Py_am_await, itself},     {Py_am_send, step},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)PyDoc_STR("A coroutine whose time is recorded; returned by timed coroutine functions.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.TimedCoroutine", sizeof(Coroutine), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
timed_coroutine_add_type(PyObject *module)
{
    Coroutine_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Coroutine_Type == NULL ? -1 : PyModule_AddObjectRef(module, "TimedCoroutine", (PyObject *)Coroutine_Type);
}
