/* error.h - the system's error numbers as struct err. */
#ifndef OS_ERROR_H
#define OS_ERROR_H

#include "base/err.h"

/* `number` is an errno; it stands in err.wire, its text in err.what. */
struct err os_error_of_file(int number);
/* Of sockets: refused, reset, timed out; bind's "taken" (ERR_BUSY) and "not allowed" (ERR_DENIED). */
struct err os_error_of_net(int number);

#endif
