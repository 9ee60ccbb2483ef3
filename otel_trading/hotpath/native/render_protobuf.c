#include "render_write.h"

/* The messages of io.prometheus.client (client_model/io/prometheus/client/metrics.proto). */
enum { FAMILY_METRIC = 4 };
enum { METRIC_GAUGE = 2, METRIC_COUNTER = 3, METRIC_UNTYPED = 5, METRIC_HISTOGRAM = 7 };
enum { VALUE = 1, COUNTER_EXEMPLAR = 2, COUNTER_CREATED = 3 };
enum { HISTOGRAM_COUNT = 1, HISTOGRAM_SUM = 2, HISTOGRAM_BUCKET = 3, HISTOGRAM_SCHEMA = 5, HISTOGRAM_THRESHOLD = 6,
       HISTOGRAM_ZEROS = 7, HISTOGRAM_SPAN = 12, HISTOGRAM_DELTA = 13, HISTOGRAM_CREATED = 15, HISTOGRAM_EXEMPLARS = 16 };
enum { BUCKET_COUNT = 1, BUCKET_UPPER = 2, BUCKET_EXEMPLAR = 3 };
enum { EXEMPLAR_VALUE = 2, EXEMPLAR_TIME = 3 };
enum { SPAN_OFFSET = 1, SPAN_LENGTH = 2 };

#define FINEST_SCHEMA 8
#define COARSEST_SCHEMA (-4)
#define DEFAULT_THRESHOLD 1e-128 /* where none is set, as the specification has it */
#define MOST_GAP 2               /* empty buckets that cost less than a span of their own */
#define MOST_SHOWN 10            /* exemplars of a native histogram */

enum wire { VARINT = 0, FIXED64 = 1, DELIMITED = 2 };

static inline void
put_tag(Buffer *out, int field, enum wire wire)
{
    buffer_put_varint(out, (uint64_t)(field << 3 | (int)wire));
}

static void
put_double(Buffer *out, int field, double value)
{
    uint64_t bits;
    char bytes[8];
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    put_tag(out, field, FIXED64);
    buffer_put(out, bytes, 8);
}

static void
put_unsigned(Buffer *out, int field, uint64_t value)
{
    put_tag(out, field, VARINT);
    buffer_put_varint(out, value);
}

static inline uint64_t
zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

/* A message within a message: a byte is left for its size; more are made if it turns out larger. */
static size_t
message_begin(Buffer *out, int field)
{
    if (field)
        put_tag(out, field, DELIMITED);
    buffer_put_byte(out, 0);
    return out->size;
}

static void
message_end(Buffer *out, size_t begin)
{
    if (out->failed)
        return;
    uint64_t size = out->size - begin;
    size_t more = 0;
    for (uint64_t left = size >> 7; left; left >>= 7)
        more++;
    if (buffer_reserve(out, more) == NULL)
        return;
    memmove(out->data + begin + more, out->data + begin, size);
    out->size = begin - 1;
    buffer_put_varint(out, size);
    out->size += size;
}

static void
put_time(Buffer *out, int field, int64_t ns)
{
    if (ns <= 0)
        return;
    size_t begin = message_begin(out, field);
    put_unsigned(out, 1, (uint64_t)(ns / 1000000000));
    if (ns % 1000000000)
        put_unsigned(out, 2, (uint64_t)(ns % 1000000000));
    message_end(out, begin);
}

static void
put_labels(Buffer *out, const Record *record)
{
    const Shape *shape = record->shape;
    buffer_put(out, shape->constants[PROTOBUF].data, shape->constants[PROTOBUF].size);
    const char *values = record_values(record);
    for (int32_t i = 0; i < shape->n_names; i++) {
        uint64_t size;
        values = varint_read(values, &size);
        render_put_pair(out, shape->names[i].data, shape->names[i].size, values, (size_t)size);
        values += size;
    }
}

/* ---- exemplars ---- */

