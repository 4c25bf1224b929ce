/* brotli.h - the "br" coding (RFC 7932).  Its window is 16 MiB at most. */
#ifndef HTTP_CODING_BROTLI_H
#define HTTP_CODING_BROTLI_H

#include "http/coding/kind.h"

extern const struct http_coding_kind http_coding_brotli_br;

#endif
