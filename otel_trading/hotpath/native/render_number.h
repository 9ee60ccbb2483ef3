/* Numbers as text: without Python, without the process's locale, and exact. Free of the GIL. */
#ifndef OTEL_TRADING_RENDER_NUMBER_H
#define OTEL_TRADING_RENDER_NUMBER_H

#include "common.h"

#define MOST_NUMBER 48 /* bytes that any of these writes at most */

typedef __int128 Wide;

/* digits * 10**exponent; the digits do not end in 0. */
typedef struct {
    uint64_t digits;
    int32_t exponent;
} Decimal;

/* Fills the table of powers; once, before anything else here. */
void number_prepare(void);
/* The shortest decimal that reads back as this double, the nearest of them if there are several; positive and finite. */
Decimal number_shortest(double value);

/* Each writes at `to` and returns how many bytes; nothing is terminated. */
size_t number_write_count(char *to, uint64_t value);
size_t number_write_wide(char *to, Wide value);
/* As Prometheus writes it: an exponent below 1e-4 and from 1e+06 on. `pointed`: never without point or exponent. */
size_t number_write_real(char *to, double value, int pointed);
/* Nanoseconds as seconds, exactly. */
size_t number_write_seconds(char *to, int64_t ns);

#endif
