#include "timer.h"
#include "record.h"

/* Not tracked by the collector, as nothing made at each measurement is: a timer that is kept in what its own cell leads to
 * is a cycle that nobody finds. */
typedef struct {
    PyObject_HEAD
    Cell *cell;
    Stopwatch watch;
} Timer;

static PyTypeObject *Timer_Type = NULL;

PyObject *
timer_new(Cell *cell)
{
    Timer *made = PyObject_New(Timer, Timer_Type);
    if (made != NULL) {
        made->cell = (Cell *)Py_NewRef((PyObject *)cell);
        stopwatch_start(&made->watch);
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

static PyObject *
timer_enter(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    stopwatch_start(&((Timer *)self)->watch);
    return Py_NewRef(self);
}

static PyObject *
timer_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Timer *timer = (Timer *)self;
    record_ns(timer->cell, stopwatch_read(&timer->watch), NULL);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"__enter__", CALL(timer_enter), METH_FASTCALL, NULL},
    {"__exit__", CALL(timer_exit), METH_FASTCALL, NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_dealloc, timer_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)PyDoc_STR("Measures one block; made by Cell.time().")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Timer", sizeof(Timer), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

int
timer_add_type(PyObject *module)
{
    Timer_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Timer_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Timer", (PyObject *)Timer_Type);
}
