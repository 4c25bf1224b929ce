/* utf8.h - where valid UTF-8 ends (Unicode, table 3-7). */
#ifndef HTTP_CHARSET_UTF8_H
#define HTTP_CHARSET_UTF8_H

#include "base/str.h"

/* The length of the longest valid prefix.  *ret_bad is the length of what follows it and is no character (1 to 3 bytes:
 * the "maximal subpart"), 0 at the end; *ret_is_cut: those are the beginning of a character that the end cuts off. */
size_t http_charset_utf8_valid_len(struct str s, size_t *ret_bad, bool *ret_is_cut);
#endif
