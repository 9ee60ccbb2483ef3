#include "span_arena.h"
#include "span_wire.h"

#include <sys/mman.h>

#define LEAST_ROOM 1024                        /* of a chunk: a tracer that is seldom used takes little */
#define MAPPED 65536                           /* whole pages, and what is copied under the GIL in one go, some 10 us */
#define MOST_ROOM (MAPPED - sizeof(Chunk))
#define MOST_CHUNK_ITEMS UINT32_MAX
#define MAPPED_DOMAIN 0x6f746c                 /* of tracemalloc */

PyTypeObject *Arena_Type = NULL;

static const char *const DROPPED[DROP_REASONS] = {"queue_full", "bytes_full", "after_shutdown", "no_memory"};
static const char *const TROUBLE[TROUBLES] = {
    "attributes", "event", "link", "status", "name", "time", "ids",
};

/* Takes the first chunk out; under GUARD. */
static Chunk *
chunk_pop(Arena *arena)
{
    Chunk *chunk = arena->first;
    if (chunk == NULL)
        return NULL;
    arena->first = chunk->next;
    if (arena->first == NULL)
        arena->last = NULL;
    if (chunk->writer != NULL)
        *chunk->writer = NULL;
    arena->items -= chunk->items;
    arena->bytes -= chunk->size;
    arena->chunks--;
    return chunk;
}

/* Large ones are mapped: malloc would give ten megabytes back at once, under the GIL for a millisecond, when the last of many
 * is freed. */
static Chunk *
chunk_allocate(uint32_t room)
{
    size_t size = sizeof(Chunk) + room;
    if (size < MAPPED)
        return PyMem_RawMalloc(size);
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return NULL;
    PyTraceMalloc_Track(MAPPED_DOMAIN, (uintptr_t)pages, size);
    return pages;
}

static void
chunk_release(Chunk *chunk)
{
    size_t size = sizeof(Chunk) + chunk->room;
    if (size < MAPPED) {
        PyMem_RawFree(chunk);
        return;
    }
    PyTraceMalloc_Untrack(MAPPED_DOMAIN, (uintptr_t)chunk);
    munmap(chunk, size);
}

static void
chunk_free(Chunk *chunk)
{
    Py_DECREF(chunk->scope);
    chunk_release(chunk);
}

static void
arena_empty(Arena *arena)
{
    Chunk *chunk;
    while ((chunk = chunk_pop(arena)) != NULL)
        chunk_free(chunk);
}

/* Scopes are bytes: to give them up runs no Python. The bell is left to the parent's thread that waits for it. */
COLD void
arena_begin_anew(Arena *arena)
{
    arena_empty(arena);
    arena->waited = arena->woken = 0;
    arena->wanted = NOBODY_WAITS;
    arena->bell = NULL;
    arena->taken = 0;
    memset(arena->dropped, 0, sizeof arena->dropped);
    memset(arena->troubles, 0, sizeof arena->troubles);
    memset(arena->started, 0, sizeof arena->started);
    memset(arena->ended, 0, sizeof arena->ended);
    arena->held = arena->held_forgotten = 0;
    arena->fork = forks;
}

/* The spare one, if that is what is wanted. */
static Chunk *
chunk_take_or_allocate(Arena *arena, uint32_t room)
{
    Chunk *spare = arena->spare;
    if (room != MOST_ROOM || spare == NULL)
        return chunk_allocate(room);
    arena->spare = NULL;
    return spare;
}

static Chunk *
chunk_append(Arena *arena, Chunk **writer, PyObject *scope, enum urgency urgency, uint32_t room)
{
    Chunk *chunk = chunk_take_or_allocate(arena, room);
    if (chunk == NULL)
        return NULL;
    *chunk = (Chunk){NULL, writer, Py_NewRef(scope), 0, room, 0, (uint8_t)urgency};
    if (arena->last != NULL)
        arena->last->next = chunk;
    else
        arena->first = chunk;
    arena->last = chunk;
    arena->chunks++;
    *writer = chunk;
    return chunk;
}

/* What a chunk becomes that is too small: its neighbours must learn where it is now. */
static Chunk *
chunk_enlarge(Arena *arena, Chunk *chunk, uint32_t room)
{
    Chunk **from = &arena->first;
    for (Chunk *each = arena->first; each != chunk; each = each->next)
        from = &each->next;
    Chunk *moved = chunk_take_or_allocate(arena, room);
    if (moved == NULL)
        return NULL;
    memcpy(moved, chunk, sizeof(Chunk) + chunk->size);
    chunk_release(chunk);
    *from = moved;
    if (moved->next == NULL)
        arena->last = moved;
    moved->room = room;
    *moved->writer = moved;
    return moved;
}

