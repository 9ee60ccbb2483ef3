#include "interruption.h"

/* Called by the interpreter, in the main thread. */
static int
raise_again(void *kept)
{
    PyObject *error = kept;
    PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_DECREF(error);
    return -1;
}

static int
in_main_thread(void)
{
    PyObject *threading = PyImport_ImportModule("threading");
    PyObject *thread = threading == NULL ? NULL : PyObject_CallMethod(threading, "main_thread", NULL);
    PyObject *number = thread == NULL ? NULL : PyObject_GetAttrString(thread, "ident");
    int found = number != NULL && PyLong_Check(number) && PyLong_AsUnsignedLong(number) == PyThread_get_thread_ident();
    Py_XDECREF(number);
    Py_XDECREF(thread);
    Py_XDECREF(threading);
    PyErr_Clear();
    return found;
}

void
forget_error(void)
{
    PyObject *type, *error, *trace;
    if (LIKELY(PyErr_Occurred() == NULL))
        return;
    if (LIKELY(PyErr_ExceptionMatches(PyExc_Exception))) {
        PyErr_Clear();
        return;
    }
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    if (error != NULL && trace != NULL)
        PyException_SetTraceback(error, trace);
    if (error != NULL && in_main_thread() && Py_AddPendingCall(raise_again, error) == 0)
        error = NULL; /* the reference went along */
    Py_XDECREF(error);
    Py_XDECREF(type);
    Py_XDECREF(trace);
}
