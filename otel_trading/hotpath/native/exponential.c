#include "exponential.h"

uint64_t exponential_bounds[(1 << FINEST_TABLE) + 3];
uint8_t exponential_first[256];

/* The mantissa of 2**(part / 64), rounded down, for each part; and for each leading byte of a mantissa the first part. */
void
exponential_prepare_table(void)
{
    int parts = 1 << FINEST_TABLE;
    for (int part = 0; part < parts; part++)
        exponential_bounds[part] = (uint64_t)ldexpl(exp2l((long double)part / parts) - 1.0L, 52);
    for (int part = parts; part < parts + 3; part++)
        exponential_bounds[part] = UINT64_MAX;
    for (int byte = 0; byte < 256; byte++) {
        int part = 0;
        while (part + 1 < parts && exponential_bounds[part + 1] < (uint64_t)byte << 44)
            part++;
        exponential_first[byte] = (uint8_t)part;
    }
}

Exponential *
exponential_new(int32_t size, int32_t max_scale, double zero_threshold)
{
    Exponential *made = PyMem_Calloc(1, sizeof(Exponential) + size * sizeof(uint64_t));
    if (made != NULL) {
        made->size = size;
        made->scale = max_scale;
        made->zero_threshold = zero_threshold;
    }
    return made;
}

int64_t
exponential_index(double value, int32_t scale)
{
    int exponent;
    double fraction = frexp(value, &exponent); /* 0.5 <= fraction < 1 */
    if (value < 0x1p-1022) {
        fraction = 0.5;
        exponent = -1021;
    }
    if (scale <= 0) {
        int64_t octave = exponent - 1 - (fraction == 0.5);
        return octave >> -scale;
    }
    int64_t parts = (int64_t)1 << scale;
    if (fraction == 0.5)
        return ((int64_t)exponent - 1) * parts - 1;
    int64_t part = (int64_t)ceil(log2(fraction * 2) * (double)parts) - 1;
    part = part < 0 ? 0 : part >= parts ? parts - 1 : part;
    return ((int64_t)exponent - 1) * parts + part;
}

static void
find_used(const Exponential *buckets, int64_t *low, int64_t *high)
{
    int32_t first = 0, last = buckets->size - 1;
    while (first < last && buckets->counts[first] == 0)
        first++;
    while (last > first && buckets->counts[last] == 0)
        last--;
    *low = buckets->base + first;
    *high = buckets->base + last;
}

int64_t
exponential_make_room(Exponential *buckets, int64_t index)
{
    int32_t size = buckets->size;
    if (buckets->filled == 0) {
        buckets->base = index - size / 2;
        return index - buckets->base;
    }
    int64_t low, high;
    find_used(buckets, &low, &high);
    int shift = 0;
    int64_t new_low = index < low ? index : low, new_high = index > high ? index : high;
    while (new_high - new_low >= size) {
        new_low >>= 1;
        new_high >>= 1;
        shift++;
    }
    int64_t spare = size - (new_high - new_low + 1);
    int64_t base = new_low - spare / 2;
    uint64_t *fresh = PyMem_RawCalloc(size, sizeof(uint64_t));
    if (fresh == NULL)
        return 0; /* out of memory: it is counted in the lowest bucket, and nothing is lost of the total */
    for (int64_t old = low; old <= high; old++)
        fresh[(old >> shift) - base] += buckets->counts[old - buckets->base];
    memcpy(buckets->counts, fresh, size * sizeof(uint64_t));
    PyMem_RawFree(fresh);
    buckets->base = base;
    buckets->scale -= shift;
    return (index >> shift) - base;
}
