/* Bytes that grow, without Python. What could not be had is remembered, so that only the end is checked. */
#ifndef OTEL_TRADING_RENDER_BUFFER_H
#define OTEL_TRADING_RENDER_BUFFER_H

#include "common.h"

typedef struct {
    char *data;
    size_t size, room;
    uint8_t failed; /* memory ran out: what is in here is not whole */
} Buffer;

/* Where `more` bytes may be written; `size` does not change. NULL if there is no memory. */
static inline char *
buffer_reserve(Buffer *buffer, size_t more)
{
    if (LIKELY(buffer->room - buffer->size >= more))
        return buffer->data + buffer->size;
    size_t room = buffer->room + buffer->room / 2 + more + 64;
    char *data = PyMem_RawRealloc(buffer->data, room);
    if (data == NULL) {
        buffer->failed = 1;
        return NULL;
    }
    buffer->data = data;
    buffer->room = room;
    return data + buffer->size;
}

static inline void
buffer_put(Buffer *buffer, const void *bytes, size_t size)
{
    char *to = buffer_reserve(buffer, size);
    if (LIKELY(to != NULL) && size) {
        memcpy(to, bytes, size);
        buffer->size += size;
    }
}

static inline void
buffer_put_byte(Buffer *buffer, char byte)
{
    buffer_put(buffer, &byte, 1);
}

/* A varint as Protocol Buffers have it. */
static inline void
buffer_put_varint(Buffer *buffer, uint64_t value)
{
    char *to = buffer_reserve(buffer, 10);
    if (to == NULL)
        return;
    size_t size = 0;
    for (; value >= 0x80; value >>= 7)
        to[size++] = (char)(value | 0x80);
    to[size++] = (char)value;
    buffer->size += size;
}

/* Reads a varint that buffer_put_varint wrote; returns where it ends. */
static inline const char *
varint_read(const char *from, uint64_t *value)
{
    *value = 0;
    for (int shift = 0;; shift += 7, from++) {
        *value |= (uint64_t)(*from & 0x7f) << shift;
        if (!(*from & 0x80))
            return from + 1;
    }
}

static inline void
buffer_free(Buffer *buffer)
{
    PyMem_RawFree(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

#endif
