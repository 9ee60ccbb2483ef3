/* The part of table.c that looks a dict up while other threads may change it: its pairs are taken out and held, and what the
 * dict was at that moment is looked up. The dict is never locked together with the table: whoever waits for one of them
 * holds nothing. */
#ifndef OTEL_TRADING_TABLE_SHARED_H
#define OTEL_TRADING_TABLE_SHARED_H

/* What is known of these pairs, as they are in memory or, with their hash, as they compare. */
static Cell *
look_up(Table *table, Entry **recent, const Pair *pairs, int size, const uint64_t *hash)
{
    Cell *cell = NULL;
    GUARD(table)
    Entry *entry = hash == NULL ? *recent : *place_of(table, FOLD(*hash), pairs, size);
    if (entry != NULL && (hash != NULL ||
                          (entry->size == size && memcmp(entry->pairs, pairs, (size_t)size * sizeof(Pair)) == 0))) {
        *recent = entry;
        cell = (Cell *)Py_NewRef((PyObject *)entry->cell);
    }
    UNGUARD()
    return cell;
}

/* The cell, held. If the dict qualifies and is not known, `copy` is one of it, made afterwards: that is what is then asked for
 * and remembered. */
static Cell *
look(Table *table, PyObject *dict, PyObject **copy)
{
    Entry **recent = &table->recent[((uintptr_t)dict >> 5) & (RECENT - 1)];
    Pair pairs[MOST_PAIRS];
    uint64_t hash;
    int size = attributes_hold(dict, pairs);
    if (size <= 0)
        return NULL;
    Cell *cell = look_up(table, recent, pairs, size, NULL);
    int qualified = cell != NULL || attributes_hash(pairs, size, &hash) > 0;
    if (cell == NULL && qualified)
        cell = look_up(table, recent, pairs, size, &hash);
    attributes_leave(pairs, size);
    if (cell == NULL && qualified)
        *copy = PyDict_Copy(dict);
    return cell;
}

#endif
