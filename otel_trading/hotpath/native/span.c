#include "held.h"
#include "span_counts.h"
#include "spare.h"

PyTypeObject *Span_Type = NULL;

static PyObject *spare = NULL;

Span *
span_new(Recorder *recorder)
{
    Span *span = (Span *)spare_or_new(&spare, recorder->span_type);
    if (span == NULL)
        return NULL;
    memset((char *)span + sizeof(PyObject), 0, offsetof(Span, storage) - sizeof(PyObject));
    span->recorder = (Recorder *)Py_NewRef((PyObject *)recorder);
    span->body = (Wire){span->storage, 0, INLINE_BODY, 0, 0};
    span->recording = 1;
    span->on_exception = ON_EXCEPTION;
    span->urgency = NORMAL;
    span->fork = forks;
    return span;
}

static void
span_dealloc(PyObject *object)
{
    Span *span = (Span *)object;
    PyTypeObject *type = Py_TYPE(object);
    held_leave(span);
    wire_free(&span->body);
    Py_XDECREF(span->name);
    Py_XDECREF(span->trace_state);
    Py_XDECREF(span->status_text);
    Py_DECREF((PyObject *)span->recorder);
    spare_or_free(&spare, object);
    Py_DECREF(type);
}

int64_t
span_now(const Span *span)
{
    return LIKELY(span->timed) ? span->start_ns + stopwatch_read(&span->watch) : wall_ns();
}

int64_t
span_time(const Span *span, PyObject *given)
{
    if (given != NULL && given != Py_None) {
        int overflow = 1;
        long long time_ns = PyLong_CheckExact(given) ? PyLong_AsLongLongAndOverflow(given, &overflow) : -1;
        if (!overflow && time_ns >= 0)
            return time_ns;
        arena_trouble(span->recorder->arena, BAD_TIME);
    }
    return span_now(span);
}

int
span_append(Span *span, const Wire *field)
{
    if (field->failed || span->body.size + (uint64_t)field->size > span->recorder->most_bytes)
        return 0;
    wire_put(&span->body, field->data, field->size);
    int done = !span->body.failed;
    span->body.failed = 0;
    return done;
}

static void
add_encoded(Span *span, const Text *key, const Wire *field)
{
    GUARD(span)
    if (LIKELY(span_owned(span))) {
        uint8_t *same = span->attributes ? attribute_find(&span->body, 0, ATTRIBUTE, key->bytes, key->size) : NULL;
        uint32_t at = same == NULL ? 0 : (uint32_t)(same - span->body.data);
        if ((same == NULL && span->attributes >= (uint32_t)span->recorder->of_span.attributes) || !span_append(span, field))
            span->dropped_attributes++;
        else if (same != NULL)
            attribute_cut(&span->body, span->body.data + at);
        else
            span->attributes++;
    }
    UNGUARD()
}

static void
lose_attribute(Span *span)
{
    GUARD(span)
    if (span_owned(span))
        span->dropped_attributes++;
    UNGUARD()
    arena_trouble(span->recorder->arena, BAD_ATTRIBUTES);
}

static void
add_attribute(void *context, PyObject *key, PyObject *value)
{
    Span *span = context;
    Text name;
    WIRE(field);
    if (key_of(key, &name) < 0) {
        lose_attribute(span);
        return;
    }
    if (LIKELY(attribute_put(&field, ATTRIBUTE, &name, value, span->recorder->of_span.letters) == 0))
        add_encoded(span, &name, &field);
    else
        lose_attribute(span);
    text_leave(&name);
    wire_free(&field);
}

/* Nobody else has the span yet, and no key of a dict is there twice: short ones are written where they stay. */
static int
add_first(Span *span, PyObject *dict)
{
#ifdef Py_GIL_DISABLED
    return 0;
#else
    PyObject *key, *value;
    Py_ssize_t position = 0;
    const Recorder *recorder = span->recorder;
    if (PyDict_GET_SIZE(dict) > recorder->of_span.attributes || recorder->of_span.letters < MOST_SHORT_TEXT)
        return 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (UNLIKELY(!attribute_put_short(&span->body, ATTRIBUTE, key, value) || span->body.size > recorder->most_bytes)) {
            span->body.size = 0;
            span->attributes = 0;
            return 0;
        }
        span->attributes++;
    }
    return 1;
#endif
}

void
span_add_attributes(Span *span, PyObject *mapping)
{
    if (LIKELY(mapping != NULL) && PyDict_CheckExact(mapping) && span->body.size == 0 && add_first(span, mapping))
        return;
    if (each_attribute(mapping, add_attribute, span) < 0)
        arena_trouble(span->recorder->arena, BAD_ATTRIBUTES);
}

static PyObject *
set_attribute_call(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "set_attribute", 2, "key", "value");
    PyObject *found[2];
    if (LIKELY(count == 2 && keywords == NULL)) {
        found[0] = given[0];
        found[1] = given[1];
    } else if (arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    if (LIKELY(span_owned((Span *)self)))
        add_attribute(self, found[0], found[1]);
    Py_RETURN_NONE;
}

