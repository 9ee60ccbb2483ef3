#include "render_write.h"

static inline void
put_piece(Buffer *to, PyObject *bytes)
{
    buffer_put(to, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

static inline PyObject *
name_of(const Writer *writer, const Record *record, enum sample sample)
{
    return record->family->names[writer->format][sample];
}

static inline int
has_name(const Writer *writer, const Record *record, enum sample sample)
{
    return PyBytes_GET_SIZE(name_of(writer, record, sample)) > 0;
}

/* ---- labels ---- */

static int
has_labels(const Writer *writer, const Record *record)
{
    return record->shape->constants[writer->format].size > 0 || record->shape->n_names > 0;
}

static void
put_labels(Buffer *to, const Writer *writer, const Record *record)
{
    const Shape *shape = record->shape;
    const Buffer *constants = &shape->constants[writer->format];
    buffer_put(to, constants->data, constants->size);
    const char *values = record_values(record);
    for (int32_t i = 0; i < shape->n_names; i++) {
        uint64_t size;
        values = varint_read(values, &size);
        if (i || constants->size)
            buffer_put_byte(to, ',');
        buffer_put(to, shape->texts[i].data, shape->texts[i].size);
        render_put_escaped(to, values, (size_t)size);
        buffer_put_byte(to, '"');
        values += size;
    }
}

/* A name that needs quotes comes as `{"name"`. */
static inline int
is_quoted(PyObject *name)
{
    return PyBytes_AS_STRING(name)[0] == '{';
}

/* Name, labels and the space before the value. */
static void
put_line_start(Writer *writer, const Record *record, enum sample sample)
{
    Buffer *out = &writer->out;
    PyObject *name = name_of(writer, record, sample);
    int quoted = is_quoted(name), labelled = has_labels(writer, record);
    put_piece(out, name);
    if (labelled) {
        buffer_put_byte(out, quoted ? ',' : '{');
        put_labels(out, writer, record);
    }
    buffer_put(out, "} ", quoted || labelled ? 2 : 0);
    if (!quoted && !labelled)
        buffer_put_byte(out, ' ');
}

/* What all bucket lines of a series begin with, up to the label `le`. */
static void
prepare_bucket_start(Writer *writer, const Record *record)
{
    Buffer *scratch = &writer->scratch;
    PyObject *name = name_of(writer, record, SAMPLE_BUCKET);
    scratch->size = 0;
    put_piece(scratch, name);
    buffer_put_byte(scratch, is_quoted(name) ? ',' : '{');
    if (has_labels(writer, record)) {
        put_labels(scratch, writer, record);
        buffer_put_byte(scratch, ',');
    }
}

/* ---- numbers ---- */

static void
put_count(Buffer *out, uint64_t count)
{
    char *to = buffer_reserve(out, MOST_NUMBER);
    if (to != NULL)
        out->size += number_write_count(to, count);
}

static void
put_real(Writer *writer, double value)
{
    char *to = buffer_reserve(&writer->out, MOST_NUMBER);
    if (to != NULL)
        writer->out.size += number_write_real(to, value, writer->format == OPENMETRICS);
}

static void
put_sum(Writer *writer, const Record *record)
{
    char *to = record->any_real ? NULL : buffer_reserve(&writer->out, MOST_NUMBER);
    if (record->any_real)
        put_real(writer, record_sum(record));
    else if (to != NULL)
        writer->out.size += number_write_wide(to, record_whole(record));
}

static void
put_seconds(Buffer *out, int64_t ns)
{
    char *to = buffer_reserve(out, MOST_NUMBER);
    if (to != NULL)
        out->size += number_write_seconds(to, ns);
}

/* ---- exemplars ---- */

static void
put_hex(Buffer *out, uint64_t value)
{
    char *to = buffer_reserve(out, 16);
    for (int i = 0; to != NULL && i < 16; i++)
        to[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    if (to != NULL)
        out->size += 16;
}

static void
put_further(Buffer *out, const Record *record, const Spot *spot, int comma)
{
    const char *at = (const char *)record + spot->labels_at, *end = at + spot->labels_size;
    for (int is_name = 1; at < end; is_name = !is_name) {
        uint64_t size;
        at = varint_read(at, &size);
        if (is_name && comma)
            buffer_put_byte(out, ',');
        comma = 1;
        if (is_name)
            buffer_put(out, at, (size_t)size);
        else {
            buffer_put(out, "=\"", 2);
            render_put_escaped(out, at, (size_t)size);
            buffer_put_byte(out, '"');
        }
        at += size;
    }
}

static void
put_exemplar(Writer *writer, const Record *record, const Spot *spot)
{
    if (spot == NULL)
        return;
    Buffer *out = &writer->out;
    int traced = spot->trace_high || spot->trace_low;
    buffer_put(out, " # {", 4);
    if (traced) {
        buffer_put(out, "trace_id=\"", 10);
        put_hex(out, spot->trace_high);
        put_hex(out, spot->trace_low);
        buffer_put(out, "\",span_id=\"", 11);
        put_hex(out, spot->span);
        buffer_put_byte(out, '"');
    }
    if (record_labels_fit(record, spot))
        put_further(out, record, spot, traced);
    buffer_put(out, "} ", 2);
    char *to = spot->is_real ? NULL : buffer_reserve(out, MOST_NUMBER);
    if (spot->is_real)
        put_real(writer, spot->real);
    else if (to != NULL)
        out->size += number_write_wide(to, spot->whole);
    if (spot->time_ns > 0) {
        buffer_put_byte(out, ' ');
        put_seconds(out, spot->time_ns);
    }
}

/* ---- samples ---- */

static void
put_created(Writer *writer, const Record *record)
{
    if (record->started_ns <= 0 || !has_name(writer, record, SAMPLE_CREATED))
        return;
    put_line_start(writer, record, SAMPLE_CREATED);
    put_seconds(&writer->out, record->started_ns);
    buffer_put_byte(&writer->out, '\n');
}

static void
put_bucket(Writer *writer, const Record *record, const char *le, size_t le_size, uint64_t count, double lower, double upper)
{
    Buffer *out = &writer->out;
    buffer_put(out, writer->scratch.data, writer->scratch.size);
    buffer_put(out, le, le_size);
    put_count(out, count);
    if (record->n_spots)
        put_exemplar(writer, record, record_newest(record, lower, upper));
    buffer_put_byte(out, '\n');
}

/* Returns how many values there are. */
static uint64_t
put_explicit(Writer *writer, const Record *record)
{
    const Bands *bands = record->shape->bands;
    const uint64_t *counts = record_counts(record);
    const char *words = bands->words[writer->format].data;
    const uint32_t *ends = bands->ends[writer->format];
    uint64_t sum = 0;
    double lower = -INFINITY;
    for (int32_t i = 0; i <= bands->size; i++) {
        double upper = i < bands->size ? bands->upper[i] : INFINITY;
        uint32_t from = i ? ends[i - 1] : 0;
        sum += counts[i];
        put_bucket(writer, record, words + from, ends[i] - from, sum, lower, upper);
        lower = upper;
    }
    return sum;
}

static void
put_bound(Writer *writer, const Record *record, double lower, double upper, uint64_t count)
{
    char le[MOST_NUMBER + 8];
    memcpy(le, "le=\"", 4);
    size_t size = 4 + number_write_real(le + 4, upper, writer->format == OPENMETRICS);
    memcpy(le + size, "\"} ", 3);
    put_bucket(writer, record, le, size + 3, count, lower, upper);
}

static uint64_t
put_exponential(Writer *writer, const Record *record)
{
    Merged merged = merged_of(record, COARSE);
    int64_t first, last;
    uint64_t sum = record->zeros;
    double lower = -INFINITY;
    int any = merged_range(&merged, &first, &last);
    if (record->zeros || any) {
        double least = record->zeros ? record->zero_threshold : merged_bound(&merged, first);
        put_bound(writer, record, lower, least, sum);
        lower = least;
    }
    for (int64_t index = first; any && index <= last; index++) {
        double upper = merged_bound(&merged, index + 1);
        sum += merged_count(&merged, index);
        if (isinf(upper))
            continue;
        put_bound(writer, record, lower, upper, sum);
        lower = upper;
    }
    put_bound(writer, record, lower, INFINITY, sum);
    return sum;
}

static void
put_histogram(Writer *writer, const Record *record)
{
    const Bands *bands = record->shape->bands;
    prepare_bucket_start(writer, record);
    uint64_t count = record->shape->kind == EXPLICIT ? put_explicit(writer, record) : put_exponential(writer, record);
    if (bands == NULL || bands->size == 0 || bands->upper[0] >= 0) { /* below 0 a sum may fall, so it is no counter */
        put_line_start(writer, record, SAMPLE_SUM);
        put_sum(writer, record);
        buffer_put_byte(&writer->out, '\n');
    }
    put_line_start(writer, record, SAMPLE_COUNT);
    put_count(&writer->out, count);
    buffer_put_byte(&writer->out, '\n');
}

void
write_text(Writer *writer, const Record *record)
{
    PyObject *head = record->family->heads[writer->format];
    if (head != writer->head)
        put_piece(&writer->out, head);
    writer->head = head;
    if (record->family->type == TYPE_HISTOGRAM) {
        put_histogram(writer, record);
    } else {
        put_line_start(writer, record, SAMPLE_VALUE);
        put_sum(writer, record);
        if (record->n_spots && has_name(writer, record, SAMPLE_CREATED)) /* only what OpenMetrics calls a counter */
            put_exemplar(writer, record, record_newest(record, -INFINITY, INFINITY));
        buffer_put_byte(&writer->out, '\n');
    }
    put_created(writer, record);
}
