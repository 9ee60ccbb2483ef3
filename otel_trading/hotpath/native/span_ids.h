/* Random ids, and how often the process was forked: what is from before a fork belongs to the parent. */
#ifndef OTEL_TRADING_SPAN_IDS_H
#define OTEL_TRADING_SPAN_IDS_H

#include "common.h"

extern uint32_t forks; /* of this process and its ancestors since the module was loaded */

/* 64 random bits, never all zero. A child and each thread of a free-threaded build have a seed of their own. */
uint64_t id_make(void);

int ids_prepare(void);

#endif
