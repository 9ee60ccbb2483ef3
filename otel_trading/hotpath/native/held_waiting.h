/* The finished spans of a group that wait: their bytes with their recorders, one behind the other, in bounded memory. */
#ifndef OTEL_TRADING_HELD_WAITING_H
#define OTEL_TRADING_HELD_WAITING_H

#include "held.h"

#define NOTHING (Wire){NULL, 0, 0, 0, 0}

/* Lets a span wait. If it does not fit, what waited is forgotten: the newest is nearest to what may go wrong. */
void waiting_add(Held *held, const Span *span);
/* All that waits, and how many spans that are; under GUARD. It is given to waiting_free in the end. */
Wire waiting_take(Held *held, uint32_t *spans);
/* To the arenas of their recorders, in their order. */
void waiting_offer(const Wire *finished);
/* Gives up what was taken out of a group. Recorders that die may run Python. */
void waiting_free(Held *held, Wire *finished);

#endif
