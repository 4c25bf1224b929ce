/* say.h - messages of commands: one line on stderr, what, why and what to do. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include "base/err.h"

/* "sekisho: ..." */
void cli_say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same without a prefix: results that are no data, progress. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether what is printed there is read by a person; and whether colours are wanted there (NO_COLOR, TERM=dumb). */
bool cli_say_is_terminal(int fd);
bool cli_say_has_color(int fd);
/* Flushes stdout; CLI_FAILED with a message when the disk or the reader took not all of it. */
int cli_say_finish(void);

#endif
