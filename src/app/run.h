/* run.h - the program as a proxy: from a configuration to a running whole, until a signal ends it. */
#ifndef APP_RUN_H
#define APP_RUN_H

#include "app/config.h"

/* Prints what a person or a script waits for, serves, and returns the exit status: 0 ended by a signal or by the API, 1
 * could not start (one line on stderr says why and what to do). */
int app_run(const struct app_config *config);

#endif
