/* utf8.h - UTF-8 one sequence at a time (RFC 3629): well-formed only, without surrogates and overlong forms. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

#define UTF8_BYTES_MAX 4

/* The length of the sequence that `s` begins with and its code point; 0, with *ret_point untouched, when `s` is empty
 * or begins with no well-formed sequence. */
size_t utf8_decode(struct str s, uint32_t *ret_point);
/* Writes a code point (not a surrogate, at most 10FFFF) and returns its length, 1 to 4. */
size_t utf8_encode(uint32_t point, char bytes[UTF8_BYTES_MAX]);
bool utf8_is_valid(struct str s);

#endif
