/* detect.h - guesses the encoding of a text that does not tell it: UTF-8, UTF-16, and the three of Japanese. */
#ifndef HTTP_CHARSET_DETECT_H
#define HTTP_CHARSET_DETECT_H

#include "http/charset/table.h"

/* NULL: it is all ASCII, or nothing fits.  A character cut off at the end counts as whole. */
const struct http_charset *http_charset_detect(struct str start);
bool http_charset_detect_is_ascii(struct str start);

#endif
