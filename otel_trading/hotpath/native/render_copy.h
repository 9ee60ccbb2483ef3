/* The numbers of series as they were at one moment each, and their labels: all that a page is written from. Taking them is
 * the only part of a scrape that needs the GIL; it makes no Python object for a number. */
#ifndef OTEL_TRADING_RENDER_COPY_H
#define OTEL_TRADING_RENDER_COPY_H

#include "render_family.h"
#include "render_number.h"

/* An exemplar. */
typedef struct {
    double real;
    int64_t whole;
    int64_t time_ns;
    uint64_t trace_high, trace_low, span;
    uint32_t labels_at, labels_size; /* in the record: further labels, names and values as varint size and UTF-8 */
    uint8_t is_real;
} Spot;

/* What one series shows, or bytes that are on the page as they are (family NULL). Counts, spots, label values and further
 * labels follow it. */
typedef struct {
    const Family *family;
    const Shape *shape;
    uint32_t size;          /* of all that belongs to it; a multiple of 8 */
    uint32_t n_counts, n_spots;
    uint32_t spots_at, values_at;
    uint8_t any_real;
    uint64_t count;
    int64_t whole, turns;   /* sum or last value: an int, whole + turns * 2**64, */
    double real;            /* or a float, if any_real */
    int64_t started_ns;
    int64_t base;           /* exponential: index of the first count */
    uint64_t zeros;
    double zero_threshold;
    int32_t scale;
    const char *raw;
    size_t raw_size;
} Record;

static inline const uint64_t *
record_counts(const Record *record)
{
    return (const uint64_t *)(record + 1);
}

static inline const Spot *
record_spots(const Record *record)
{
    return (const Spot *)((const char *)record + record->spots_at);
}

static inline const char *
record_values(const Record *record)
{
    return (const char *)record + record->values_at;
}

static inline Wide
record_whole(const Record *record)
{
    return (Wide)((unsigned __int128)record->turns << 64) + record->whole;
}

static inline double
record_sum(const Record *record)
{
    return record->any_real ? record->real : (double)record_whole(record);
}

/* Whether an exemplar may have so many letters of names and values in its further labels. */
int record_labels_fit(const Record *record, const Spot *spot);
/* The newest exemplar above `lower` and not above `upper`; NULL. */
const Spot *record_newest(const Record *record, double lower, double upper);

/* Appends the record of an entry, nothing if it has nothing to show. `labels`: makes labels of what an exemplar has beyond
 * its trace, or None. Runs Python only for exemplars. An error of memory is remembered in the arena. */
void copy_entry(Buffer *arena, Family *family, uint32_t number, int exemplars, PyObject *labels);
void copy_raw(Buffer *arena, PyObject *bytes);
int copy_prepare(void);

#endif
