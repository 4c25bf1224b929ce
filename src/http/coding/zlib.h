/* zlib.h - gzip (RFC 1952, several members too) and deflate (RFC 1950, and bare RFC 1951 as some servers send it). */
#ifndef HTTP_CODING_ZLIB_H
#define HTTP_CODING_ZLIB_H

#include "http/coding/kind.h"

extern const struct http_coding_kind http_coding_zlib_gzip;
extern const struct http_coding_kind http_coding_zlib_deflate;

#endif
