#include "span.h"

enum status_field { STATUS_MESSAGE = 0x12, STATUS_CODE = 0x18 };

static void
write_ids(const Span *span, Wire *wire)
{
    uint8_t *to = wire_reserve(wire, 18 + 10 + 10);
    if (to == NULL)
        return;
    *to++ = TRACE_ID;
    *to++ = 16;
    to = big_endian_put(big_endian_put(to, span->trace_high), span->trace_low);
    *to++ = SPAN_ID;
    *to++ = 8;
    to = big_endian_put(to, span->id);
    if (span->parent_id != 0) {
        *to++ = PARENT_ID;
        *to++ = 8;
        to = big_endian_put(to, span->parent_id);
    }
    wire->size = (uint32_t)(to - wire->data);
}

/* A text that was made sure of. */
static void
write_text(Wire *wire, uint8_t tag, PyObject *text)
{
    Py_ssize_t size = 0;
    const char *bytes = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &size);
    if (bytes == NULL)
        PyErr_Clear();
    else if (size > 0)
        wire_put_text(wire, tag, bytes, (size_t)size);
}

static void
write_flags(const Span *span, Wire *wire)
{
    uint32_t flags = span->flags | HAS_IS_REMOTE | (span->remote ? IS_REMOTE : 0);
    const uint8_t field[6] = {0x85, 0x01, (uint8_t)flags, (uint8_t)(flags >> 8), 0, 0}; /* fixed32, number 16 */
    wire_put(wire, field, sizeof field);
}

static void
write_dropped(const Span *span, Wire *wire)
{
    if (UNLIKELY(span->dropped_attributes))
        wire_put_varint(wire, DROPPED_ATTRIBUTES, span->dropped_attributes);
    if (UNLIKELY(span->dropped_events))
        wire_put_varint(wire, DROPPED_EVENTS, span->dropped_events);
    if (UNLIKELY(span->dropped_links))
        wire_put_varint(wire, DROPPED_LINKS, span->dropped_links);
}

static void
write_status(const Span *span, Wire *wire)
{
    if (LIKELY(span->status == UNSET))
        return;
    uint32_t begun = wire_open(wire, STATUS);
    write_text(wire, STATUS_MESSAGE, span->status_text);
    wire_put_varint(wire, STATUS_CODE, span->status);
    wire_close(wire, begun);
}

void
span_write_head(const Span *span, Wire *wire)
{
    write_ids(span, wire);
    write_text(wire, TRACE_STATE, span->trace_state);
    write_text(wire, NAME, span->name);
    if (span->kind)
        wire_put_varint(wire, KIND, span->kind);
    wire_put_fixed64(wire, START, (uint64_t)span->start_ns);
    if (span->end_ns)
        wire_put_fixed64(wire, END, (uint64_t)span->end_ns);
    write_dropped(span, wire);
    write_status(span, wire);
    write_flags(span, wire);
}
