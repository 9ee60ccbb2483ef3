#include "held_waiting.h"

static Held *
held_new(Arena *arena)
{
    Held *held = PyMem_RawCalloc(1, sizeof *held);
    if (held == NULL)
        return NULL;
    arena_become_own(arena);
    held->fork = forks;
    held->arena = (Arena *)Py_NewRef((PyObject *)arena);
    return held;
}

/* The group of a parent that is held, with one span more in it; NULL with no memory. */
static Held *
group_of(Span *parent)
{
    Held *made = NULL, *unused, *held;
    if (UNLIKELY(PEEK(parent->held) == NULL) && (made = held_new(parent->recorder->arena)) == NULL)
        return NULL;
    unused = made;
    GUARD(parent)
    if (made != NULL && parent->held == NULL && parent->fate == HELD) {
        made->incomplete = parent->apart;
        made->spans = made->open = 1;
        POKE(parent->held, made);
        unused = NULL;
    }
    held = parent->held;
    UNGUARD()
    if (UNLIKELY(unused != NULL)) {
        Py_DECREF((PyObject *)unused->arena);
        PyMem_RawFree(unused);
    }
    return held;
}

/* As its parent is; where none is here, ticks are left out unless they are wanted: they are many. */
static int
holds(const Span *span, const Span *parent, uint8_t parents)
{
    const Recorder *recorder = span->recorder;
    if (LIKELY(!recorder->keep_errors && !recorder->slow_ns))
        return 0;
    if (parent != NULL && parents != OFFERED)
        return parents != NOT_OFFERED;
    return span->urgency != LOW || recorder->keep_ticks;
}

static void
held_join(Span *span, Held *held)
{
    GUARD(held)
    held->spans++;
    held->open++;
    span->kept_before = held->keeps;
    UNGUARD()
    span->held = held;
}

int
held_begin(Span *span, Span *parent)
{
    uint8_t parents = parent == NULL ? OFFERED : PEEK(parent->fate);
    if (!holds(span, parent, parents))
        return 0;
    Held *held = parents == HELD && parent->fork == forks ? group_of(parent) : NULL;
    span->fate = HELD;
    if (held != NULL)
        held_join(span, held);
    else
        span->apart = parent == NULL ? span->parent_id != 0 : parents != OFFERED;
    return 1;
}

/* Why a span is kept: what its attribute says, or NULL. */
static const char *
reason(const Span *span)
{
    const Recorder *recorder = span->recorder;
    if (span->status == ERROR && recorder->keep_errors)
        return "error";
    if (recorder->slow_ns > 0 && span->end_ns - span->start_ns >= recorder->slow_ns)
        return "slow";
    return NULL;
}

/* An attribute of ours, in the place of the caller's under the same key. */
static void
put_told(Wire *body, const char *key, const Wire *value)
{
    WIRE(field);
    uint32_t begun = wire_open(&field, ATTRIBUTE);
    wire_put_text(&field, 0x0a, key, strlen(key));
    wire_put_text(&field, 0x12, (const char *)value->data, value->size);
    wire_close(&field, begun);
    uint8_t *same = attribute_find(body, 0, ATTRIBUTE, key, strlen(key));
    if (same != NULL)
        attribute_cut(body, same);
    wire_put(body, field.data, field.size);
    body->failed = 0;
}

static void
tell(Span *span, const char *kept, int incomplete)
{
    WIRE(text);
    WIRE(flag);
    if (kept != NULL)
        wire_put_text(&text, 0x0a, kept, strlen(kept));
    wire_put_varint(&flag, 0x10, 1);
    GUARD(span)
    if (kept != NULL)
        put_told(&span->body, "otel_trading.kept", &text);
    if (incomplete)
        put_told(&span->body, "otel_trading.incomplete", &flag);
    UNGUARD()
}

/* One span less is open. What waits can come to nothing once none is: it is let go. */
static void
held_close(Held *held, int sent)
{
    Wire rest = NOTHING;
    uint32_t spans = 0;
    GUARD(held)
    held->open--;
    if (held->open == 0) {
        rest = waiting_take(held, &spans);
        held->incomplete |= !sent;
    }
    UNGUARD()
    waiting_free(held, &rest);
}

static void
held_keep(Span *span, Wire *finished, const char *kept, int incomplete)
{
    waiting_offer(finished);
    waiting_free(span->held, finished);
    tell(span, kept, incomplete);
    span_offer(span);
}

/* The group, or NULL for a span that stands alone, which from now on begins none. */
static Held *
group_at_end(Span *span, int kept)
{
    Held *held;
    GUARD(span)
    held = span->held;
    if (held == NULL)
        POKE(span->fate, kept ? OFFERED : LET_GO);
    UNGUARD()
    return held;
}

void
held_end(Span *span)
{
    const char *kept = reason(span);
    Held *held = group_at_end(span, kept != NULL);
    if (LIKELY(held == NULL)) {
        if (UNLIKELY(kept != NULL)) {
            tell(span, kept, span->apart);
            span_offer(span);
        }
        return;
    }
    Wire finished = NOTHING;
    uint32_t spans, open;
    int sent, incomplete;
    GUARD(held)
    held->keeps += kept != NULL;
    sent = held->keeps != span->kept_before;
    if (sent)
        finished = waiting_take(held, &spans);
    incomplete = held->incomplete;
    open = held->open;
    UNGUARD()
    if (UNLIKELY(sent))
        held_keep(span, &finished, kept, incomplete);
    else if (open > 1)
        waiting_add(held, span);
    held_close(held, sent);
}

void
held_leave(Span *span)
{
    Held *held = span->held;
    int last;
    if (held == NULL)
        return;
    if (span->recording) /* never ended */
        held_close(held, 0);
    GUARD(held)
    last = --held->spans == 0;
    UNGUARD()
    if (!last)
        return;
    waiting_free(held, &held->finished);
    Py_DECREF((PyObject *)held->arena);
    PyMem_RawFree(held);
}
