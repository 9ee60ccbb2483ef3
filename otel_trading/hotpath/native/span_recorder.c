#include "held.h"
#include "span_counts.h"

#define MOST_LIMIT 10000 /* of attributes, events, links: keys are compared one by one */
#define MOST_BYTES (64 << 20)
#define MOST_KIND 5
#define MOST_RANDOMNESS 0x00ffffffffffffffULL

PyTypeObject *Recorder_Type = NULL;

enum begin_argument { AS_NAME, AS_PARENT, AS_KIND, AS_ATTRIBUTES, AS_START, AS_TRACE_ID, AS_SPAN_ID, AS_PARENT_ID, AS_FLAGS,
                      AS_TRACE_STATE, AS_REMOTE, AS_URGENCY, AS_RECORD, AS_THRESHOLD, AS_RANDOMNESS, AS_ON_EXCEPTION,
                      AS_HELD_WITH, BEGIN_ARGUMENTS };
SIGNATURE(BEGIN, "begin", 1, "name", "parent", "kind", "attributes", "start_time", "trace_id", "span_id", "parent_id", "flags",
          "trace_state", "remote", "urgency", "record", "threshold", "randomness", "on_exception", "held_with");
enum kind { INTERNAL = 1, CLIENT = 3, PRODUCER = 4 };

/* A number up to `most`; `otherwise` if it is none. */
static uint64_t
number_or(Arena *arena, PyObject *given, uint64_t most, uint64_t otherwise)
{
    uint64_t high, low;
    if (given == NULL || given == Py_None)
        return otherwise;
    if (id_of(given, &high, &low) == 0 && high == 0 && low <= most)
        return low;
    arena_trouble(arena, BAD_IDS);
    return otherwise;
}

static void
set_trace(Span *span, PyObject *given)
{
    if (id_of(given, &span->trace_high, &span->trace_low) < 0)
        arena_trouble(span->recorder->arena, BAD_IDS);
    span->flags = SAMPLED;
    if ((span->trace_high | span->trace_low) == 0) {
        span->trace_high = id_make();
        span->trace_low = id_make();
        span->flags = SAMPLED | RANDOM;
    }
}

static void
set_parent(Span *span, const Span *parent)
{
    span->trace_high = parent->trace_high;
    span->trace_low = parent->trace_low;
    span->parent_id = parent->id;
    span->flags = parent->flags;
    span->trace_state = Py_XNewRef(parent->trace_state);
    span->threshold = parent->threshold;
    span->randomness = parent->randomness;
}

static void
set_ids(Span *span, PyObject *const *given)
{
    Arena *arena = span->recorder->arena;
    PyObject *parent = given[AS_PARENT];
    span->threshold = -1;
    if (parent != NULL && parent != Py_None) {
        set_parent(span, (const Span *)parent);
    } else {
        set_trace(span, given[AS_TRACE_ID]);
        span->randomness = span->trace_low & MOST_RANDOMNESS;
        span->parent_id = number_or(arena, given[AS_PARENT_ID], UINT64_MAX, 0);
        span->remote = given[AS_REMOTE] == Py_True;
    }
    span->flags = (uint8_t)number_or(arena, given[AS_FLAGS], 0xff, span->flags);
    span->id = number_or(arena, given[AS_SPAN_ID], UINT64_MAX, 0);
    if (span->id == 0)
        span->id = id_make();
}

int
span_set_name(Span *span, PyObject *given)
{
    Text name;
    if (LIKELY(text_of(given, &name) == 0)) {
        span->name = name.holder;
        return 0;
    }
    arena_trouble(span->recorder->arena, BAD_NAME);
    span->name = PyUnicode_FromString("");
    return span->name == NULL ? -1 : 0;
}

static void
set_trace_state(Span *span, PyObject *given)
{
    Text state;
    if (LIKELY(given == NULL || given == Py_None))
        return;
    if (text_of(given, &state) == 0)
        Py_XSETREF(span->trace_state, state.holder);
}

static int
is_span(PyObject *given)
{
    return given != NULL && PyObject_TypeCheck(given, Span_Type);
}

