#include "cell.h"
#include "chain.h"
#include "record.h"
#include "snapshot.h"
#include "timed.h"
#include "timer.h"

#define MOST_BUCKETS 4096 /* of an exponential histogram */

PyTypeObject *Cell_Type = NULL;

const char *const cell_kind_names[KINDS] = {
    "closed", "dropped", "counter", "up_down", "gauge", "explicit", "exponential", "forwarded",
};

/* ---- what a cell holds, and its exchange for another ---- */

/* Everything that `configure` decides; owns its references and memory until they are handed to a cell. */
typedef struct {
    int kind, negative, exemplars, max_size, max_scale;
    double zero_threshold, per_ns;
    PyObject *bounds, *owner, *next; /* as given; borrowed */
    Label *label;
    void *storage; /* of `kind` */
} Plan;

static int
kind_named(const char *name)
{
    for (int kind = 0; kind < KINDS; kind++)
        if (strcmp(cell_kind_names[kind], name) == 0)
            return kind;
    PyErr_Format(PyExc_ValueError, "no kind of cell is named '%s'", name);
    return -1;
}

/* 0, or -1 with an exception that says what to write instead. */
static int
check(const Plan *plan)
{
    if (plan->kind == EXPLICIT && !PyObject_TypeCheck(plan->bounds, Bounds_Type))
        PyErr_SetString(PyExc_TypeError, "an explicit cell needs bounds=Bounds(...)");
    else if (plan->kind == FORWARDED && !PyCallable_Check(plan->owner))
        PyErr_SetString(PyExc_TypeError, "a forwarded cell needs owner=a callable");
    else if (plan->max_size < 2 || plan->max_size > MOST_BUCKETS)
        PyErr_Format(PyExc_ValueError, "max_size must be 2 to 4096; was %d", plan->max_size);
    else if (plan->max_scale < -10 || plan->max_scale > FINEST)
        PyErr_Format(PyExc_ValueError, "max_scale must be -10 to 20; was %d", plan->max_scale);
    else if (!(plan->zero_threshold >= 0.0) || !isfinite(plan->zero_threshold))
        PyErr_SetString(PyExc_ValueError, "zero_threshold must be finite and not negative");
    else if (!(plan->per_ns >= 0.0) || !isfinite(plan->per_ns))
        PyErr_SetString(PyExc_ValueError, "per_ns must be finite and not negative");
    else if (plan->next != Py_None && !PyObject_TypeCheck(plan->next, Cell_Type))
        PyErr_SetString(PyExc_TypeError, "next must be a Cell or None");
    else
        return 0;
    return -1;
}

/* 0, or -1 with MemoryError. */
static int
allocate(Plan *plan, PyObject *name)
{
    plan->exemplars = plan->exemplars && plan->kind != CLOSED && plan->kind != DROPPED;
    plan->label = label_use(name, plan->per_ns);
    if (plan->label == NULL)
        return -1;
    if (plan->kind == EXPLICIT)
        plan->storage = counts_new(((Bounds *)plan->bounds)->size + 1, plan->exemplars);
    else if (plan->kind == EXPONENTIAL)
        plan->storage = exponential_new(plan->max_size, plan->max_scale, plan->zero_threshold, plan->exemplars);
    else
        return 0;
    if (plan->storage != NULL)
        return 0;
    label_leave(plan->label);
    PyErr_NoMemory();
    return -1;
}

static void
free_storage(int kind, void *storage)
{
    if (kind == EXPLICIT)
        counts_free(storage);
    else
        PyMem_Free(storage);
}

static void
forget_values(Cell *cell)
{
    cell->whole = cell->turns = 0;
    cell->real = 0.0;
    cell->any_real = 0;
    cell->started_ns = 0;
    cell->times = 0;
    if (cell->kind == EXPLICIT || cell->kind == EXPONENTIAL)
        cell->least.real = INFINITY;
    cell->most.real = -INFINITY;
    cell->extremes = LEAST_REAL | MOST_REAL;
}

void
cell_arm(Cell *cell)
{
    cell->tries = 0;
    if (cell->options & EXEMPLARS)
        memset(cell_armed(cell), 1, (size_t)cell_buckets(cell));
}

