/* jis.h - ISO-2022-JP (RFC 1468 and its extensions: half-width katakana, JIS X 0212) to the bytes of EUC-JP. */
#ifndef HTTP_CHARSET_JIS_H
#define HTTP_CHARSET_JIS_H

#include "base/str.h"

/* The least room that a call needs. */
#define HTTP_CHARSET_JIS_ROOM_MIN ((size_t)16)

enum http_charset_jis_mode {
    HTTP_CHARSET_JIS_ASCII, /* JIS X 0201 Roman as well: its yen sign stays a backslash */
    HTTP_CHARSET_JIS_KATAKANA,
    HTTP_CHARSET_JIS_X0208,
    HTTP_CHARSET_JIS_X0212,
};

struct http_charset_jis {
    enum http_charset_jis_mode mode;
    char lead; /* the first byte of a character of two; 0: none */
    char escape[4];
    size_t escape_len;
};

/* Takes bytes from *input as long as there is room; returns the length written.  What is no character becomes the byte
 * 0xFF, which EUC-JP does not have. */
size_t http_charset_jis_convert(struct http_charset_jis *jis, struct str *input, char *room, size_t size);
/* What an unfinished character or escape gives at the end. */
size_t http_charset_jis_finish(struct http_charset_jis *jis, char *room, size_t size);

#endif