/* Where `size` more bytes of this scope fit. */
static Chunk *
chunk_with_room(Arena *arena, Chunk **writer, PyObject *scope, enum urgency urgency, uint32_t size)
{
    Chunk *chunk = *writer;
    int countable = chunk != NULL && chunk->items < arena->chunk_items;
    if (LIKELY(countable && chunk->room - chunk->size >= size))
        return chunk;
    if (countable && chunk->size + size <= MOST_ROOM) {
        uint32_t room = chunk->room * 2;
        while (room < chunk->size + size)
            room *= 2;
        return chunk_enlarge(arena, chunk, room < MOST_ROOM ? room : MOST_ROOM);
    }
    if (chunk != NULL)
        chunk->writer = NULL;
    *writer = NULL;
    uint32_t room = chunk == NULL ? LEAST_ROOM : countable || chunk->room > MOST_ROOM ? MOST_ROOM : chunk->room;
    return chunk_append(arena, writer, scope, urgency, room < size ? size : room);
}

static enum dropped
arena_put(Arena *arena, Chunk **writer, PyObject *scope, enum urgency urgency, uint8_t tag, const Piece *pieces, int number,
          size_t body)
{
    size_t size = 1 + (size_t)varint_length(body) + body;
    if (arena->closed)
        return AFTER_SHUTDOWN;
    if (arena->items >= arena->most_items[urgency])
        return QUEUE_FULL;
    if (size + arena->bytes > arena->most_bytes[urgency])
        return BYTES_FULL;
    Chunk *chunk = chunk_with_room(arena, writer, scope, urgency, (uint32_t)size);
    if (chunk == NULL)
        return NO_MEMORY;
    uint8_t *to = chunk->data + chunk->size;
    *to = tag;
    to = varint_put(to + 1, body);
    for (int i = 0; i < number; i++) {
        memcpy(to, pieces[i].bytes, pieces[i].size);
        to += pieces[i].size;
    }
    chunk->size += (uint32_t)size;
    chunk->items++;
    arena->items++;
    arena->bytes += size;
    return DROP_REASONS;
}

void
arena_offer(Arena *arena, Chunk **writers, PyObject *scope, enum urgency urgency, uint8_t tag, const Piece *pieces, int number)
{
    size_t body = 0;
    for (int i = 0; i < number; i++)
        body += pieces[i].size;
    int rings;
    GUARD(arena)
    arena_own(arena);
    enum dropped why = arena_put(arena, &writers[urgency], scope, urgency, tag, pieces, number, body);
    if (UNLIKELY(why != DROP_REASONS))
        arena->dropped[why]++;
    rings = arena_rings(arena);
    UNGUARD()
    if (UNLIKELY(rings))
        PyThread_release_lock(arena->bell);
}

void
arena_leave(Arena *arena, Chunk **writers)
{
    GUARD(arena)
    for (int urgency = LOW; urgency < URGENCIES; urgency++) {
        if (writers[urgency] != NULL)
            writers[urgency]->writer = NULL;
        writers[urgency] = NULL;
    }
    UNGUARD()
}

/* What spans of this urgency may fill: all of it for the highest, a tenth less for each below. */
static uint64_t
share_of(uint64_t bound, int urgency)
{
    return bound - bound / 10 * (uint64_t)(HIGH - urgency) - bound % 10 * (uint64_t)(HIGH - urgency) / 10;
}

static PyObject *
arena_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"max_items", "max_bytes", "chunk_items", "held_bytes", NULL};
    long long items = 1 << 16, bytes = 1 << 24, chunk_items = MOST_CHUNK_ITEMS, held_bytes = 1 << 22;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|LLLL:Arena", names, &items, &bytes, &chunk_items, &held_bytes))
        return NULL;
    if (items < 1 || bytes < 1 || chunk_items < 1)
        return PyErr_Format(PyExc_ValueError, "max_items, max_bytes and chunk_items must be at least 1; were %lld, %lld and %lld",
                            items, bytes, chunk_items);
    if (held_bytes < 0)
        return PyErr_Format(PyExc_ValueError, "held_bytes must be at least 0; was %lld", held_bytes);
    Arena *arena = (Arena *)type->tp_alloc(type, 0);
    if (arena != NULL) {
        for (int urgency = LOW; urgency < URGENCIES; urgency++) {
            arena->most_items[urgency] = share_of((uint64_t)items, urgency);
            arena->most_bytes[urgency] = share_of((uint64_t)bytes, urgency);
        }
        arena->chunk_items = (uint32_t)(chunk_items < MOST_CHUNK_ITEMS ? chunk_items : MOST_CHUNK_ITEMS);
        arena->most_held = (uint64_t)held_bytes;
        arena->wanted = NOBODY_WAITS;
        arena->fork = forks;
    }
    return (PyObject *)arena;
}