static void
set_sampling(Span *span, PyObject *const *given)
{
    Arena *arena = span->recorder->arena;
    if (given[AS_THRESHOLD] != NULL && given[AS_THRESHOLD] != Py_None)
        span->threshold = (int64_t)number_or(arena, given[AS_THRESHOLD], MOST_RANDOMNESS, (uint64_t)-1);
    span->randomness = number_or(arena, given[AS_RANDOMNESS], MOST_RANDOMNESS, span->randomness);
    PyObject *parent = given[is_span(given[AS_PARENT]) ? AS_PARENT : AS_HELD_WITH];
    span_choose_fate(span, is_span(parent) ? (Span *)parent : NULL, given[AS_RECORD] == Py_True);
}

void
span_choose_fate(Span *span, Span *parent, int record_anyway)
{
    if (LIKELY(span->flags & SAMPLED))
        return;
    if (held_begin(span, parent))
        return;
    span->fate = NOT_OFFERED;
    span->recording = record_anyway || span->kind == CLIENT || span->kind == PRODUCER;
}

void
span_set_start(Span *span, PyObject *given)
{
    span->start_ns = span_time(span, given); /* the watch does not run yet: the wall clock */
    if (LIKELY(given == NULL || given == Py_None)) {
        stopwatch_start(&span->watch);
        span->timed = 1;
    }
}

static PyObject *
begin_call(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords)
{
    PyObject *given[BEGIN_ARGUMENTS];
    if (arguments_of(&BEGIN, arguments, count, keywords, given) < 0)
        return NULL;
    if (given[AS_PARENT] != NULL && given[AS_PARENT] != Py_None && !PyObject_TypeCheck(given[AS_PARENT], Span_Type))
        return PyErr_Format(PyExc_TypeError, "a parent must be a Span of this engine; was %.200s",
                            Py_TYPE(given[AS_PARENT])->tp_name);
    Span *span = span_new((Recorder *)self);
    if (span == NULL)
        return NULL;
    if (span_set_name(span, given[AS_NAME]) < 0) {
        Py_DECREF((PyObject *)span);
        return NULL;
    }
    set_ids(span, given);
    set_trace_state(span, given[AS_TRACE_STATE]);
    span->kind = (uint8_t)number_or(span->recorder->arena, given[AS_KIND], MOST_KIND, INTERNAL);
    span->urgency = (uint8_t)number_or(span->recorder->arena, given[AS_URGENCY], HIGH, NORMAL);
    span->on_exception = (uint8_t)number_or(span->recorder->arena, given[AS_ON_EXCEPTION], ON_EXCEPTION, ON_EXCEPTION);
    set_sampling(span, given);
    span_count_start(span);
    span_set_start(span, given[AS_START]);
    if (span->recording)
        span_add_attributes(span, given[AS_ATTRIBUTES]);
    return (PyObject *)span;
}

static int
limit_ok(const char *name, long long value, long long most)
{
    if (value >= 0 && value <= most)
        return 1;
    PyErr_Format(PyExc_ValueError, "%s must be 0 to %lld; was %lld", name, most, value);
    return 0;
}

/* Of span_type_with: an object of it is as large as a Span, and the collector does not know it either. */
static int
type_ok(PyObject *given)
{
    PyTypeObject *type = (PyTypeObject *)given;
    if (PyType_Check(given) && PyType_IsSubtype(type, Span_Type) && type->tp_basicsize == sizeof(Span) &&
        !PyType_HasFeature(type, Py_TPFLAGS_HAVE_GC))
        return 1;
    PyErr_SetString(PyExc_TypeError, "span_type must be Span, or what span_type() made of it");
    return 0;
}

/* Whether `end` is inherited from Span as it is; -1 with an exception. */
static int
has_plain_end(PyTypeObject *type)
{
    PyObject *own = PyObject_GetAttrString((PyObject *)type, "end");
    PyObject *first = own == NULL ? NULL : PyObject_GetAttrString((PyObject *)Span_Type, "end");
    int same = first == NULL ? -1 : own == first;
    Py_XDECREF(own);
    Py_XDECREF(first);
    return same;
}

