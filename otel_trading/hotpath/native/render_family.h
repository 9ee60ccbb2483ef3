/* A metric family as it is prepared for pages: what is said about it, and its series with their labels. Everything that
 * several series have in common is kept once: names of labels, constant labels, bucket bounds and their labels. */
#ifndef OTEL_TRADING_RENDER_FAMILY_H
#define OTEL_TRADING_RENDER_FAMILY_H

#include "cell.h"
#include "render_buffer.h"

enum format { TEXT, OPENMETRICS, PROTOBUF, FORMATS };
enum sample { SAMPLE_VALUE, SAMPLE_BUCKET, SAMPLE_SUM, SAMPLE_COUNT, SAMPLE_CREATED, SAMPLES };

/* Bucket bounds, and `le="bound"} ` for each of them and for +Inf, in both text formats. */
typedef struct {
    int32_t size;
    double *upper;                 /* float64[size] */
    Buffer words[2];               /* by format */
    uint32_t *ends[2];             /* uint32[size + 1]: where each ends */
} Bands;

/* What series with the same label names have in common; never changes, and lives as long as the family. */
typedef struct {
    uint8_t kind;                  /* of the cells */
    int32_t n_names;
    Buffer constants[FORMATS];     /* labels that all have: text, text, encoded */
    Buffer *texts;                 /* [n_names]: `name="` */
    Buffer *names;                 /* [n_names]: as they are */
    Bands *bands;                  /* of explicit ones; the family's */
    PyObject *key;                 /* by which it is found again */
} Shape;

typedef struct {
    PyObject *source;              /* a Cell, or a tuple of numbers */
    PyObject *holder;              /* whose `exemplars` are shown; NULL for nobody's */
    uint32_t shape;
    uint32_t values_at;
} Entry;

/* Prepared by any thread, rendered by any. */
typedef struct {
    PyObject_HEAD
    BUSY
    int type;                      /* MetricType of the protobuf format */
    PyObject *heads[FORMATS];      /* bytes: what stands before the samples; None: not in this format */
    PyObject *names[2][SAMPLES];   /* bytes: names of the samples; empty: there are none */
    Shape **shapes;
    uint32_t n_shapes;
    Bands **bands;
    uint32_t n_bands;
    Entry *entries;
    uint32_t n_entries, entries_room;
    Buffer values;                 /* of labels: for each its size as varint, and UTF-8 */
    uint32_t *slots;               /* hash table of entries + 1, by shape and values */
    uint32_t n_slots;
} Family;

enum { TYPE_COUNTER = 0, TYPE_GAUGE = 1, TYPE_UNTYPED = 3, TYPE_HISTOGRAM = 4 };

extern PyTypeObject *Family_Type;
int family_add_type(PyObject *module);

/* Labels as text, escaped. */
void render_put_escaped(Buffer *to, const char *text, size_t size);
/* A label of the protobuf format. */
void render_put_pair(Buffer *to, const char *name, size_t name_size, const char *value, size_t value_size);

Shape *shape_new(int kind, PyObject *constants, PyObject *names, Bands *bands);
void shape_free(Shape *shape);
Bands *bands_new(PyObject *bounds);
void bands_free(Bands *bands);

#endif
