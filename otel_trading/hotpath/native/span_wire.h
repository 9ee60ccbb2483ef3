/* Protocol Buffers written into bytes that grow: first into storage that is given, then into memory of their own.
 *
 * The length of a message is known when it ends: `wire_open` leaves one byte for it, `wire_close` moves the content if that
 * was too little. Most messages of a span are shorter than 128 bytes. */
#ifndef OTEL_TRADING_SPAN_WIRE_H
#define OTEL_TRADING_SPAN_WIRE_H

#include "common.h"

#define MOST_VARINT 10

typedef struct {
    uint8_t *data;
    uint32_t size, room;
    uint8_t own;    /* data is memory of its own, to be freed */
    uint8_t failed; /* memory ran out: what is in here is not whole */
} Wire;

/* A wire on the stack, with storage for what is usual. */
#define WIRE(name)                                                                                                             \
    uint8_t name##_storage[256];                                                                                               \
    Wire name = {name##_storage, 0, sizeof name##_storage, 0, 0}

/* Room for `more` bytes, or failed. */
int wire_grow(Wire *wire, size_t more);

static inline uint8_t *
wire_reserve(Wire *wire, size_t more)
{
    if (UNLIKELY(wire->room - wire->size < more) && wire_grow(wire, more) < 0)
        return NULL;
    return wire->data + wire->size;
}

static inline void
wire_free(Wire *wire)
{
    if (wire->own)
        PyMem_RawFree(wire->data);
}

static inline int
varint_length(uint64_t value)
{
    int length = 1;
    for (; value >= 0x80; value >>= 7)
        length++;
    return length;
}

static inline uint8_t *
varint_put(uint8_t *to, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static inline const uint8_t *
varint_take(const uint8_t *from, uint64_t *value)
{
    *value = 0;
    for (int shift = 0;; shift += 7, from++) {
        *value |= (uint64_t)(*from & 0x7f) << shift;
        if (!(*from & 0x80))
            return from + 1;
    }
}

static inline uint8_t *
fixed64_put(uint8_t *to, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(to, &value, 8);
    return to + 8;
}

/* As ids are written. */
static inline uint8_t *
big_endian_put(uint8_t *to, uint64_t value)
{
    return fixed64_put(to, __builtin_bswap64(value));
}

static inline void
wire_put(Wire *wire, const void *bytes, size_t size)
{
    uint8_t *to = wire_reserve(wire, size);
    if (LIKELY(to != NULL) && size) {
        memcpy(to, bytes, size);
        wire->size += (uint32_t)size;
    }
}

static inline void
wire_put_varint(Wire *wire, uint8_t tag, uint64_t value)
{
    uint8_t *to = wire_reserve(wire, 1 + MOST_VARINT);
    if (LIKELY(to != NULL)) {
        *to = tag;
        wire->size = (uint32_t)(varint_put(to + 1, value) - wire->data);
    }
}

static inline void
wire_put_fixed64(Wire *wire, uint8_t tag, uint64_t value)
{
    uint8_t *to = wire_reserve(wire, 9);
    if (LIKELY(to != NULL)) {
        *to = tag;
        fixed64_put(to + 1, value);
        wire->size += 9;
    }
}

static inline void
wire_put_text(Wire *wire, uint8_t tag, const char *text, size_t size)
{
    uint8_t *to = wire_reserve(wire, 1 + MOST_VARINT + size);
    if (LIKELY(to != NULL)) {
        *to = tag;
        to = varint_put(to + 1, size);
        memcpy(to, text, size);
        wire->size = (uint32_t)(to + size - wire->data);
    }
}

/* Begins a message; what is returned is given to wire_close. */
static inline uint32_t
wire_open(Wire *wire, uint8_t tag)
{
    uint8_t *to = wire_reserve(wire, 2);
    if (LIKELY(to != NULL)) {
        *to = tag;
        wire->size += 2;
    }
    return wire->size;
}

static inline void
wire_close(Wire *wire, uint32_t begun)
{
    uint32_t length = wire->size - begun;
    if (UNLIKELY(wire->failed))
        return;
    if (LIKELY(length < 0x80)) {
        wire->data[begun - 1] = (uint8_t)length;
        return;
    }
    int more = varint_length(length) - 1;
    if (wire_reserve(wire, (size_t)more) == NULL)
        return;
    memmove(wire->data + begun + more, wire->data + begun, length);
    varint_put(wire->data + begun - 1, length);
    wire->size += (uint32_t)more;
}

#endif
