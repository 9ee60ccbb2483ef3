/* A span: ids, times and texts as they are, attributes, events and links encoded as they come.
 *
 * It holds exact texts and its recorder, none of which can lead back to it, so that the garbage collector need not know it.
 * What needs Python happens before GUARD; under it bytes are moved. */
#ifndef OTEL_TRADING_SPAN_H
#define OTEL_TRADING_SPAN_H

#include "clock.h"
#include "span_arena.h"
#include "span_arguments.h"
#include "span_ids.h"
#include "span_value.h"

enum span_field {
    TRACE_ID = 0x0a, SPAN_ID = 0x12, TRACE_STATE = 0x1a, PARENT_ID = 0x22, NAME = 0x2a, KIND = 0x30, START = 0x39, END = 0x41,
    ATTRIBUTE = 0x4a, DROPPED_ATTRIBUTES = 0x50, EVENT = 0x5a, DROPPED_EVENTS = 0x60, LINK = 0x6a, DROPPED_LINKS = 0x70,
    STATUS = 0x7a,
};
enum status { UNSET, OK, ERROR };
enum fate { OFFERED, NOT_OFFERED, HELD, LET_GO }; /* at the end of a span; held: if something goes wrong; let go: nothing did */
enum on_exception { RECORD_EXCEPTION = 1, SET_STATUS = 2, ON_EXCEPTION = 3 }; /* when it leaves `with span:` */
enum own_flags { SAMPLED = 1, RANDOM = 2 }; /* W3C's */
enum span_flags { HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200 }; /* beside those of W3C in OTLP's field */

#define SPAN_TAG 0x12 /* of a span as a field of ScopeSpans */

#define INLINE_BODY 256 /* with it a span fits the allocator's largest small block */

typedef struct {
    PyObject_HEAD
    Arena *arena;
    PyObject *scope; /* bytes */
    Chunk *chunks[URGENCIES]; /* that are written on; NULL after one was taken */
    ValueLimits of_span, of_event, of_link;
    int32_t events, links;
    uint32_t most_bytes;      /* of a span's body */
    int64_t slow_ns;          /* from which on an unsampled span is kept; 0: never for that */
    uint8_t keep_errors;      /* unsampled spans that end in error are kept */
    uint8_t keep_ticks;       /* that counts for ticks too, and what is below them */
    PyTypeObject *span_type;  /* Span, or a subclass that adds methods */
    PyObject *owner;          /* of its spans, what `owner` says; NULL for nothing */
    uint8_t plain;            /* spans end here and nowhere else: their type does not have an end of its own */
} Recorder;

typedef struct Held Held; /* held.h */

typedef struct {
    PyObject_HEAD
    BUSY
    uint8_t recording;
    uint8_t kind, flags, status;
    uint8_t urgency;   /* LOW, NORMAL or HIGH */
    uint8_t remote;    /* the parent is in another process */
    uint8_t fate, on_exception;
    uint8_t timed;     /* the watch runs: the caller gave no start */
    uint8_t apart;     /* held, and what is above it in its trace is not here */
    uint32_t fork;     /* in which it began */
    uint32_t kept_before; /* spans of its group when it began */
    Held *held;        /* the group it waits with; NULL for a span that is offered, or alone */
    Recorder *recorder;
    PyObject *name, *trace_state, *status_text; /* exact texts, valid UTF-8; the last two NULL for none */
    uint64_t trace_high, trace_low, id, parent_id;
    int64_t start_ns, end_ns; /* end 0: not yet */
    int64_t threshold;        /* of consistent probability sampling; -1: none is told */
    uint64_t randomness;      /* 56 bits that it is compared with */
    Stopwatch watch;
    Wire body;
    uint32_t attributes, events, links;
    uint32_t dropped_attributes, dropped_events, dropped_links;
    uint8_t storage[INLINE_BODY];
} Span;

extern PyTypeObject *Span_Type;
extern PyTypeObject *Recorder_Type;
int span_add_type(PyObject *module);
PyObject *span_type_with(PyObject *module, PyObject *arguments); /* span_type of the module */
int recorder_add_type(PyObject *module);

/* A new one whose ids, name, kind and times are to be set. */
Span *span_new(Recorder *recorder);
/* 0, or -1 with no memory. */
int span_set_name(Span *span, PyObject *given);
void span_set_start(Span *span, PyObject *given);
/* What is not sampled goes nowhere, and does not record but for requests: who guards their headers reads where they go. Where
 * errors or slow spans are kept it records, and waits with its parent, NULL for none of this process. Urgency and kind are
 * known. */
void span_choose_fate(Span *span, Span *parent, int record_anyway);
/* To the arena: nobody writes to it any more. */
void span_offer(const Span *span);
/* Ends it now. */
void span_end_now(Span *span);
/* Whether `end` of this object is that of Span. */
int span_ends_plainly(PyObject *span);
/* Now, on the clock of this span. May run Python in tests. */
int64_t span_now(const Span *span);
/* The time that was given, or now. */
int64_t span_time(const Span *span, PyObject *given);
void span_add_attributes(Span *span, PyObject *mapping);
/* Appends a field to the body, 0 if there is no room for it; under GUARD. */
int span_append(Span *span, const Wire *field);
PyObject *span_add_event(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords);
PyObject *span_add_link(PyObject *self, PyObject *const *given, Py_ssize_t count, PyObject *keywords);

/* The fields without attributes, events and links; the span does not change meanwhile. */
void span_write_head(const Span *span, Wire *wire);

static inline int
span_owned(const Span *span)
{
    return PEEK(span->recording) && span->fork == forks;
}

#endif
