/* terminal.h - what the process stands in: the terminal's width, the working folder, and who runs it. */
#ifndef OS_TERMINAL_H
#define OS_TERMINAL_H

#include "base/err.h"

/* Columns of the terminal on that descriptor; 0 when it is none or does not say. */
unsigned os_terminal_columns(int fd);
/* The absolute path of the working folder.  ERR_LIMIT when it does not fit. */
MUST_CHECK struct err os_terminal_folder(char *path, size_t size);
/* Whether the process runs as root. */
bool os_terminal_is_root(void);

#endif
