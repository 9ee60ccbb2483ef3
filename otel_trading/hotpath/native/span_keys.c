#include "span_keys.h"

#define MOST_KEYS 4096 /* a program that invents keys without end must not fill memory */
#define LEAST_ROOM 64

/* FNV-1a */
static uint32_t
hash_of(const uint8_t *key, size_t size)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ key[i]) * 16777619u;
    return hash;
}

/* Where it is, or where it would be. */
static Key *
slot_of(const Keys *keys, const uint8_t *key, size_t size, uint32_t hash)
{
    uint32_t at = hash & (keys->room - 1);
    for (;; at = (at + 1) & (keys->room - 1)) {
        Key *slot = &keys->slots[at];
        if (slot->letters == NULL || (slot->hash == hash && slot->size == size && memcmp(slot->letters, key, size) == 0))
            return slot;
    }
}

enum key_class
keys_find(const Keys *keys, const uint8_t *key, size_t size)
{
    if (keys->room == 0)
        return UNKNOWN_KEY;
    const Key *slot = slot_of(keys, key, size, hash_of(key, size));
    return slot->letters == NULL ? UNKNOWN_KEY : slot->class;
}

static int
enlarge(Keys *keys)
{
    Keys larger = {NULL, keys->room ? keys->room * 2 : LEAST_ROOM, keys->number};
    larger.slots = PyMem_RawCalloc(larger.room, sizeof(Key));
    if (larger.slots == NULL)
        return -1;
    for (uint32_t i = 0; i < keys->room; i++) {
        const Key *key = &keys->slots[i];
        if (key->letters != NULL)
            *slot_of(&larger, key->letters, key->size, key->hash) = *key;
    }
    PyMem_RawFree(keys->slots);
    *keys = larger;
    return 0;
}

int
keys_put(Keys *keys, const uint8_t *key, size_t size, enum key_class class)
{
    if (keys->number >= MOST_KEYS)
        keys_clear(keys);
    if (keys->number * 2 >= keys->room && enlarge(keys) < 0)
        return -1;
    uint32_t hash = hash_of(key, size);
    Key *slot = slot_of(keys, key, size, hash);
    if (slot->letters == NULL) {
        uint8_t *letters = PyMem_RawMalloc(size + 1); /* no key is without memory: NULL is no key */
        if (letters == NULL)
            return -1;
        memcpy(letters, key, size);
        *slot = (Key){letters, (uint32_t)size, hash, class};
        keys->number++;
    }
    slot->class = class;
    return 0;
}

void
keys_clear(Keys *keys)
{
    for (uint32_t i = 0; i < keys->room; i++)
        PyMem_RawFree(keys->slots[i].letters);
    PyMem_RawFree(keys->slots);
    *keys = (Keys){NULL, 0, 0};
}