static void
put_trace(Buffer *out, const Spot *spot)
{
    char text[32];
    for (int i = 0; i < 32; i++)
        text[i] = "0123456789abcdef"[(i < 16 ? spot->trace_high : spot->trace_low) >> (60 - 4 * (i % 16)) & 15];
    render_put_pair(out, "trace_id", 8, text, 32);
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[spot->span >> (60 - 4 * i) & 15];
    render_put_pair(out, "span_id", 7, text, 16);
}

static void
put_exemplar(Buffer *out, int field, const Record *record, const Spot *spot)
{
    if (spot == NULL)
        return;
    size_t begin = message_begin(out, field);
    if (spot->trace_high || spot->trace_low)
        put_trace(out, spot);
    const char *at = (const char *)record + spot->labels_at;
    const char *end = at + (record_labels_fit(record, spot) ? spot->labels_size : 0);
    while (at < end) {
        uint64_t name_size, value_size;
        const char *name = varint_read(at, &name_size), *value = varint_read(name + name_size, &value_size);
        render_put_pair(out, name, (size_t)name_size, value, (size_t)value_size);
        at = value + value_size;
    }
    put_double(out, EXEMPLAR_VALUE, spot->real);
    put_time(out, EXEMPLAR_TIME, spot->time_ns);
    message_end(out, begin);
}

/* The newest exemplars, oldest first. */
static void
put_exemplars(Buffer *out, const Record *record)
{
    const Spot *spots = record_spots(record);
    int64_t after = INT64_MIN;
    for (uint32_t left = record->n_spots; left > 0; left--) {
        const Spot *next = NULL;
        for (uint32_t i = 0; i < record->n_spots; i++)
            if (spots[i].time_ns > after && (next == NULL || spots[i].time_ns < next->time_ns))
                next = &spots[i];
        if (next == NULL)
            return;
        after = next->time_ns;
        uint32_t newer = 0;
        for (uint32_t i = 0; i < record->n_spots; i++)
            newer += spots[i].time_ns > after;
        if (newer < MOST_SHOWN && after > 0)
            put_exemplar(out, HISTOGRAM_EXEMPLARS, record, next);
    }
}

/* ---- histograms ---- */

static void
put_bucket(Buffer *out, const Record *record, uint64_t count, double lower, double upper)
{
    size_t begin = message_begin(out, HISTOGRAM_BUCKET);
    put_unsigned(out, BUCKET_COUNT, count);
    put_double(out, BUCKET_UPPER, upper);
    if (record->n_spots)
        put_exemplar(out, BUCKET_EXEMPLAR, record, record_newest(record, lower, upper));
    message_end(out, begin);
}

static void
put_explicit(Buffer *out, const Record *record)
{
    const Bands *bands = record->shape->bands;
    double lower = -INFINITY;
    uint64_t sum = 0;
    for (int32_t i = 0; i <= bands->size; i++) {
        double upper = i < bands->size ? bands->upper[i] : INFINITY;
        sum += record_counts(record)[i];
        put_bucket(out, record, sum, lower, upper);
        lower = upper;
    }
}

/* The buckets that the text formats show, for a Prometheus that does not take native histograms. */
static void
put_coarse(Buffer *out, const Record *record)
{
    Merged merged = merged_of(record, COARSE);
    int64_t first, last;
    uint64_t sum = record->zeros;
    double lower = -INFINITY;
    int any = merged_range(&merged, &first, &last);
    if (record->zeros || any) {
        double least = record->zeros ? record->zero_threshold : merged_bound(&merged, first);
        put_bucket(out, record, sum, lower, least);
        lower = least;
    }
    for (int64_t index = first; any && index <= last; index++) {
        double upper = merged_bound(&merged, index + 1);
        sum += merged_count(&merged, index);
        if (isinf(upper))
            continue;
        put_bucket(out, record, sum, lower, upper);
        lower = upper;
    }
    put_bucket(out, record, sum, lower, INFINITY);
}

static void
put_span(Buffer *out, int64_t offset, uint64_t length)
{
    size_t begin = message_begin(out, HISTOGRAM_SPAN);
    put_unsigned(out, SPAN_OFFSET, zigzag(offset));
    put_unsigned(out, SPAN_LENGTH, length);
    message_end(out, begin);
}

