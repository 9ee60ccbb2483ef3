#include "exponential.h"

#define PARTS (1 << FINEST)  /* buckets of an octave at the finest scale */
#define HALF 10              /* bits of a part that each of the two factors stands for */

typedef unsigned __int128 Fixed; /* a number from 1 to 2, times 2**127 */

uint64_t exponential_bounds[(1 << FINEST_TABLE) + 3];
uint8_t exponential_first[256];

/* 2**(part / PARTS) = coarse[part >> HALF] * fine[part & ...]. Each is off by less than 2**-104, and no boundary lies as
 * near as that to a double (tests/hotpath/test_hotpath_exponential.py compares all of them with exact integers). */
static Fixed coarse[1 << HALF], fine[1 << HALF];

static Fixed
times(Fixed a, Fixed b)
{
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a, b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    Fixed low = (Fixed)a0 * b0, left = (Fixed)a1 * b0, right = (Fixed)a0 * b1;
    Fixed middle = (low >> 64) + (uint64_t)left + (uint64_t)right;
    Fixed high = (Fixed)a1 * b1 + (left >> 64) + (right >> 64) + (middle >> 64);
    return high << 1 | ((uint64_t)middle >> 63);
}

/* The mantissa of 2**(part / PARTS), rounded down: a double with a larger one lies above that boundary. */
static inline uint64_t
boundary(int64_t part)
{
    Fixed found = times(coarse[part >> HALF], fine[part & ((1 << HALF) - 1)]);
    return (uint64_t)((found << 1) >> 76); /* without the leading 1, 52 bits of the rest */
}

void
exponential_prepare(void)
{
    const Fixed one = (Fixed)1 << 127;
    const Fixed root = (Fixed)0x8000058b90de7e4cULL << 64 | 0xecfc487503488bb1ULL; /* 2**(1 / PARTS) */
    fine[0] = coarse[0] = one;
    for (int i = 1; i < 1 << HALF; i++)
        fine[i] = times(fine[i - 1], root);
    Fixed step = times(fine[(1 << HALF) - 1], root);
    for (int i = 1; i < 1 << HALF; i++)
        coarse[i] = times(coarse[i - 1], step);
    int parts = 1 << FINEST_TABLE;
    for (int part = 0; part < parts; part++)
        exponential_bounds[part] = boundary((int64_t)part << (FINEST - FINEST_TABLE));
    for (int part = parts; part < parts + 3; part++)
        exponential_bounds[part] = UINT64_MAX;
    for (int byte = 0; byte < 256; byte++) {
        int part = 0;
        while (part + 1 < parts && exponential_bounds[part + 1] < (uint64_t)byte << 44)
            part++;
        exponential_first[byte] = (uint8_t)part;
    }
}

int64_t
exponential_finest(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52) - 1023;
    uint64_t mantissa = bits & 0xfffffffffffffULL;
    if (UNLIKELY(exponent < -1022)) {
        exponent = -1022;
        mantissa = 0;
    }
    if (mantissa == 0)
        return exponent * PARTS - 1;
    int64_t part = (int64_t)(log2(1.0 + (double)mantissa * 0x1p-52) * PARTS);
    part = part < 0 ? 0 : part >= PARTS ? PARTS - 1 : part;
    while (part > 0 && mantissa <= boundary(part))
        part--;
    while (part + 1 < PARTS && mantissa > boundary(part + 1))
        part++;
    return exponent * PARTS + part;
}

Exponential *
exponential_new(int32_t size, int32_t max_scale, double zero_threshold, int exemplars)
{
    size_t each = sizeof(uint64_t) + (exemplars ? sizeof(uint8_t) : 0);
    Exponential *made = PyMem_Calloc(1, sizeof(Exponential) + (size_t)size * each);
    if (made != NULL) {
        made->size = size;
        made->scale = made->finest = max_scale;
        made->zero_threshold = zero_threshold;
    }
    return made;
}

void
exponential_empty(Exponential *buckets)
{
    buckets->scale = buckets->finest;
    buckets->base = 0;
    buckets->zeros = buckets->filled = 0;
    memset(buckets->counts, 0, buckets->size * sizeof(uint64_t));
}

/* Counts of neighbours are added up in place. Ascending: what is written to was read before. Returns the new base. */
static int64_t
halve(Exponential *buckets, int shift, int32_t first, int32_t last)
{
    int64_t low = (buckets->base + first) >> shift;
    for (int32_t old = first; old <= last; old++) {
        uint64_t count = buckets->counts[old];
        buckets->counts[old] = 0;
        buckets->counts[((buckets->base + old) >> shift) - low] += count;
    }
    return low;
}

int64_t
exponential_make_room(Exponential *buckets, int64_t index)
{
    int32_t size = buckets->size, first = 0, last = size - 1;
    if (buckets->filled == 0) {
        buckets->base = index - size / 2;
        return size / 2;
    }
    while (buckets->counts[first] == 0)
        first++;
    while (buckets->counts[last] == 0)
        last--;
    int64_t low = buckets->base + first, high = buckets->base + last;
    low = index < low ? index : low;
    high = index > high ? index : high;
    int shift = 0;
    while ((high >> shift) - (low >> shift) >= size)
        shift++;
    int64_t used = halve(buckets, shift, first, last);
    int32_t width = (int32_t)(((buckets->base + last) >> shift) - used) + 1;
    /* what is free is left at both ends: the next value may come from either */
    int64_t base = (low >> shift) - (size - ((high >> shift) - (low >> shift) + 1)) / 2;
    memmove(buckets->counts + (used - base), buckets->counts, width * sizeof(uint64_t));
    memset(buckets->counts, 0, (size_t)(used - base) * sizeof(uint64_t));
    memset(buckets->counts + (used - base) + width, 0, (size_t)(size - (used - base) - width) * sizeof(uint64_t));
    buckets->base = base;
    buckets->scale -= shift;
    return (index >> shift) - base;
}

PyObject *
exponential_index_call(PyObject *module, PyObject *arguments)
{
    double value;
    int scale;
    if (!PyArg_ParseTuple(arguments, "di:exponential_index", &value, &scale))
        return NULL;
    if (!(value > 0) || !isfinite(value) || scale < -10 || scale > FINEST) {
        PyErr_SetString(PyExc_ValueError, "exponential_index takes a finite value above 0 and a scale from -10 to 20");
        return NULL;
    }
    return PyLong_FromLongLong(exponential_index(value, scale));
}
