#include "counts.h"

Counts *
counts_new(Py_ssize_t size, int exemplars)
{
    size_t each = sizeof(uint16_t) + (exemplars ? sizeof(uint8_t) : 0);
    return PyMem_Calloc(1, sizeof(Counts) + (size_t)size * each);
}

void
counts_free(Counts *counts)
{
    if (counts != NULL)
        PyMem_Free(counts->carries);
    PyMem_Free(counts);
}

void
counts_empty(Counts *counts, Py_ssize_t size)
{
    memset(counts->low, 0, (size_t)size * sizeof(uint16_t));
    if (counts->carries != NULL)
        memset(counts->carries, 0, (size_t)size * sizeof(uint64_t));
}

static inline uint64_t
count_at(const Counts *counts, Py_ssize_t at)
{
    return counts->low[at] + (counts->carries == NULL ? 0 : counts->carries[at] << 16);
}

void
counts_copy(const Counts *counts, Py_ssize_t size, uint64_t *to)
{
    for (Py_ssize_t at = 0; at < size; at++)
        to[at] = count_at(counts, at);
}

uint64_t
counts_total(const Counts *counts, Py_ssize_t size)
{
    uint64_t total = 0;
    for (Py_ssize_t at = 0; at < size; at++)
        total += count_at(counts, at);
    return total;
}

int
counts_carry(Counts *counts, Py_ssize_t size, int64_t at)
{
    if (counts->carries == NULL)
        counts->carries = PyMem_Calloc((size_t)size, sizeof(uint64_t));
    if (counts->carries == NULL) {
        counts->low[at]--;
        return 0;
    }
    counts->carries[at]++;
    return 1;
}
