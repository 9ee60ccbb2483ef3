/* Whether a span is kept, decided without Python for names that are known: rules that keep always, the parent's threshold, ratios
 * by randomness under a cap. traces/sampler.py is the definition; what cannot be decided here is decided there. */
#ifndef OTEL_TRADING_SAMPLER_H
#define OTEL_TRADING_SAMPLER_H

#include "common.h"

#define IN_STATE (-2) /* parent_threshold: it, and rv in place of randomness, are read from parent_state */

typedef struct {
    PyObject *name;           /* exact str */
    int kind;                 /* as OTLP counts, 1..5 */
    PyObject *attributes;     /* borrowed, any object or NULL */
    uint64_t randomness;      /* 56 bits: of the trace id or of rv */
    int has_parent, parent_sampled;
    int64_t parent_threshold; /* -1: none */
    PyObject *parent_state;   /* borrowed exact str as in the header tracestate, NULL for none */
} Question;

typedef struct {
    uint8_t sampled;
    uint8_t urgency;          /* 0 low: ticks, 1 normal, 2 high: kept always */
    int64_t threshold;        /* -1: none is told */
    PyObject *state;          /* new reference to an exact str, NULL for none */
} Decision;

extern PyTypeObject *Sampler_Type;
int sampler_add_type(PyObject *module);

/* 0, or -1: decide the slow way. No exception is left. May run Python for what is not known yet. Thread-safe. */
int sampler_decide(PyObject *sampler, const Question *question, Decision *decision);

#endif
