#include "extremes.h"

/* Exact, whatever their size: -1, 0 or 1. */
static int
compare(int64_t whole, double real)
{
    if (real >= 0x1p63)
        return -1;
    if (real < -0x1p63)
        return 1;
    double floor_of = floor(real);
    int64_t below = (int64_t)floor_of;
    if (whole != below)
        return whole < below ? -1 : 1;
    return floor_of < real ? -1 : 0;
}

void
extremes_meet_whole(Cell *cell, int64_t value)
{
    int least_real = cell->extremes & LEAST_REAL, most_real = cell->extremes & MOST_REAL;
    if (least_real ? compare(value, cell->least.real) <= 0 : value < cell->least.whole) {
        cell->least.whole = value;
        cell->extremes &= (uint8_t)~LEAST_REAL;
    }
    if (most_real ? compare(value, cell->most.real) >= 0 : value > cell->most.whole) {
        cell->most.whole = value;
        cell->extremes &= (uint8_t)~MOST_REAL;
    }
}

void
extremes_meet_real(Cell *cell, double value)
{
    int least_real = cell->extremes & LEAST_REAL, most_real = cell->extremes & MOST_REAL;
    if (least_real ? value < cell->least.real : compare(cell->least.whole, value) > 0) {
        cell->least.real = value;
        cell->extremes |= LEAST_REAL;
    }
    if (most_real ? value > cell->most.real : compare(cell->most.whole, value) < 0) {
        cell->most.real = value;
        cell->extremes |= MOST_REAL;
    }
}
