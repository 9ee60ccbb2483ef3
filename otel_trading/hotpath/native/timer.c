#include "timer.h"

typedef struct {
    PyObject_HEAD
    Cell *cell;
    int64_t start_ns;
} Timer;

static PyTypeObject *Timer_Type = NULL;

PyObject *
timer_new(Cell *cell)
{
    Timer *made = PyObject_New(Timer, Timer_Type);
    if (made != NULL) {
        made->cell = (Cell *)Py_NewRef((PyObject *)cell);
        made->start_ns = now_ns();
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
    ((Timer *)self)->start_ns = now_ns();
    return Py_NewRef(self);
}

static PyObject *
timer_exit(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    Timer *timer = (Timer *)self;
    cell_record_ns(timer->cell, now_ns() - timer->start_ns);
    Py_RETURN_NONE;
}

#define CALL(function) ((PyCFunction)(void (*)(void))(function))

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
