#include "timer.h"
#include "itself.h"
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

/* Without arguments it begins, with those of __exit__ it ends. */
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

int
timer_add_type(PyObject *module)
{
    Timer_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (Timer_Type == NULL || itself_give(Timer_Type, "a timer is begun and ended by the timer itself") < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Timer", (PyObject *)Timer_Type);
}
