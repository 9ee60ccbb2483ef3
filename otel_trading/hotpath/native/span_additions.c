/* Events and links: messages with attributes of their own, appended to the body of their span. */
#include "span.h"

enum event_field { EVENT_TIME = 0x09, EVENT_NAME = 0x12, EVENT_ATTRIBUTE = 0x1a, EVENT_DROPPED = 0x20 };
enum link_field { LINK_STATE = 0x1a, LINK_ATTRIBUTE = 0x22, LINK_DROPPED = 0x28, LINK_FLAGS = 0x35 };

PyObject *
span_add_event(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "add_event", 1, "name", "attributes", "timestamp");
    Span *span = (Span *)self;
    PyObject *found[3];
    Text name;
    uint32_t dropped;
    if (arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    if (UNLIKELY(!span_owned(span)))
        Py_RETURN_NONE;
    if (text_of(found[0], &name) < 0) {
        arena_trouble(span->recorder->arena, BAD_EVENT);
        Py_RETURN_NONE;
    }
    WIRE(field);
    uint32_t begun = wire_open(&field, EVENT);
    wire_put_fixed64(&field, EVENT_TIME, (uint64_t)span_time(span, found[2]));
    if (name.size)
        wire_put_text(&field, EVENT_NAME, name.bytes, name.size);
    text_leave(&name);
    attributes_put(&field, EVENT_ATTRIBUTE, found[1], &span->recorder->of_event, &dropped);
    if (dropped)
        wire_put_varint(&field, EVENT_DROPPED, dropped);
    wire_close(&field, begun);
    GUARD(span)
    if (span_owned(span)) {
        if (span->events < (uint32_t)span->recorder->events && span_append(span, &field))
            span->events++;
        else
            span->dropped_events++;
    }
    UNGUARD()
    wire_free(&field);
    Py_RETURN_NONE;
}

static void
put_ids(Wire *wire, uint64_t high, uint64_t low, uint64_t id)
{
    uint8_t bytes[28] = {TRACE_ID, 16};
    uint8_t *to = big_endian_put(big_endian_put(bytes + 2, high), low);
    *to++ = SPAN_ID;
    *to++ = 8;
    big_endian_put(to, id);
    wire_put(wire, bytes, sizeof bytes);
}

static void
put_flags(Wire *wire, uint32_t flags)
{
    const uint8_t field[5] = {LINK_FLAGS, (uint8_t)flags, (uint8_t)(flags >> 8), 0, 0};
    wire_put(wire, field, sizeof field);
}

PyObject *
span_add_link(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords)
{
    SIGNATURE(signature, "add_link", 2, "trace_id", "span_id", "attributes", "trace_state", "flags", "remote");
    Span *span = (Span *)self;
    PyObject *found[6];
    uint64_t high, low, id, none, flags_high, flags;
    uint32_t dropped;
    Text state = {NULL, "", 0};
    if (arguments_of(&signature, given, count, keywords, found) < 0)
        return NULL;
    if (UNLIKELY(!span_owned(span)))
        Py_RETURN_NONE;
    if (id_of(found[0], &high, &low) < 0 || id_of(found[1], &none, &id) < 0 || none != 0 ||
        id_of(found[4], &flags_high, &flags) < 0 || flags_high != 0 || flags > 0xff ||
        (found[3] != NULL && found[3] != Py_None && text_of(found[3], &state) < 0)) {
        arena_trouble(span->recorder->arena, BAD_LINK);
        Py_RETURN_NONE;
    }
    WIRE(field);
    uint32_t begun = wire_open(&field, LINK);
    put_ids(&field, high, low, id);
    if (state.size)
        wire_put_text(&field, LINK_STATE, state.bytes, state.size);
    int number = attributes_put(&field, LINK_ATTRIBUTE, found[2], &span->recorder->of_link, &dropped);
    if (dropped)
        wire_put_varint(&field, LINK_DROPPED, dropped);
    put_flags(&field, (uint32_t)flags | HAS_IS_REMOTE | (found[5] == Py_True ? IS_REMOTE : 0));
    wire_close(&field, begun);
    int says = ((high | low) != 0 && id != 0) || state.size != 0 || number != 0;
    GUARD(span)
    if (says && span_owned(span)) {
        if (span->links < (uint32_t)span->recorder->links && span_append(span, &field))
            span->links++;
        else
            span->dropped_links++;
    }
    UNGUARD()
    if (state.holder != NULL)
        text_leave(&state);
    wire_free(&field);
    Py_RETURN_NONE;
}
