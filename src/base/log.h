/* log.h - messages for the person at the terminal, on stderr, one line each.
 *
 * Any thread may call.  Bytes from outside must go through log_safe(), which makes control characters, escape sequences
 * and bytes that are not UTF-8 visible as \xHH, so that captured traffic cannot forge a line or drive a terminal.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_NOTICE,
    LOG_DEBUG,
};

/* The least important level that is printed; LOG_NOTICE at start. */
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes a printable form of `s` into text, cut with "..." when it does not fit; returns text. */
const char *log_safe(struct str s, char *text, size_t size);

#endif