void
cell_empty(Cell *cell)
{
    forget_values(cell);
    if (cell->kind == EXPLICIT)
        counts_empty(cell->low, cell_buckets(cell));
    if (cell->kind == EXPONENTIAL)
        exponential_empty(cell->buckets);
    cell_arm(cell);
    cell->generation++; /* an offer under way is one of before */
}

#define EXCHANGE(type, one, other) do { type kept = (one); (one) = (other); (other) = kept; } while (0)

/* The cell becomes what is planned, at once; the plan then holds what the cell held. */
static void
exchange_held(Cell *cell, Plan *plan, Bounds **bounds, PyObject **owner, Cell **next)
{
    GUARD(cell)
    int kind = cell->kind;
    POKE(cell->kind, (uint8_t)plan->kind);
    plan->kind = kind;
    EXCHANGE(void *, cell->storage, plan->storage);
    EXCHANGE(Label *, cell->label, plan->label);
    EXCHANGE(Bounds *, cell->bounds, *bounds);
    EXCHANGE(PyObject *, cell->owner, *owner);
    Cell *before = cell->next;
    POKE(cell->next, *next);
    *next = before;
    cell->options = (uint8_t)((plan->negative ? NEGATIVE : 0) | (plan->exemplars ? EXEMPLARS : 0));
    forget_values(cell);
    cell_arm(cell);
    POKE(cell->told, 0);
    cell->generation++;
    UNGUARD()
}

/* False if that would lead back to the cell, and nothing has changed. */
static int
exchange(Cell *cell, Plan *plan, Bounds **bounds, PyObject **owner, Cell **next)
{
    chains_hold();
    int straight = !chain_leads_to(*next, cell);
    if (straight)
        exchange_held(cell, plan, bounds, owner, next);
    chains_let_go();
    return straight;
}

/* References are given up last: a destructor is Python, and finds the cell whole. 0, or -1 with an exception. */
static int
become(Cell *cell, Plan *plan)
{
    Bounds *bounds = plan->kind == EXPLICIT ? (Bounds *)Py_NewRef(plan->bounds) : NULL;
    PyObject *owner = plan->owner == Py_None ? NULL : Py_XNewRef(plan->owner);
    Cell *next = plan->next == Py_None ? NULL : (Cell *)Py_XNewRef(plan->next);
    int done = exchange(cell, plan, &bounds, &owner, &next);
    free_storage(plan->kind, plan->storage);
    label_leave(plan->label);
    Py_XDECREF(bounds);
    Py_XDECREF(owner);
    Py_XDECREF(next);
    if (done)
        return 0;
    PyErr_SetString(PyExc_ValueError, "next must not lead back to the cell");
    return -1;
}

static PyObject *
name_of(Cell *cell)
{
    PyObject *name;
    GUARD(cell)
    name = Py_NewRef(cell->label->name);
    UNGUARD()
    return name;
}

static PyObject *
change(Cell *cell, Plan *plan)
{
    PyObject *name = name_of(cell);
    int done = allocate(plan, name) == 0 && become(cell, plan) == 0;
    Py_DECREF(name);
    return done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *
configure_call(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"kind", "bounds", "max_size", "max_scale", "zero_threshold", "per_ns", "negative",
                            "exemplars", "owner", "next", NULL};
    const char *kind;
    Plan plan = {.max_size = 160, .max_scale = FINEST, .negative = -1, .bounds = Py_None, .owner = Py_None, .next = Py_None};
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "s|$OiiddppOO:configure", names, &kind, &plan.bounds,
                                     &plan.max_size, &plan.max_scale, &plan.zero_threshold, &plan.per_ns, &plan.negative,
                                     &plan.exemplars, &plan.owner, &plan.next))
        return NULL;
    plan.kind = kind_named(kind);
    if (plan.kind < 0 || check(&plan) < 0)
        return NULL;
    if (plan.negative < 0) /* not told */
        plan.negative = plan.kind == GAUGE;
    return change((Cell *)self, &plan);
}

