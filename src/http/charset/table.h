/* table.h - the encodings that are known, and their labels (WHATWG Encoding Standard, 4.2). */
#ifndef HTTP_CHARSET_TABLE_H
#define HTTP_CHARSET_TABLE_H

#include "base/str.h"

enum http_charset_method {
    HTTP_CHARSET_METHOD_UTF8,
    HTTP_CHARSET_METHOD_ICONV,
    HTTP_CHARSET_METHOD_EUCJP,     /* as browsers read it, see euc.h */
    HTTP_CHARSET_METHOD_ISO2022JP, /* turned into EUC-JP; iconv's own is too narrow */
};

struct http_charset {
    const char *name;
    const char *iconv_name; /* of glibc */
    enum http_charset_method method;
    size_t unit_len;         /* bytes of a code unit: 2 for UTF-16 */
    bool has_two_byte_chars; /* in which both bytes may be 0x80 and above */
};

/* `label` in any case, without white space around it.  NULL when unknown. */
const struct http_charset *http_charset_table_find(struct str label);

#endif
