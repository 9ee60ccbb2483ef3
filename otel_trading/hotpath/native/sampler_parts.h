/* What a sampler is made of: rules, names that were classified, texts of trace states, and the cap. */
#ifndef OTEL_TRADING_SAMPLER_PARTS_H
#define OTEL_TRADING_SAMPLER_PARTS_H

#include "sampler.h"

#define MOST_RULES 64        /* each is a bit of what is known of a name */
#define MOST_NAMES 4096      /* that are remembered */
#define MOST_TEXT 1024       /* letters of a name or a state that is remembered */
#define STATES 256           /* that are remembered; a power of two */
#define NEVER ((int64_t)1 << 56) /* the threshold that no randomness reaches */
#define NONE_TOLD (-1)
#define UNSAMPLED (-2)

typedef struct {
    PyObject *text;
    const char *letters; /* NULL if they are not all ASCII */
    Py_ssize_t size;
} Beginning;

typedef struct {
    uint64_t kinds;          /* a bit each */
    Beginning *beginnings;   /* with one of them an attribute's key must begin; NULL: that is not asked */
    int keys;                /* how many */
    uint64_t first[2];       /* a bit for each first letter of those that are ASCII */
    PyObject *equals;        /* tuple of (exact text, value): each must be there; may be empty */
    int64_t threshold;
} Rule;

typedef struct {
    PyObject *name; /* NULL is free */
    uint64_t rules; /* whose patterns match */
} Name;

typedef struct {
    PyObject *before; /* NULL for none */
    int64_t told;
    PyObject *after;  /* text, or None; NULL is free */
} State;

typedef struct {
    PyObject *text; /* NULL is free */
    int64_t threshold, random;
} Reading;

typedef struct {
    PyObject_HEAD
    BUSY
    int size;                         /* number of rules */
    uint64_t always, narrow, low;     /* rules that ask no parent; that look at more than the name; of ticks */
    Rule *rules;
    uint32_t mask, used;              /* of `names`: size less one, and how many */
    Name *names;                      /* open addressing */
    PyObject *classify, *tell, *read;
    double per_second, rate;          /* the cap, 0 for none; what is offered */
    int64_t window_began_ns;
    uint64_t in_window;
    State states[STATES];
    Reading readings[STATES];
} Sampler;

/* Of an exact text, which keeps it: runs no Python and never fails. */
static inline Py_hash_t
text_hash(PyObject *text)
{
    Py_hash_t kept = PEEK(((PyASCIIObject *)text)->hash);
    return LIKELY(kept != -1) ? kept : PyObject_Hash(text);
}

/* Reads rules into the sampler. -1 with an exception. */
int rules_take(Sampler *sampler, PyObject *given);
/* Thresholds anew, one a rule. -1 with an exception. */
int rules_set_thresholds(Sampler *sampler, PyObject *given);
void rules_free(Sampler *sampler);
/* Whether kind and attributes are as a rule wants them: 1, 0, or -1 if that cannot be said here. Runs no Python. */
int rule_matches(const Rule *rule, int kind, PyObject *attributes);

/* Room for the first names. -1 with MemoryError. */
int names_prepare(Sampler *sampler);
/* The rules whose patterns match a name. 0, or -1; no exception is left. */
int names_find(Sampler *sampler, PyObject *name, uint64_t *rules);
void names_free(Sampler *sampler);

/* The text of a state that tells a threshold, NONE_TOLD or UNSAMPLED; NULL for none. 0, or -1; no exception is left. */
int states_find(Sampler *sampler, PyObject *before, int64_t told, PyObject **after);
/* What a state tells, -1 each for nothing. 0, or -1; no exception is left. */
int states_read(Sampler *sampler, PyObject *text, int64_t *threshold, int64_t *random);
void states_free(Sampler *sampler);

/* Counts one that would be kept with this threshold; the threshold that keeps to the cap, which is not below it. */
int64_t cap_threshold(Sampler *sampler, int64_t threshold);

#endif
