#include "sampler_parts.h"

enum urgency { LOW, NORMAL, HIGH };

/* The first of these rules, in their order, that matches; the number of rules if none does, -1 if that cannot be said here. */
static inline int
first_of(const Sampler *self, uint64_t rules, const Question *question)
{
    for (; rules != 0; rules &= rules - 1) {
        int i = __builtin_ctzll(rules);
        if (!(self->narrow >> i & 1))
            return i;
        int found = rule_matches(&self->rules[i], question->kind, question->attributes);
        if (found != 0)
            return found < 0 ? -1 : i;
    }
    return self->size;
}

/* The threshold under which the parent was kept or not, as a child goes by it; NONE_TOLD or UNSAMPLED if it told none. */
static int
of_parent(Sampler *self, const Question *question, int64_t *threshold, uint64_t *randomness)
{
    int64_t random = -1;
    *threshold = question->parent_threshold;
    if (*threshold == IN_STATE) {
        *threshold = -1;
        if (question->parent_state != NULL && states_read(self, question->parent_state, threshold, &random) < 0)
            return -1;
        if (random >= 0)
            *randomness = (uint64_t)random;
    }
    if (*threshold < 0)
        *threshold = question->parent_sampled ? NONE_TOLD : UNSAMPLED;
    return 0;
}

/* The threshold of what begins a trace; UNSAMPLED for never. 0, or -1. */
static int
of_root(Sampler *self, uint64_t rules, const Question *question, int64_t *threshold)
{
    int i = first_of(self, rules & ~self->always, question);
    if (i < 0)
        return -1;
    *threshold = i == self->size ? NEVER : PEEK(self->rules[i].threshold);
    *threshold = *threshold >= NEVER ? UNSAMPLED : cap_threshold(self, *threshold);
    return 0;
}

int
sampler_decide(PyObject *object, const Question *question, Decision *decision)
{
    Sampler *self = (Sampler *)object;
    uint64_t rules, randomness = question->randomness;
    int64_t told = 0;
    *decision = (Decision){0, NORMAL, NONE_TOLD, NULL};
    if (UNLIKELY(!PyUnicode_CheckExact(question->name)) || names_find(self, question->name, &rules) < 0)
        return -1;
    int kept = first_of(self, rules & self->always, question);
    if (UNLIKELY(kept < 0))
        return -1;
    if (kept < self->size)
        decision->urgency = HIGH;
    else {
        if (rules & self->low)
            decision->urgency = LOW;
        if ((question->has_parent ? of_parent(self, question, &told, &randomness)
                                  : of_root(self, rules, question, &told)) < 0)
            return -1;
        if (told >= 0 && (uint64_t)told > randomness)
            told = UNSAMPLED;
    }
    decision->sampled = told != UNSAMPLED;
    decision->threshold = told >= 0 ? told : NONE_TOLD;
    PyObject *before = question->parent_state;
    if (before != NULL && PyUnicode_GET_LENGTH(before) == 0)
        before = NULL;
    if (before == NULL && told < 0)
        return 0;
    return states_find(self, before, told, &decision->state);
}