static PyObject *
close_call(PyObject *self, PyObject *unused)
{
    Plan plan = {.kind = CLOSED, .owner = Py_None, .next = Py_None};
    return change((Cell *)self, &plan);
}

static PyObject *
arm_call(PyObject *self, PyObject *unused)
{
    Cell *cell = (Cell *)self;
    GUARD(cell)
    cell_arm(cell);
    UNGUARD()
    Py_RETURN_NONE;
}

void
cell_refuse(Cell *cell, enum refusal why, PyObject *value)
{
    PyObject *name = name_of(cell);
    refuse(name, &cell->told, why, value);
    Py_DECREF(name);
}

static PyObject *
time_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return timer_new((Cell *)self);
}

/* ---- the type ---- */

static PyObject *
cell_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"name", NULL};
    PyObject *name;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "U:Cell", names, &name))
        return NULL;
    Cell *self = (Cell *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    forget_values(self);
    self->label = label_use(name, 0.0);
    if (self->label == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
cell_traverse(PyObject *object, visitproc visit, void *arg)
{
    Cell *self = (Cell *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->owner);
    Py_VISIT(self->next);
    return 0;
}

static int
cell_clear(PyObject *object)
{
    Cell *self = (Cell *)object, *next;
    PyObject *owner;
    GUARD(self)
    owner = self->owner;
    next = self->next;
    self->owner = NULL;
    POKE(self->next, NULL);
    UNGUARD()
    Py_XDECREF(owner);
    Py_XDECREF(next);
    return 0;
}

static void
cell_dealloc(PyObject *object)
{
    Cell *self = (Cell *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    Py_TRASHCAN_BEGIN(self, cell_dealloc) /* a chain of cells goes away without a deep stack */
    free_storage(self->kind, self->storage);
    Py_CLEAR(self->bounds);
    cell_clear(object);
    label_leave(self->label);
    type->tp_free(object);
    Py_DECREF(type);
    Py_TRASHCAN_END
}

static PyObject *
cell_repr(PyObject *self)
{
    Cell *cell = (Cell *)self;
    PyObject *name = name_of(cell), *text = PyUnicode_FromFormat("<Cell %R %s>", name, cell_kind_names[PEEK(cell->kind)]);
    Py_DECREF(name);
    return text;
}

static PyObject *
kind_get(PyObject *self, void *unused)
{
    return PyUnicode_FromString(cell_kind_names[PEEK(((Cell *)self)->kind)]);
}

static PyObject *
name_get(PyObject *self, void *unused)
{
    return name_of((Cell *)self);
}

static PyObject *
owner_get(PyObject *self, void *unused)
{
    Cell *cell = (Cell *)self;
    PyObject *owner;
    GUARD(cell)
    owner = Py_NewRef(cell->owner ? cell->owner : Py_None);
    UNGUARD()
    return owner;
}

static PyObject *
next_get(PyObject *self, void *unused)
{
    Cell *cell = (Cell *)self;
    PyObject *next;
    GUARD(cell)
    next = Py_NewRef(cell->next ? (PyObject *)cell->next : Py_None);
    UNGUARD()
    return next;
}

static PyObject *
started_get(PyObject *self, void *unused)
{
    Cell *cell = (Cell *)self;
    int64_t started_ns;
    GUARD(cell)
    started_ns = cell->started_ns;
    UNGUARD()
    return PyLong_FromLongLong(started_ns);
}

static PyMethodDef methods[] = {
    {"record", CALL(record_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("record(amount, context=None)\n\n"
               "Records a number in the instrument's unit; context is a candidate for the exemplar.\n\n"
               "Never raises: what is no finite number, or negative where none may be, is counted by reason in refusals() and\n"
               "told once to the refusal hook. Thread-safe; allocates nothing.")},
    {"set", CALL(record_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("set(amount, context=None)\n\nThe name of record for gauges.")},
    {"add", CALL(add_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("add(amount=1, context=None)\n\nThe name of record for counters.")},
    {"record_since", CALL(record_since_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("record_since(start_ns, context=None)\n\n"
               "Records the time since start_ns = now(), converted to the instrument's unit of time. Never raises.")},
    {"time", CALL(time_call), METH_FASTCALL,
     PyDoc_STR("time()\n\nA context manager that records how long its block took, also when it raises.")},
    {"wrap", CALL(timed_wrap), METH_FASTCALL,
     PyDoc_STR("wrap(function, coroutine=False)\n\n"
               "A callable that records how long each call of function took; otel_trading.hotpath.timed is the decorator.")},
    {"configure", CALL(configure_call), METH_VARARGS | METH_KEYWORDS,
     PyDoc_STR("configure(kind, *, bounds=None, max_size=160, max_scale=20, zero_threshold=0.0, per_ns=0.0,\n"
               "          negative=..., exemplars=False, owner=None, next=None)\n\n"
               "Forgets what was recorded and becomes a cell of this kind, at once.\n\n"
               "kind: closed, dropped, counter, up_down, gauge, explicit (needs bounds), exponential, or forwarded (needs an\n"
               "owner; each record calls owner(value, context)).\n"
               "per_ns: what nanoseconds are multiplied by to be in the instrument's unit; 0 if that is no unit of time.\n"
               "negative: a gauge, an explicit histogram or a forwarded cell takes negative values too; a gauge unless told\n"
               "otherwise.\n"
               "exemplars: measurements are offered to the exemplar hook, with owner; the owner of a forwarded cell gets the\n"
               "origin as a third argument, as the hook its last.\n"
               "next: a Cell that is fed every record as well; must not lead back here.\n\n"
               "Raises TypeError or ValueError, and then nothing has changed.")},
    {"extend", chain_extend, METH_O,
     PyDoc_STR("extend(further)\n\n"
               "Feeds one more Cell, after all that are fed; what was recorded stays where it is.\n\n"
               "Raises TypeError, or ValueError if further leads back here, and then nothing has changed.")},
    {"close", close_call, METH_NOARGS,
     PyDoc_STR("close()\n\nForgets everything; from now on records are refused as closed, until configure.")},
    {"arm", arm_call, METH_NOARGS, PyDoc_STR("arm()\n\nEvery bucket wants an exemplar again.")},
    {"snapshot", snapshot_call, METH_NOARGS,
     PyDoc_STR("snapshot() -> (count, sum, min, max, detail)\n\n"
               "What was recorded since configure, at one moment.\n\n"
               "count: int. sum: int as long as only ints came (of any size), then float; the last value of a gauge.\n"
               "min, max: of histograms, in the type they came in; None before the first record and for other kinds.\n"
               "detail: int[n_bounds + 1] if explicit; (scale, zeros, offset, int[n]) if exponential; else None.")},
    {"take", take_call, METH_NOARGS,
     PyDoc_STR("take() -> (count, sum, min, max, detail)\n\n"
               "What snapshot() gives, and at the same moment the cell begins anew: no record is lost or counted twice.\n\n"
               "Values and started_ns are forgotten, an exponential cell has its finest scale again, every bucket wants an\n"
               "exemplar again. What configure decided stays, and so do refusals that were told.")},
    {NULL},
};
static PyGetSetDef members[] = {
    {"kind", kind_get, NULL, PyDoc_STR("What the cell is now."), NULL},
    {"name", name_get, NULL, PyDoc_STR("The instrument's name, for messages."), NULL},
    {"owner", owner_get, NULL, PyDoc_STR("What exemplars are offered with."), NULL},
    {"next", next_get, NULL, PyDoc_STR("The cell that is fed every record as well."), NULL},
    {"started_ns", started_get, NULL, PyDoc_STR("Wall time of the first record since configure; 0 before."), NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, cell_new},
    {Py_tp_dealloc, cell_dealloc},
    {Py_tp_traverse, cell_traverse},
    {Py_tp_clear, cell_clear},
    {Py_tp_repr, cell_repr},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {Py_tp_doc, (void *)PyDoc_STR("Cell(name)\n\n"
                                  "One series and the handle that records into it; closed until configure.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Cell", sizeof(Cell), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC, slots,
};

int
cell_add_type(PyObject *module)
{
    Cell_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Cell_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Cell", (PyObject *)Cell_Type);
}
