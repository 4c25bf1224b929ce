/* charset.h - text of any encoding to UTF-8, for reading and search.
 *
 * Two steps: http_charset_choose() says which encoding a body has and why, then it is converted.  Names are the labels
 * of the WHATWG Encoding Standard, read as browsers read them: "iso-8859-1" is windows-1252, "shift_jis" is
 * windows-31j, "euc-jp" has the NEC and IBM extensions.  Conversion never fails: what is no character becomes U+FFFD,
 * so that the result is always valid UTF-8.  A byte order mark is left out.
 */
#ifndef HTTP_CHARSET_H
#define HTTP_CHARSET_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/sink.h"

/* How much of a body's start http_charset_choose() looks at. */
#define HTTP_CHARSET_PROBE_BYTES ((size_t)64 * 1024)

enum http_charset_reason {
    HTTP_CHARSET_BY_BOM,
    HTTP_CHARSET_BY_CONTENT_TYPE,
    HTTP_CHARSET_BY_XML,     /* <?xml encoding="..."?> */
    HTTP_CHARSET_BY_META,    /* <meta charset> or http-equiv, in the first 1024 bytes of HTML */
    HTTP_CHARSET_BY_BYTES,   /* detected */
    HTTP_CHARSET_BY_DEFAULT, /* nothing told: UTF-8 when it is all ASCII or JSON, else windows-1252 */
};

struct http_charset; /* static, never freed */

struct http_charset_choice {
    const struct http_charset *charset;
    enum http_charset_reason reason;
};

/* By label, ASCII case-insensitive, white space around it ignored.  NULL when there is no such (utf-7 among them). */
const struct http_charset *http_charset_find(struct str label);
/* The standard's name in lower case: "utf-8", "shift_jis". */
const char *http_charset_name(const struct http_charset *charset);
/* "bom", "content-type", "xml", "meta", "bytes", "default". */
const char *http_charset_reason_name(enum http_charset_reason reason);

/* `content_type` is the field's value or empty; `start` the first bytes of the decoded body, HTTP_CHARSET_PROBE_BYTES
 * or all there are. */
struct http_charset_choice http_charset_choose(struct str content_type, struct str start);
/* Whether a media type is text worth converting and searching: text, JSON, XML, JavaScript, forms and the like; also
 * multipart, message, application/octet-stream and what has no proper type, when the bytes hold no NUL. */
bool http_charset_is_text(struct str content_type, struct str start);

/* Converts a whole text, appended to `text` as far as there is room; false when it did not all fit. */
bool http_charset_convert(const struct http_charset *charset, struct str encoded, struct buf *text);

/* The same in pieces, which may end inside a character. */
struct http_charset_stream;
struct http_charset_stream *http_charset_stream_new(const struct http_charset *charset, struct http_sink sink);
void http_charset_stream_free(struct http_charset_stream **stream);
/* The sink's errors only. */
MUST_CHECK struct err http_charset_stream_feed(struct http_charset_stream *stream, struct str encoded);
MUST_CHECK struct err http_charset_stream_finish(struct http_charset_stream *stream);

#endif
