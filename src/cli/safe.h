/* safe.h - captured bytes on a terminal: lines stay lines, everything that could drive a terminal becomes visible. */
#ifndef CLI_SAFE_H
#define CLI_SAFE_H

#include <stdio.h>

#include "base/str.h"

/* LF and tab are kept, CR before LF is left out, the rest as log_safe() shows it.  Ends with a line end. */
void cli_safe_print(FILE *file, struct str bytes);
/* Offset, sixteen bytes in hex, and as text.  `offset` is that of the first byte. */
void cli_safe_hex(FILE *file, struct str bytes, uint64_t offset);
/* Whether it is mostly text: UTF-8 without NUL and few control characters in its first 4 KiB. */
bool cli_safe_is_text(struct str bytes);

#endif
