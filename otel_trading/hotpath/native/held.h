/* Spans that are not sampled and are kept all the same if something goes wrong: what ended of a trace waits here, encoded,
 * for as long as a span of it is open.
 *
 * A group is the open and finished unsampled spans of one trace in this process that began under each other. It is shared by
 * them, counted, and unknown to the garbage collector: it holds recorders and bytes. Spans that stand alone have none. Its
 * memory is bounded, and all groups' together by their arena. A child process has nothing of its parent's. */
#ifndef OTEL_TRADING_HELD_H
#define OTEL_TRADING_HELD_H

#include "span.h"

struct Held {
    BUSY
    uint8_t incomplete; /* something of the trace that should be here is not */
    uint32_t fork;
    uint32_t spans;     /* that know it */
    uint32_t open;      /* of them have not ended */
    uint32_t keeps;     /* how often a span that was to be kept ended */
    uint32_t waiting;   /* finished spans in `finished` */
    Arena *arena;       /* of the span that made it; bounds the room of `finished` */
    Wire finished;      /* see held_waiting.h */
};

/* Holds an unsampled span that begins, if it is to be held: with its parent, NULL for none of this process. */
int held_begin(Span *span, Span *parent);
/* It has ended and offers nothing itself. */
void held_end(Span *span);
/* It is freed. */
void held_leave(Span *span);

#endif
