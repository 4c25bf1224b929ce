/* declared.h - what a text says of its own encoding, in its first bytes.  Each gives NULL when it says nothing. */
#ifndef HTTP_CHARSET_DECLARED_H
#define HTTP_CHARSET_DECLARED_H

#include "http/charset/table.h"

/* A byte order mark: UTF-8 or UTF-16. */
const struct http_charset *http_charset_declared_by_bom(struct str start);
/* <?xml version="1.0" encoding="..."?>, or the shape of "<?" in UTF-16. */
const struct http_charset *http_charset_declared_by_xml(struct str start);
/* <meta charset=...> or <meta http-equiv=content-type content="...charset=..."> in the first 1024 bytes (HTML Standard,
 * 13.2.3.2, as far as real pages need it). */
const struct http_charset *http_charset_declared_by_meta(struct str start);
/* @charset "..."; at the very start (CSS Syntax, 3.2). */
const struct http_charset *http_charset_declared_by_css(struct str start);

#endif