static PyObject *
set_attributes_call(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "set_attributes", 1, "attributes");
    PyObject *found[1];
    if (arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    if (LIKELY(span_owned((Span *)self)))
        span_add_attributes((Span *)self, found[0]);
    Py_RETURN_NONE;
}

static PyObject *
set_status_call(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "set_status", 1, "code", "description");
    Span *span = (Span *)self;
    PyObject *found[2], *before = NULL;
    Text text = {NULL, "", 0};
    uint64_t high, code;
    if (arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    if (found[0] == Py_None || id_of(found[0], &high, &code) < 0 || high != 0 || code > ERROR ||
        (code == ERROR && found[1] != NULL && found[1] != Py_None && text_of(found[1], &text) < 0)) {
        arena_trouble(span->recorder->arena, BAD_STATUS);
        Py_RETURN_NONE;
    }
    GUARD(span)
    if (span_owned(span) && code != UNSET && span->status != OK) {
        before = span->status_text;
        span->status = (uint8_t)code;
        span->status_text = text.holder;
        text.holder = NULL;
    }
    UNGUARD()
    Py_XDECREF(before);
    Py_XDECREF(text.holder);
    Py_RETURN_NONE;
}

static PyObject *
update_name_call(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "update_name", 1, "name");
    Span *span = (Span *)self;
    PyObject *found[1];
    Text name;
    if (arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    if (text_of(found[0], &name) < 0) {
        arena_trouble(span->recorder->arena, BAD_NAME);
        Py_RETURN_NONE;
    }
    GUARD(span)
    if (span_owned(span)) {
        PyObject *before = span->name;
        span->name = name.holder;
        name.holder = before;
    }
    UNGUARD()
    Py_XDECREF(name.holder);
    Py_RETURN_NONE;
}

int
span_ends_plainly(PyObject *span)
{
    return Py_TYPE(span)->tp_dealloc == span_dealloc && ((Span *)span)->recorder->plain;
}

void
span_offer(const Span *span)
{
    WIRE(head);
    span_write_head(span, &head);
    const Piece pieces[] = {{head.data, head.failed ? 0 : head.size}, {span->body.data, span->body.size}};
    enum urgency urgency = span->status == ERROR ? HIGH : span->urgency;
    if (UNLIKELY(!(span->flags & SAMPLED)))
        urgency = NORMAL; /* kept: an order must find room beside it */
    arena_offer(span->recorder->arena, span->recorder->chunks, span->recorder->scope, urgency, SPAN_TAG, pieces, 2);
    wire_free(&head);
}

/* At this time, if it has not ended. */
static void
end_at(Span *span, PyObject *given)
{
    int ends = 0;
    if (UNLIKELY(!span_owned(span)))
        return;
    int64_t end_ns = span_time(span, given);
    GUARD(span)
    if (span_owned(span)) {
        ends = 1;
        span->end_ns = end_ns;
        POKE(span->recording, 0);
    }
    UNGUARD()
    if (!ends)
        return;
    span_count_end(span);
    if (span->fate == NOT_OFFERED)
        return;
    if (UNLIKELY(span->fate == HELD))
        held_end(span);
    else
        span_offer(span);
}

void
span_end_now(Span *span)
{
    end_at(span, NULL);
}

static PyObject *
end_call(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "end", 0, "end_time");
    PyObject *found[1] = {NULL};
    if (UNLIKELY(count || keywords) && arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    end_at((Span *)self, found[0]);
    Py_RETURN_NONE;
}

static PyObject *
encoded_call(PyObject *self, PyObject *unused)
{
    Span *span = (Span *)self;
    WIRE(wire);
    GUARD(span)
    span_write_head(span, &wire);
    wire_put(&wire, span->body.data, span->body.size);
    UNGUARD()
    PyObject *bytes = wire.failed ? PyErr_NoMemory() : PyBytes_FromStringAndSize((char *)wire.data, wire.size);
    wire_free(&wire);
    return bytes;
}

static PyObject *
is_recording_call(PyObject *self, PyObject *unused)
{
    return PyBool_FromLong(span_owned((Span *)self));
}

static PyObject *
trace_id_get(PyObject *self, void *unused)
{
    uint8_t bytes[16];
    big_endian_put(big_endian_put(bytes, ((Span *)self)->trace_high), ((Span *)self)->trace_low);
    return _PyLong_FromByteArray(bytes, sizeof bytes, 0, 0);
}

static PyObject *
text_or_empty(PyObject *text)
{
    return text == NULL ? PyUnicode_FromString("") : Py_NewRef(text);
}

static PyObject *
name_get(PyObject *self, void *unused)
{
    Span *span = (Span *)self;
    PyObject *name;
    GUARD(span)
    name = Py_NewRef(span->name);
    UNGUARD()
    return name;
}

static PyObject *
trace_state_get(PyObject *self, void *unused)
{
    return text_or_empty(((Span *)self)->trace_state);
}

static PyObject *
owner_get(PyObject *self, void *unused)
{
    PyObject *owner = ((Span *)self)->recorder->owner;
    return Py_NewRef(owner == NULL ? Py_None : owner);
}

