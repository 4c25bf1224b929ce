/* zstd.h - the "zstd" coding (RFC 8878), several frames too.  A frame's window is bounded: it is allocated whole. */
#ifndef HTTP_CODING_ZSTD_H
#define HTTP_CODING_ZSTD_H

#include "http/coding/kind.h"

extern const struct http_coding_kind http_coding_zstd;

#endif
