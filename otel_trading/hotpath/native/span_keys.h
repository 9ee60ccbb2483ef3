/* What Python said about keys of attributes: a table that is found in without the GIL, bounded. */
#ifndef OTEL_TRADING_SPAN_KEYS_H
#define OTEL_TRADING_SPAN_KEYS_H

#include "common.h"

enum key_class { UNKNOWN_KEY = -1, OTHER_KEY, ID_KEY, SECRET_KEY };

typedef struct {
    uint8_t *letters; /* NULL: nothing is here */
    uint32_t size;
    uint32_t hash;
    enum key_class class;
} Key;

typedef struct {
    Key *slots;
    uint32_t room; /* a power of two, or 0 */
    uint32_t number;
} Keys;

/* A table of zeros is empty. */
enum key_class keys_find(const Keys *keys, const uint8_t *key, size_t size);
/* -1 without memory. One key too many empties it first. */
int keys_put(Keys *keys, const uint8_t *key, size_t size, enum key_class class);
void keys_clear(Keys *keys);

#endif
