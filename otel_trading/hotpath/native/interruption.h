/* What a hook, a factory or an owner raises is forgotten, since nothing may raise into the code that records. But what is no
 * Exception was meant for the process: KeyboardInterrupt, or the SystemExit of a signal handler that ran meanwhile. In the
 * main thread that is raised again at the next step of the interpreter. */
#ifndef OTEL_TRADING_INTERRUPTION_H
#define OTEL_TRADING_INTERRUPTION_H

#include "common.h"

void forget_error(void);

#endif
