/* Attributes as a key: the pairs of a plain dict, whatever their order, with values told apart by type (True, 1 and 1.0 are
 * three). Only what can be hashed and compared without running Python qualifies: keys of type str; values of type str, int
 * (of 64 bits), float, bool, tuples of these, and members of str subclasses (enumerations), told apart by identity. */
#ifndef OTEL_TRADING_ATTRIBUTES_H
#define OTEL_TRADING_ATTRIBUTES_H

#include "common.h"

#define MOST_PAIRS 32      /* of a set that is remembered */
#define MOST_LETTERS 1024  /* of a text that is remembered: an entry keeps it alive */
#define MOST_NESTING 2     /* of tuples */

typedef struct {
    PyObject *key, *value;
} Pair;

/* Collects borrowed pairs and their hash; the number of pairs, or -1 if they do not qualify. Runs no Python. */
int attributes_read(PyObject *dict, Pair *pairs, uint64_t *hash);
#ifdef Py_GIL_DISABLED
/* Collects pairs, held, at one moment, of a dict that other threads may change; -1 if there are too many, and then none is
 * held. May wait for them, so not under GUARD. */
int attributes_hold(PyObject *dict, Pair *pairs);
/* As attributes_read, of pairs that were collected. */
int attributes_hash(const Pair *pairs, int size, uint64_t *hash);
void attributes_leave(const Pair *pairs, int size);
#endif
/* Whether two sets of the same size and hash are equal. Runs no Python. */
int attributes_equal(const Pair *one, const Pair *other, int size);

#endif