/* Where the buckets that a span begins with end: before a gap that is worth a span, or after `last`. */
static int64_t
span_end(const Merged *merged, int64_t from, int64_t last)
{
    int64_t end = from + 1, gap = 0;
    for (int64_t index = from + 1; index <= last; index++) {
        gap = merged_count(merged, index) ? 0 : gap + 1;
        if (gap > MOST_GAP)
            break;
        if (gap == 0)
            end = index + 1;
    }
    return end;
}

/* Prometheus counts a bucket by its upper end, OpenTelemetry by its lower one. */
static void
put_native(Buffer *out, const Record *record)
{
    Merged merged = merged_of(record, FINEST_SCHEMA);
    int64_t first, last, at = 0, before = 0;
    put_unsigned(out, HISTOGRAM_SCHEMA, zigzag(merged.scale));
    put_double(out, HISTOGRAM_THRESHOLD, record->zero_threshold > 0 ? record->zero_threshold : DEFAULT_THRESHOLD);
    put_unsigned(out, HISTOGRAM_ZEROS, record->zeros);
    if (!merged_range(&merged, &first, &last)) {
        put_span(out, 0, 0);
        return;
    }
    for (int64_t index = first; index <= last;) {
        int64_t end = span_end(&merged, index, last);
        put_span(out, index + 1 - at, (uint64_t)(end - index));
        at = end + 1;
        for (index = end; index <= last && merged_count(&merged, index) == 0;)
            index++;
    }
    size_t begin = message_begin(out, HISTOGRAM_DELTA);
    for (int64_t index = first; index <= last;) {
        int64_t end = span_end(&merged, index, last);
        for (; index < end; index++) {
            int64_t count = (int64_t)merged_count(&merged, index);
            buffer_put_varint(out, zigzag(count - before));
            before = count;
        }
        while (index <= last && merged_count(&merged, index) == 0)
            index++;
    }
    message_end(out, begin);
}

static void
put_histogram(Buffer *out, const Record *record)
{
    int exponential = record->shape->kind == EXPONENTIAL;
    uint64_t count = exponential ? record->zeros : 0;
    for (uint32_t i = 0; i < record->n_counts; i++)
        count += record_counts(record)[i];
    size_t begin = message_begin(out, METRIC_HISTOGRAM);
    put_unsigned(out, HISTOGRAM_COUNT, count);
    put_double(out, HISTOGRAM_SUM, record_sum(record));
    if (exponential)
        put_coarse(out, record);
    else
        put_explicit(out, record);
    if (exponential && record->scale >= COARSEST_SCHEMA) {
        put_native(out, record);
        put_exemplars(out, record);
    }
    put_time(out, HISTOGRAM_CREATED, record->started_ns);
    message_end(out, begin);
}

/* ---- families ---- */

static void
put_value(Buffer *out, const Record *record)
{
    int type = record->family->type;
    size_t begin = message_begin(out, type == TYPE_COUNTER   ? METRIC_COUNTER
                                      : type == TYPE_GAUGE   ? METRIC_GAUGE
                                                             : METRIC_UNTYPED);
    put_double(out, VALUE, record_sum(record));
    if (type == TYPE_COUNTER) {
        put_exemplar(out, COUNTER_EXEMPLAR, record, record_newest(record, -INFINITY, INFINITY));
        put_time(out, COUNTER_CREATED, record->started_ns);
    }
    message_end(out, begin);
}

void
write_family_end(Writer *writer)
{
    if (writer->head != NULL)
        message_end(&writer->out, writer->family_at);
    writer->head = NULL;
}

void
write_protobuf(Writer *writer, const Record *record)
{
    Buffer *out = &writer->out;
    PyObject *head = record->family->heads[PROTOBUF];
    if (head != writer->head) {
        write_family_end(writer);
        writer->head = head;
        writer->family_at = message_begin(out, 0);
        buffer_put(out, PyBytes_AS_STRING(head), (size_t)PyBytes_GET_SIZE(head));
    }
    size_t begin = message_begin(out, FAMILY_METRIC);
    put_labels(out, record);
    if (record->family->type == TYPE_HISTOGRAM)
        put_histogram(out, record);
    else
        put_value(out, record);
    message_end(out, begin);
}