static PyObject *
threshold_get(PyObject *self, void *unused)
{
    return PyLong_FromLongLong(((Span *)self)->threshold);
}

#define NUMBER_GETTER(what)                                                                                                    \
    static PyObject *what##_get(PyObject *self, void *unused) { return PyLong_FromUnsignedLongLong((uint64_t)((Span *)self)->what); }
NUMBER_GETTER(id)
NUMBER_GETTER(parent_id)
NUMBER_GETTER(flags)
NUMBER_GETTER(kind)
NUMBER_GETTER(start_ns)
NUMBER_GETTER(end_ns)
NUMBER_GETTER(randomness)
NUMBER_GETTER(on_exception)

static PyMethodDef methods[] = {
    {"set_attribute", CALL(set_attribute_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("set_attribute(key, value)\n\nEncodes it at once; the value of a key that is there is replaced.")},
    {"set_attributes", CALL(set_attributes_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("set_attributes(attributes)\n\nEach of a mapping.")},
    {"add_event", CALL(span_add_event), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("add_event(name, attributes=None, timestamp=None)\n\nAt UTC nanoseconds, or now.")},
    {"add_link", CALL(span_add_link), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("add_link(trace_id, span_id, attributes=None, trace_state=None, flags=0, remote=False)")},
    {"set_status", CALL(set_status_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("set_status(code, description=None)\n\n1: ok, which is final; 2: error. 0 changes nothing.")},
    {"update_name", CALL(update_name_call), METH_FASTCALL | METH_KEYWORDS, PyDoc_STR("update_name(name)")},
    {"end", CALL(end_call), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("end(end_time=None)\n\nOffers the encoded span to the arena, once; at UTC nanoseconds, or now.")},
    {"is_recording", is_recording_call, METH_NOARGS, PyDoc_STR("is_recording() -> bool\n\nFrom begin to end.")},
    {"encoded", encoded_call, METH_NOARGS,
     PyDoc_STR("encoded() -> bytes\n\nThe message Span as it is now; span_reading.read decodes it.")},
    {NULL},
};
static PyGetSetDef members[] = {
    {"trace_id", trace_id_get, NULL, PyDoc_STR("int, 128 bits."), NULL},
    {"span_id", id_get, NULL, PyDoc_STR("int, 64 bits."), NULL},
    {"parent_id", parent_id_get, NULL, PyDoc_STR("int, 64 bits; 0 for none."), NULL},
    {"flags", flags_get, NULL, PyDoc_STR("W3C trace flags."), NULL},
    {"kind", kind_get, NULL, PyDoc_STR("As OTLP counts them."), NULL},
    {"start_ns", start_ns_get, NULL, PyDoc_STR("UTC nanoseconds."), NULL},
    {"end_ns", end_ns_get, NULL, PyDoc_STR("UTC nanoseconds; 0 before the end."), NULL},
    {"name", name_get, NULL, PyDoc_STR("What it is called now."), NULL},
    {"trace_state", trace_state_get, NULL, PyDoc_STR("As in the header tracestate."), NULL},
    {"threshold", threshold_get, NULL, PyDoc_STR("Of consistent probability sampling, 0 to 2^56; -1 if none is told."), NULL},
    {"randomness", randomness_get, NULL, PyDoc_STR("The 56 bits that are compared with a threshold."), NULL},
    {"on_exception", on_exception_get, NULL,
     PyDoc_STR("What happens when an exception leaves `with span:`: 1 it is recorded, 2 the status is set."), NULL},
    {"owner", owner_get, NULL, PyDoc_STR("What the recorder was given as the owner of its spans."), NULL},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_dealloc, span_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, members},
    {Py_tp_doc, (void *)PyDoc_STR("One operation; made by Recorder.begin().")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Span", sizeof(Span), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots,
};

int
span_add_type(PyObject *module)
{
    Span_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Span_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Span", (PyObject *)Span_Type);
}

/* Python would make every class of its own known to the garbage collector; a type without fields of its own need not be. */
PyObject *
span_type_with(PyObject *module, PyObject *arguments)
{
    static PyType_Slot same_end[] = {{Py_tp_dealloc, span_dealloc}, {0, NULL}}; /* Python's own looks for what is not there */
    static PyType_Spec with_methods = {
        "otel_trading.hotpath._native.SpanWithMethods", sizeof(Span), 0,
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, same_end,
    };
    PyObject *name, *methods, *key, *value;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(arguments, "UO!:span_type", &name, &PyDict_Type, &methods))
        return NULL;
    PyObject *type = PyType_FromSpecWithBases(&with_methods, (PyObject *)Span_Type);
    if (type == NULL || PyObject_SetAttrString(type, "__name__", name) < 0 || PyObject_SetAttrString(type, "__qualname__", name) < 0)
        goto failed;
    while (PyDict_Next(methods, &at, &key, &value))
        if (PyObject_SetAttr(type, key, value) < 0)
            goto failed;
    ((PyTypeObject *)type)->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
    return type;
failed:
    Py_XDECREF(type);
    return NULL;
}
