/* Where finished spans wait, encoded, until a worker takes them: chunks of one scope and urgency each, in the order they were opened.
 *
 * Bounded in spans and bytes, for what is less urgent sooner. Nothing here is seen by the garbage collector. After a fork the
 * child's is empty. */
#ifndef OTEL_TRADING_SPAN_ARENA_H
#define OTEL_TRADING_SPAN_ARENA_H

#include "common.h"
#include "span_ids.h"

#include <pythread.h>

enum dropped { QUEUE_FULL, BYTES_FULL, AFTER_SHUTDOWN, NO_MEMORY, DROP_REASONS };
enum urgency { LOW, NORMAL, HIGH, URGENCIES }; /* as delivery.urgency counts */
enum result { DROPS, RECORDS_ONLY, RECORDS_AND_SAMPLED, RESULTS }; /* of a span that begins */
enum origin { NO_PARENT, LOCAL_PARENT, REMOTE_PARENT, ORIGINS };
enum trouble { BAD_ATTRIBUTES, BAD_EVENT, BAD_LINK, BAD_STATUS, BAD_NAME, BAD_TIME, BAD_IDS, TROUBLES };

typedef struct Chunk {
    struct Chunk *next;
    struct Chunk **writer; /* where a recorder holds it to write on; NULL if it is full or the recorder is gone */
    PyObject *scope;
    uint32_t size, room;
    uint32_t items;
    uint8_t urgency;
    uint8_t data[];
} Chunk;

typedef struct {
    PyObject_HEAD
    BUSY
    uint8_t closed;
    uint8_t waited;  /* for, by a thread in wait() */
    uint8_t woken;   /* by wake(), and nobody was told yet */
    uint32_t fork; /* to which everything in here belongs */
    Chunk *first, *last;
    Chunk *spare; /* one that was taken, to be written on again: its pages are there */
    uint32_t chunk_items; /* at most in one chunk */
    uint64_t most_items[URGENCIES], most_bytes[URGENCIES];
    uint64_t items, bytes, chunks; /* that wait */
    uint64_t wanted;               /* items at which the bell rings; NOBODY_WAITS if it does not */
    PyThread_type_lock bell;       /* held while nobody rings; made by the first who waits */
    uint64_t taken;
    uint64_t dropped[DROP_REASONS];
    uint64_t troubles[TROUBLES];
    uint64_t started[RESULTS][ORIGINS], ended[RESULTS]; /* spans; of the latter what recorded, see span_counts.h */
    uint64_t held, most_held;      /* bytes of memory of unsampled spans that wait whether something goes wrong */
    uint64_t held_forgotten;       /* spans for which that was too little */
} Arena;

/* A piece of a span: they are written one behind the other. */
typedef struct {
    const uint8_t *bytes;
    size_t size;
} Piece;

extern PyTypeObject *Arena_Type;
int arena_add_type(PyObject *module);

/* One span as a field with this tag, into the chunk that the writer of this urgency holds, or a new one that it holds then.
 * Runs no Python. */
void arena_offer(Arena *arena, Chunk **writers, PyObject *scope, enum urgency urgency, uint8_t tag, const Piece *pieces,
                 int number);

/* The writers are gone, one of each urgency. */
void arena_leave(Arena *arena, Chunk **writers);

/* wait() and wake(), see span_wait.c. */
PyObject *arena_wait(PyObject *object, PyObject *const *given, Py_ssize_t count);
PyObject *arena_wake(PyObject *object, PyObject *unused);
/* In a child everything is the parent's; under GUARD. */
void arena_begin_anew(Arena *arena);

#define NOBODY_WAITS UINT64_MAX

static inline void
arena_own(Arena *arena)
{
    if (UNLIKELY(arena->fork != forks))
        arena_begin_anew(arena);
}

/* Whether the bell is to be rung, by the caller after UNGUARD; under GUARD. */
static inline int
arena_rings(Arena *arena)
{
    if (LIKELY(arena->items < arena->wanted))
        return 0;
    arena->wanted = NOBODY_WAITS;
    return 1;
}

/* Before the first use after a fork of what is not under GUARD. */
void arena_become_own(Arena *arena);

static inline void
arena_hold_less(Arena *arena, uint64_t bytes)
{
    __atomic_fetch_sub(&arena->held, bytes, __ATOMIC_RELAXED);
}

/* Whether there is room for so many bytes, which are taken then. */
static inline int
arena_hold_more(Arena *arena, uint64_t bytes)
{
    if (LIKELY(__atomic_add_fetch(&arena->held, bytes, __ATOMIC_RELAXED) <= arena->most_held))
        return 1;
    arena_hold_less(arena, bytes);
    return 0;
}

static inline void
arena_trouble(Arena *arena, enum trouble what)
{
    __atomic_fetch_add(&arena->troubles[what], 1, __ATOMIC_RELAXED);
}

#endif
