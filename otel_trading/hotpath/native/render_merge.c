#include "render_write.h"

Merged
merged_of(const Record *record, int most_scale)
{
    int scale = record->scale < most_scale ? record->scale : most_scale;
    return (Merged){record_counts(record), record->base, record->base + record->n_counts, record->scale - scale, scale};
}

int
merged_range(const Merged *merged, int64_t *first, int64_t *last)
{
    int64_t low = merged->base, high = merged->end;
    while (low < high && merged->counts[low - merged->base] == 0)
        low++;
    while (high > low && merged->counts[high - 1 - merged->base] == 0)
        high--;
    *first = low >> merged->shift;
    *last = (high - 1) >> merged->shift;
    return low < high;
}

uint64_t
merged_count(const Merged *merged, int64_t index)
{
    int64_t from = index * ((int64_t)1 << merged->shift), to = from + ((int64_t)1 << merged->shift);
    uint64_t sum = 0;
    for (int64_t i = from < merged->base ? merged->base : from; i < to && i < merged->end; i++)
        sum += merged->counts[i - merged->base];
    return sum;
}

double
merged_bound(const Merged *merged, int64_t index)
{
    return pow(2.0, ldexp((double)index, -merged->scale));
}