static void
arena_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    arena_empty((Arena *)object);
    if (((Arena *)object)->spare != NULL)
        chunk_release(((Arena *)object)->spare);
    if (((Arena *)object)->bell != NULL && ((Arena *)object)->fork == forks)
        PyThread_free_lock(((Arena *)object)->bell);
    type->tp_free(object);
    Py_DECREF(type);
}

/* A chunk that was taken: kept to be written on again, or freed. */
static void
chunk_return(Arena *arena, Chunk *chunk)
{
    Py_CLEAR(chunk->scope);
    GUARD(arena)
    if (chunk->room == MOST_ROOM && arena->spare == NULL) {
        arena->spare = chunk;
        chunk = NULL;
    }
    UNGUARD()
    if (chunk != NULL)
        chunk_release(chunk);
}

static PyObject *
arena_take(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    Chunk *chunk;
    GUARD(arena)
    arena_own(arena);
    chunk = chunk_pop(arena);
    if (chunk != NULL)
        arena->taken += chunk->items;
    UNGUARD()
    if (chunk == NULL)
        Py_RETURN_NONE;
    PyObject *bytes = PyBytes_FromStringAndSize((char *)chunk->data, (Py_ssize_t)chunk->size);
    PyObject *given = bytes == NULL ? NULL : Py_BuildValue("OINi", chunk->scope, (unsigned int)chunk->items, bytes, chunk->urgency);
    if (given == NULL) {
        GUARD(arena)
        arena->taken -= chunk->items;
        arena->dropped[NO_MEMORY] += chunk->items;
        UNGUARD()
    }
    chunk_return(arena, chunk);
    return given;
}

static int
set_count(PyObject *dict, const char *name, uint64_t count)
{
    PyObject *number = PyLong_FromUnsignedLongLong(count);
    int done = number == NULL ? -1 : PyDict_SetItemString(dict, name, number);
    Py_XDECREF(number);
    return done;
}

static PyObject *
counts_dict(const uint64_t *counts, const char *const *names, int number)
{
    PyObject *dict = PyDict_New();
    for (int i = 0; dict != NULL && i < number; i++)
        if (set_count(dict, names[i], counts[i]) < 0)
            Py_CLEAR(dict);
    return dict;
}

static PyObject *
arena_books(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    uint64_t items, bytes, chunks, taken, dropped[DROP_REASONS], offered;
    GUARD(arena)
    arena_own(arena);
    items = arena->items;
    bytes = arena->bytes;
    chunks = arena->chunks;
    taken = arena->taken;
    memcpy(dropped, arena->dropped, sizeof dropped);
    UNGUARD()
    offered = items + taken;
    for (int i = 0; i < DROP_REASONS; i++)
        offered += dropped[i];
    PyObject *reasons = counts_dict(dropped, DROPPED, DROP_REASONS);
    PyObject *books = reasons == NULL ? NULL : PyDict_New();
    if (books != NULL && (set_count(books, "offered", offered) < 0 || set_count(books, "taken", taken) < 0 ||
                          set_count(books, "queued", items) < 0 || set_count(books, "queued_bytes", bytes) < 0 ||
                          set_count(books, "chunks", chunks) < 0 ||
                          PyDict_SetItemString(books, "dropped", reasons) < 0))
        Py_CLEAR(books);
    Py_XDECREF(reasons);
    return books;
}

static PyObject *
arena_troubles(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    uint64_t troubles[TROUBLES];
    GUARD(arena)
    arena_own(arena);
    UNGUARD()
    for (int i = 0; i < TROUBLES; i++)
        troubles[i] = __atomic_load_n(&arena->troubles[i], __ATOMIC_RELAXED);
    return counts_dict(troubles, TROUBLE, TROUBLES);
}

