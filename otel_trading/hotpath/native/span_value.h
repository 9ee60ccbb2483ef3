/* Attributes as OTLP carries them: a key and a value, encoded when they are set. */
#ifndef OTEL_TRADING_SPAN_VALUE_H
#define OTEL_TRADING_SPAN_VALUE_H

#include "span_wire.h"

/* A text whose bytes are valid UTF-8. */
typedef struct {
    PyObject *holder; /* an exact text, held */
    const char *bytes;
    size_t size;
} Text;

typedef struct {
    int32_t attributes;       /* how many */
    Py_ssize_t letters;       /* of a text */
} ValueLimits;

#define MOST_SHORT_TEXT 100 /* letters that attribute_put_short takes */

int values_prepare(void);

/* Any object as a text; what is none is converted. 0, or -1 if that is not possible; no exception is left. */
int text_of(PyObject *value, Text *text);
/* The same for a key. */
int key_of(PyObject *key, Text *text);

static inline void
text_leave(Text *text)
{
    Py_CLEAR(text->holder);
}

/* Writes a KeyValue as a field with this tag. 0, or -1 if the value cannot be encoded; no exception is left, and the wire is
 * as before. May run Python. */
int attribute_put(Wire *wire, uint8_t tag, const Text *key, PyObject *value, Py_ssize_t letters);

/* The same for what most attributes are, a short ASCII key with a short ASCII text, a number or a bool, in one piece. 1, or 0 if
 * it is none of these; then nothing is written. Runs no Python. */
int attribute_put_short(Wire *wire, uint8_t tag, PyObject *key, PyObject *value);

/* The field with this tag and key from `from` on; NULL if there is none. All fields there are length-delimited. */
uint8_t *attribute_find(Wire *wire, uint32_t from, uint8_t tag, const char *key, size_t size);

/* Cuts out a field that attribute_find found. */
void attribute_cut(Wire *wire, uint8_t *field);

/* Calls `each(context, key, value)` for all of a mapping, which may be None or NULL. -1 if it is none or raises. */
int each_attribute(PyObject *mapping, void (*each)(void *, PyObject *, PyObject *), void *context);

/* Writes attributes as fields with this tag, `from` on, each key once; what was dropped is counted. Returns their number. */
int attributes_put(Wire *wire, uint8_t tag, PyObject *mapping, const ValueLimits *limits, uint32_t *dropped);

#endif
