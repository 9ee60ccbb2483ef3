/* Least and largest value of a histogram, each in the type it came in; an int if an int and a float are equal. */
#ifndef OTEL_TRADING_EXTREMES_H
#define OTEL_TRADING_EXTREMES_H

#include "cell.h"

/* Where ints and floats meet. */
void extremes_meet_whole(Cell *cell, int64_t value);
void extremes_meet_real(Cell *cell, double value);

static inline void
extremes_note_whole(Cell *cell, int64_t value)
{
    if (UNLIKELY(cell->extremes != 0)) {
        extremes_meet_whole(cell, value);
        return;
    }
    if (value < cell->least.whole)
        cell->least.whole = value;
    if (value > cell->most.whole)
        cell->most.whole = value;
}

static inline void
extremes_note_real(Cell *cell, double value)
{
    if (UNLIKELY(cell->extremes != (LEAST_REAL | MOST_REAL))) {
        extremes_meet_real(cell, value);
        return;
    }
    if (value < cell->least.real)
        cell->least.real = value;
    if (value > cell->most.real)
        cell->most.real = value;
}

#endif