static PyObject *
recorder_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"arena", "scope", "attributes", "events", "links", "event_attributes", "link_attributes",
                            "letters", "span_bytes", "span_type", "owner", "keep_errors", "slow_ns",
                            "keep_ticks", NULL};
    PyObject *arena, *scope = NULL, *letters = Py_None, *span_type = (PyObject *)Span_Type, *owner = NULL;
    int keep_errors = 0, keep_ticks = 0;
    long long slow_ns = 0;
    int of_span = 128, events = 128, links = 128, of_event = 128, of_link = 128, bytes = 1 << 20;
    long long most_letters = PY_SSIZE_T_MAX;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!|S$iiiiiOiOOpLp:Recorder", names, Arena_Type, &arena, &scope, &of_span,
                                     &events, &links, &of_event, &of_link, &letters, &bytes, &span_type, &owner, &keep_errors,
                                     &slow_ns, &keep_ticks))
        return NULL;
    if (!type_ok(span_type))
        return NULL;
    if (letters != Py_None && (most_letters = PyLong_AsLongLong(letters)) == -1 && PyErr_Occurred())
        return NULL;
    if (!limit_ok("attributes", of_span, MOST_LIMIT) || !limit_ok("events", events, MOST_LIMIT) ||
        !limit_ok("links", links, MOST_LIMIT) || !limit_ok("event_attributes", of_event, MOST_LIMIT) ||
        !limit_ok("link_attributes", of_link, MOST_LIMIT) || !limit_ok("letters", most_letters, PY_SSIZE_T_MAX) ||
        !limit_ok("span_bytes", bytes, MOST_BYTES) || !limit_ok("slow_ns", slow_ns, LLONG_MAX) || values_prepare() < 0)
        return NULL;
    Recorder *made = (Recorder *)type->tp_alloc(type, 0);
    if (made == NULL)
        return NULL;
    made->arena = (Arena *)Py_NewRef(arena);
    made->scope = scope == NULL ? PyBytes_FromStringAndSize(NULL, 0) : Py_NewRef(scope);
    Py_ssize_t most = (Py_ssize_t)most_letters;
    made->of_span = (ValueLimits){of_span, most};
    made->of_event = (ValueLimits){of_event, most};
    made->of_link = (ValueLimits){of_link, most};
    made->events = events;
    made->links = links;
    made->most_bytes = (uint32_t)bytes;
    made->keep_errors = (uint8_t)keep_errors;
    made->keep_ticks = (uint8_t)keep_ticks;
    made->slow_ns = slow_ns;
    made->span_type = (PyTypeObject *)Py_NewRef(span_type);
    made->owner = Py_XNewRef(owner);
    int plain = has_plain_end(made->span_type);
    if (plain < 0) {
        Py_DECREF((PyObject *)made);
        return NULL;
    }
    made->plain = (uint8_t)plain;
    return (PyObject *)made;
}

static void
recorder_dealloc(PyObject *object)
{
    Recorder *self = (Recorder *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (self->arena != NULL)
        arena_leave(self->arena, self->chunks);
    Py_XDECREF((PyObject *)self->arena);
    Py_XDECREF(self->scope);
    Py_XDECREF((PyObject *)self->span_type);
    Py_XDECREF(self->owner);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"begin", CALL(begin_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("begin(name, parent=None, kind=1, attributes=None, start_time=None, trace_id=0, span_id=0, parent_id=0,\n"
               "      flags=None, trace_state=None, remote=False, urgency=1, record=False, threshold=None, randomness=None,\n"
               "      on_exception=3, held_with=None) -> Span\n\n"
               "A span, which records if it is sampled. Ids that are 0 are made; with a parent they are its trace and its id.")},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, recorder_new},
    {Py_tp_dealloc, recorder_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)PyDoc_STR("Recorder(arena, scope=b'', *, attributes=128, events=128, links=128, event_attributes=128,\n"
                                  "         link_attributes=128, letters=None, span_bytes=1048576, span_type=Span, owner=None,\n"
                                  "         keep_errors=False, slow_ns=0, keep_ticks=False)\n\n"
                                  "Begins the spans of one scope; they end in the arena.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Recorder", sizeof(Recorder), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
recorder_add_type(PyObject *module)
{
    Recorder_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Recorder_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Recorder", (PyObject *)Recorder_Type);
}
