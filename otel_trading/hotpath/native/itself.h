/* An object that is its own __enter__ and __exit__: `with` looks both up and calls what it gets, which is the object. That is
 * two bound methods less to be made and freed, a third of what timing a block costs (benchmarks/hotpath.py). */
#ifndef OTEL_TRADING_ITSELF_H
#define OTEL_TRADING_ITSELF_H

#include "common.h"

/* Gives a type whose objects are called by vectorcall both methods, and makes it immutable. Looked up on the type and called
 * with an object, as contextlib.ExitStack does, they call that; what is no such object is refused with the message. 0, or -1. */
int itself_give(PyTypeObject *type, const char *message);

#endif
