/* Where finished spans wait, encoded, until a worker takes them: chunks of one scope each, in the order they were opened.
 *
 * Bounded in spans and bytes. Nothing here is seen by the garbage collector. After a fork the child's is empty. */
#ifndef OTEL_TRADING_SPAN_ARENA_H
#define OTEL_TRADING_SPAN_ARENA_H

#include "common.h"

enum dropped { QUEUE_FULL, BYTES_FULL, AFTER_SHUTDOWN, NO_MEMORY, DROP_REASONS };
enum trouble { BAD_ATTRIBUTES, BAD_EVENT, BAD_LINK, BAD_STATUS, BAD_NAME, BAD_TIME, BAD_IDS, TROUBLES };

typedef struct Chunk {
    struct Chunk *next;
    struct Chunk **writer; /* where a recorder holds it to write on; NULL if it is full or the recorder is gone */
    PyObject *scope;
    uint32_t size, room;
    uint32_t items;
    uint8_t data[];
} Chunk;

typedef struct {
    PyObject_HEAD
    BUSY
    uint8_t closed;
    uint32_t fork; /* to which everything in here belongs */
    Chunk *first, *last;
    Chunk *spare; /* one that was taken, to be written on again: its pages are there */
    uint64_t most_items, most_bytes;
    uint64_t items, bytes; /* that wait */
    uint64_t taken;
    uint64_t dropped[DROP_REASONS];
    uint64_t troubles[TROUBLES];
} Arena;

/* A piece of a span: they are written one behind the other. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
} Piece;

extern PyTypeObject *Arena_Type;
int arena_add_type(PyObject *module);

/* One span as a field with this tag, into the chunk that `writer` holds, or a new one that it holds then. Runs no Python. */
void arena_offer(Arena *arena, Chunk **writer, PyObject *scope, uint8_t tag, const Piece *pieces, int number);

/* The writer is gone. */
void arena_leave(Arena *arena, Chunk **writer);

static inline void
arena_trouble(Arena *arena, enum trouble what)
{
    __atomic_fetch_add(&arena->troubles[what], 1, __ATOMIC_RELAXED);
}

#endif