void
arena_become_own(Arena *arena)
{
    GUARD(arena)
    arena_own(arena);
    UNGUARD()
}

static PyObject *
arena_held(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    arena_become_own(arena);
    return Py_BuildValue("{sKsK}", "bytes", (unsigned long long)__atomic_load_n(&arena->held, __ATOMIC_RELAXED), "forgotten",
                         (unsigned long long)__atomic_load_n(&arena->held_forgotten, __ATOMIC_RELAXED));
}

/* So many numbers. */
static PyObject *
numbers(const uint64_t *found, int number)
{
    PyObject *tuple = PyTuple_New(number);
    for (int i = 0; tuple != NULL && i < number; i++) {
        PyObject *each = PyLong_FromUnsignedLongLong(found[i]);
        if (each == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, each);
    }
    return tuple;
}

/* What ended is read first: whatever ends meanwhile has begun, and counts as live a moment longer. */
static PyObject *
arena_counts(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    uint64_t started[RESULTS * ORIGINS], live[RESULTS];
    arena_become_own(arena);
    for (int result = 0; result < RESULTS; result++)
        live[result] = -__atomic_load_n(&arena->ended[result], __ATOMIC_RELAXED);
    for (int i = 0; i < RESULTS * ORIGINS; i++) {
        started[i] = __atomic_load_n(&arena->started[i / ORIGINS][i % ORIGINS], __ATOMIC_RELAXED);
        live[i / ORIGINS] += started[i];
    }
    PyObject *began = numbers(started, RESULTS * ORIGINS), *open = numbers(live + RECORDS_ONLY, RESULTS - RECORDS_ONLY);
    PyObject *counts = began == NULL || open == NULL ? NULL : Py_BuildValue("{sOsO}", "started", began, "live", open);
    Py_XDECREF(began);
    Py_XDECREF(open);
    return counts;
}

static PyObject *
arena_close(PyObject *object, PyObject *unused)
{
    Arena *arena = (Arena *)object;
    GUARD(arena)
    arena->closed = 1;
    UNGUARD()
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"take", arena_take, METH_NOARGS,
     PyDoc_STR("take() -> (scope, items, spans, urgency) or None\n\n"
               "The oldest chunk, of one scope and urgency: bytes of so many fields `spans` of ScopeSpans. None if nothing waits.")},
    {"books", arena_books, METH_NOARGS,
     PyDoc_STR("books() -> dict\n\noffered = queued + taken + all that was dropped, by reason.")},
    {"troubles", arena_troubles, METH_NOARGS,
     PyDoc_STR("troubles() -> dict\n\nWhat was wrong with values that were given to spans, by what they were for.")},
    {"held", arena_held, METH_NOARGS,
     PyDoc_STR("held() -> dict\n\nBytes of memory that unsampled spans wait in, and how many were forgotten for want of it.")},
    {"counts", arena_counts, METH_NOARGS,
     PyDoc_STR("counts() -> dict\n\n`started`: nine numbers of spans, dropped, recorded only, recorded and sampled, each without a\n"
               "parent, with one of this process, with a remote one. `live`: recorded only, recorded and sampled.")},
    {"wait", CALL(arena_wait), METH_FASTCALL,
     PyDoc_STR("wait(items, timeout_s) -> bool\n\nSleeps without the GIL until so many spans wait or wake() is called; False: time is over.")},
    {"wake", arena_wake, METH_NOARGS,
     PyDoc_STR("wake()\n\nEnds the wait() that is under way, or the next one at once.")},
    {"close", arena_close, METH_NOARGS,
     PyDoc_STR("close()\n\nFrom now on spans are dropped as after_shutdown; what waits can be taken.")},
    {NULL},
};
static PyType_Slot slots[] = {
    {Py_tp_new, arena_new},
    {Py_tp_dealloc, arena_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)PyDoc_STR("Arena(max_items=65536, max_bytes=16777216, chunk_items=4294967295, held_bytes=4194304)\n\n"
                                  "Where finished spans wait, encoded, until they are taken.")},
    {0, NULL},
};
static PyType_Spec spec = {
    "otel_trading.hotpath._native.Arena", sizeof(Arena), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

int
arena_add_type(PyObject *module)
{
    Arena_Type = (PyTypeObject *)PyType_FromSpec(&spec);
    return Arena_Type == NULL ? -1 : PyModule_AddObjectRef(module, "Arena", (PyObject *)Arena_Type);
}
