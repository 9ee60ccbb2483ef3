/* From records to pages. Free of the GIL; what could not be had is remembered in the buffers. */
#ifndef OTEL_TRADING_RENDER_WRITE_H
#define OTEL_TRADING_RENDER_WRITE_H

#include "render_copy.h"

typedef struct {
    Buffer out;
    Buffer scratch;        /* what the lines of a series begin with */
    int format;
    const PyObject *head;  /* of the family whose samples are being written, not written twice; NULL */
    size_t family_at;      /* protobuf: where its message began */
} Writer;

void write_text(Writer *writer, const Record *record);
void write_protobuf(Writer *writer, const Record *record);
/* Protobuf: ends the message of the present family; the next record begins another one. */
void write_family_end(Writer *writer);

/* Exponential buckets merged into coarser ones. */
typedef struct {
    const uint64_t *counts;
    int64_t base, end; /* indices at the finer scale */
    int shift;
    int scale;         /* the coarser one */
} Merged;

Merged merged_of(const Record *record, int most_scale);
/* The first and the last index at the coarser scale, or 0 without buckets. */
int merged_range(const Merged *merged, int64_t *first, int64_t *last);
uint64_t merged_count(const Merged *merged, int64_t index);
/* The upper end of the bucket before this index: base ** index. */
double merged_bound(const Merged *merged, int64_t index);

#define COARSE 2 /* scale of explicit buckets: they grow by 2 ** (1 / 4), and keep their bounds from page to page */

#endif
