#include "clock.h"
#include "sampler_parts.h"

PyTypeObject *Sampler_Type = NULL;

static int
parent_of(PyObject *given, Question *question)
{
    long long threshold;
    PyObject *state;
    if (given == NULL || given == Py_None)
        return 0;
    if (!PyTuple_Check(given)) {
        PyErr_SetString(PyExc_TypeError, "a parent must be (sampled, threshold, state)");
        return -1;
    }
    if (!PyArg_ParseTuple(given, "pLO:parent", &question->parent_sampled, &threshold, &state))
        return -1;
    if (state != Py_None && !PyUnicode_CheckExact(state)) {
        PyErr_SetString(PyExc_TypeError, "the state of a parent must be str or None");
        return -1;
    }
    question->has_parent = 1;
    question->parent_threshold = threshold;
    question->parent_state = state == Py_None ? NULL : state;
    return 0;
}

static PyObject *
decide_call(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count < 4 || count > 5)
        return PyErr_Format(PyExc_TypeError, "decide() takes 4 or 5 arguments; %zd were given", count);
    Question question = {.name = given[0], .parent_threshold = NONE_TOLD};
    Decision decision;
    question.kind = (int)PyLong_AsLong(given[1]);
    if (question.kind == -1 && PyErr_Occurred())
        return NULL;
    question.attributes = given[2] == Py_None ? NULL : given[2];
    question.randomness = PyLong_AsUnsignedLongLong(given[3]);
    if (PyErr_Occurred() || parent_of(count == 5 ? given[4] : NULL, &question) < 0)
        return NULL;
    if (sampler_decide(self, &question, &decision) < 0)
        Py_RETURN_NONE;
    return Py_BuildValue("NiLN", PyBool_FromLong(decision.sampled), decision.urgency, (long long)decision.threshold,
                         decision.state == NULL ? Py_NewRef(Py_None) : decision.state);
}

static PyObject *
capped_call(PyObject *self, PyObject *given)
{
    long long threshold = PyLong_AsLongLong(given);
    if (threshold == -1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromLongLong(cap_threshold((Sampler *)self, threshold));
}

static PyObject *
set_thresholds_call(PyObject *self, PyObject *given)
{
    if (rules_set_thresholds((Sampler *)self, given) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
known_get(PyObject *object, void *unused)
{
    Sampler *self = (Sampler *)object;
    uint32_t used;
    GUARD(self)
    used = self->used;
    UNGUARD()
    return PyLong_FromUnsignedLong(used);
}

/* ---- the type ---- */

static PyObject *
sampler_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"classify", "tell", "read", "rules", "per_second", NULL};
    PyObject *classify, *tell, *read, *rules;
    double per_second = 0.0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOOO|d:Sampler", names, &classify, &tell, &read, &rules, &per_second))
        return NULL;
    if (!PyCallable_Check(classify) || !PyCallable_Check(tell) || !PyCallable_Check(read)) {
        PyErr_SetString(PyExc_TypeError, "classify, tell and read of a sampler must be callable");
        return NULL;
    }
    Sampler *self = (Sampler *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->classify = Py_NewRef(classify);
    self->tell = Py_NewRef(tell);
    self->read = Py_NewRef(read);
    self->per_second = per_second;
    self->window_began_ns = now_ns();
    if (rules_take(self, rules) < 0 || names_prepare(self) < 0) {
        Py_DECREF((PyObject *)self);
        return NULL;
    }
    return (PyObject *)self;
}

static int
traverse(PyObject *object, visitproc visit, void *arg)
{
    Sampler *self = (Sampler *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->classify);
    Py_VISIT(self->tell);
    Py_VISIT(self->read);
    return 0; /* what rules compare with is atomic */
}

/* What leads back goes; a sampler that a finaliser still asks then knows the names that it knew. */
static int
clear(PyObject *object)
{
    Sampler *self = (Sampler *)object;
    PyObject *gone[3];
    GUARD(self)
    gone[0] = self->classify;
    gone[1] = self->tell;
    gone[2] = self->read;
    self->classify = Py_NewRef(Py_None);
    self->tell = Py_NewRef(Py_None);
    self->read = Py_NewRef(Py_None);
    UNGUARD()
    for (int i = 0; i < 3; i++)
        Py_XDECREF(gone[i]);
    return 0;
}

static void
dealloc(PyObject *object)
{
    Sampler *self = (Sampler *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    rules_free(self);
    names_free(self);
    states_free(self);
    Py_XDECREF(self->classify);
    Py_XDECREF(self->tell);
    Py_XDECREF(self->read);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"decide", CALL(decide_call), METH_FASTCALL,
     PyDoc_STR("decide(name, kind, attributes, randomness, parent=None) -> (sampled, urgency, threshold, state) | None\n\n"
               "None: decide the slow way. parent: (sampled, threshold, state); threshold -1 for none, -2: read from state.")},
    {"capped", capped_call, METH_O,
     PyDoc_STR("capped(threshold) -> int\n\nCounts one that would be kept with it; the threshold that keeps to the cap.")},
    {"set_thresholds", set_thresholds_call, METH_O, PyDoc_STR("set_thresholds(thresholds)\n\nOne a rule, from now on.")},
    {NULL},
};
static PyGetSetDef properties[] = {
    {"known", known_get, NULL, PyDoc_STR("How many names are remembered."), NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, sampler_new},
    {Py_tp_dealloc, dealloc},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, (void *)PyDoc_STR("Sampler(classify, tell, read, rules, per_second=0.0)\n\n"
                                  "Decides whether spans are kept.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Sampler", sizeof(Sampler), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC, slots,
};

int
sampler_add_type(PyObject *module)
{
    Sampler_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Sampler_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Sampler", (PyObject *)Sampler_Type);
}
