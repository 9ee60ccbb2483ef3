#include "held_waiting.h"

#define GROUP_BYTES 65536 /* of one trace's finished spans: a root that lives for long must not take the memory of others */
#define LEAST_ROOM 512

typedef struct {
    Recorder *recorder;
    uint32_t size;
} Waiting;

void
waiting_free(Held *held, Wire *finished)
{
    Waiting each;
    for (uint32_t at = 0; at < finished->size; at += (uint32_t)sizeof each + each.size) {
        memcpy(&each, finished->data + at, sizeof each);
        Py_DECREF((PyObject *)each.recorder);
    }
    if (held->fork == forks)
        arena_hold_less(held->arena, finished->room);
    wire_free(finished);
}

Wire
waiting_take(Held *held, uint32_t *spans)
{
    Wire taken = held->finished;
    *spans = held->waiting;
    held->finished = NOTHING;
    held->waiting = 0;
    return taken;
}

void
waiting_offer(const Wire *finished)
{
    Waiting each;
    for (uint32_t at = 0; at < finished->size; at += (uint32_t)sizeof each + each.size) {
        memcpy(&each, finished->data + at, sizeof each);
        const Piece piece = {finished->data + at + sizeof each, each.size};
        arena_offer(each.recorder->arena, each.recorder->chunks, each.recorder->scope, NORMAL, SPAN_TAG, &piece, 1);
    }
}

static void
count_forgotten(Arena *arena, uint32_t spans)
{
    __atomic_fetch_add(&arena->held_forgotten, spans, __ATOMIC_RELAXED);
}

/* Whether `more` bytes fit into the group, which takes memory for them; under GUARD. */
static int
held_room(Held *held, size_t more)
{
    Wire *finished = &held->finished;
    size_t room = finished->room ? finished->room : LEAST_ROOM;
    if (LIKELY(finished->room - finished->size >= more))
        return 1;
    if (finished->size + more > GROUP_BYTES)
        return 0;
    while (room < finished->size + more)
        room *= 2;
    if (!arena_hold_more(held->arena, room - finished->room))
        return 0;
    uint8_t *data = PyMem_RawRealloc(finished->data, room);
    if (data == NULL) {
        arena_hold_less(held->arena, room - finished->room);
        return 0;
    }
    *finished = (Wire){data, finished->size, (uint32_t)room, 1, 0};
    return 1;
}

/* 1 if it waits now, 0 if it does not fit; under GUARD. */
static int
waiting_put(Held *held, const Span *span, const Wire *head)
{
    const Waiting waiting = {span->recorder, head->size + span->body.size};
    if (head->failed || !held_room(held, sizeof waiting + (size_t)waiting.size))
        return 0;
    Py_INCREF((PyObject *)waiting.recorder);
    wire_put(&held->finished, &waiting, sizeof waiting);
    wire_put(&held->finished, head->data, head->size);
    wire_put(&held->finished, span->body.data, span->body.size);
    held->waiting++;
    return 1;
}

void
waiting_add(Held *held, const Span *span)
{
    WIRE(head);
    Wire before = NOTHING;
    uint32_t forgotten = 0;
    int waits;
    span_write_head(span, &head);
    GUARD(held)
    waits = waiting_put(held, span, &head);
    if (UNLIKELY(!waits)) {
        before = waiting_take(held, &forgotten);
        held->incomplete = 1;
    }
    UNGUARD()
    if (UNLIKELY(!waits)) {
        waiting_free(held, &before);
        GUARD(held)
        waits = waiting_put(held, span, &head);
        UNGUARD()
        count_forgotten(held->arena, forgotten + !waits);
    }
    wire_free(&head);
}
