/* Whether a text may hold a secret: a condition that each rule of privacy/secrets_in_text.py needs, cheap to look for.
 *
 * More texts are told apart there; none that is changed there is missed here. Texts are UTF-8. */
#ifndef OTEL_TRADING_SPAN_TEXT_H
#define OTEL_TRADING_SPAN_TEXT_H

#include "common.h"

/* A word of the name of a secret: lower case ASCII, or `foreign`, of which only that it is not ASCII is looked at. */
typedef struct {
    char *letters;
    uint32_t size;
    uint8_t foreign;
} Word;

/* Words that make a name that of a secret if all are in it; the last one at its end if `ends`. */
typedef struct {
    Word *words;
    uint32_t number;
    uint32_t alphabet; /* letters that a name must have, a bit each */
    uint8_t ends;
} Row;

typedef struct {
    Row *rows;
    uint32_t number;
    uint8_t foreign; /* one of the words is */
} SecretNames;

/* Rows of lower-case words, from sequences of sequences of str; -1 with an exception. */
int secret_names_add(SecretNames *names, PyObject *rows, uint8_t ends);
void secret_names_free(SecretNames *names);

/* Runs no Python, and needs no GIL. */
int name_suspicious(const SecretNames *names, const uint8_t *name, size_t size);
int text_suspicious(const SecretNames *names, const uint8_t *text, size_t size);

#endif
