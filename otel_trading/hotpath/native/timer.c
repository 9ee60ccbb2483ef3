#include "timer.h"
#include "record.h"

/* Not tracked by the collector, as nothing made at each measurement is: a timer that is kept in what its own cell leads to
 * is a cycle that nobody finds. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Cell *cell;
    Stopwatch watch;
    uint8_t running;
} Timer;

static PyTypeObject *Timer_Type = NULL;
static PyTypeObject *Itself_Type = NULL;

/* `with` looks up __enter__ and __exit__ and calls what it gets. That is the timer itself: two bound methods less to be made
 * and freed, a third of what timing a block costs (benchmarks/hotpath.py). Without arguments it begins, with them it ends. */
static PyObject *
timer_call(PyObject *self, PyObject *const *arguments, size_t count, PyObject *names)
{
    Timer *timer = (Timer *)self;
    if (PyVectorcall_NARGS(count) == 0) {
        timer->running = 1;
        stopwatch_start(&timer->watch);
        return Py_NewRef(self);
    }
    if (LIKELY(timer->running))
        record_ns(timer->cell, stopwatch_read(&timer->watch), NULL);
    Py_RETURN_NONE;
}

static PyObject *
itself_get(PyObject *self, PyObject *instance, PyObject *type)
{
    return Py_NewRef(instance == NULL ? self : instance);
}

/* Looked up on the type and called with the timer, as contextlib.ExitStack does. */
static PyObject *
itself_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (count == 0 || !Py_IS_TYPE(PyTuple_GET_ITEM(arguments, 0), Timer_Type)) {
        PyErr_SetString(PyExc_TypeError, "a timer is begun and ended by the timer itself");
        return NULL;
    }
    return timer_call(PyTuple_GET_ITEM(arguments, 0), NULL, (size_t)(count - 1), NULL);
}

static PyType_Slot itself_slots[] = {
    {Py_tp_call, itself_call},
    {Py_tp_descr_get, itself_get},
    {0, NULL},
};
static PyType_Spec itself_spec = {
    "otel_trading.hotpath._native.TimerMethod", sizeof(PyObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, itself_slots,
};

PyObject *
timer_new(Cell *cell)
{
    Timer *made = PyObject_New(Timer, Timer_Type);
    if (made != NULL) {
        made->call = timer_call;
        made->cell = (Cell *)Py_NewRef((PyObject *)cell);
        made->running = 0;
    }
    return (PyObject *)made;
}

static void
timer_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    Py_DECREF(((Timer *)object)->cell);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyMemberDef fields[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Timer, call), READONLY, NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_dealloc, timer_dealloc},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, fields},
    {Py_tp_doc, (void *)PyDoc_STR("Measures one block; made by Cell.time().")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Timer", sizeof(Timer), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

static int
add_methods(void)
{
    PyObject *method = PyObject_New(PyObject, Itself_Type);
    if (method == NULL)
        return -1;
    int done = PyObject_SetAttrString((PyObject *)Timer_Type, "__enter__", method) == 0 &&
               PyObject_SetAttrString((PyObject *)Timer_Type, "__exit__", method) == 0;
    Py_DECREF(method);
    Timer_Type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE; /* now that both are there */
    return done ? 0 : -1;
}

int
timer_add_type(PyObject *module)
{
    Itself_Type = (PyTypeObject *)PyType_FromSpec(&itself_spec);
    Timer_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (Itself_Type == NULL || Timer_Type == NULL || add_methods() < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Timer", (PyObject *)Timer_Type);
}
