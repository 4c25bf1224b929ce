/* head.h - a complete head as a message: start line, fields, and what is odd about them (RFC 9112, 2 to 5).
 *
 * Lenient where servers are, and telling: every deviation is a bit of enum h1_flag.  Nothing is copied; the message
 * points into the bytes given.
 */
#ifndef H1_HEAD_H
#define H1_HEAD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/message.h"

/* Judges a request line (without its end) as soon as it is there: ERR_SYNTAX with 400 or 505 when no message can begin
 * with it; *ret_is_whole when it is an HTTP/0.9 request, which has no fields. */
MUST_CHECK struct err h1_head_check_request_line(struct str line, bool *ret_is_whole);

/* Parses a head from its first byte (empty lines before it included) to its last, as what message->is_request says.
 * The array of fields is made in `arena`.  ERR_LIMIT: more than field_count_max fields, or the arena is full. */
MUST_CHECK struct err h1_head_parse(struct str head, size_t field_count_max, struct arena *arena,
                                    struct http_message *message, uint32_t *flags);
/* Parses a trailer section; only the fields of *ret_trailers are set.  ERR_LIMIT as above. */
MUST_CHECK struct err h1_head_parse_trailers(struct str section, size_t field_count_max, struct arena *arena,
                                             struct http_message *ret_trailers, uint32_t *flags);

#endif
