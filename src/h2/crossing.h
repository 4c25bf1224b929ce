/* crossing.h - a message's way from HTTP/2 to HTTP/1.1 and back, where the two sides speak different versions.
 *
 * Toward HTTP/1.1 nothing is written that h2_message_check() has not passed, so no CR, LF, NUL, connection-specific
 * field or second framing crosses (the attacks known as h2.CL, h2.TE and header injection).  How many bytes of body
 * follow a content-length is the caller's to enforce.
 *
 * Nothing here keeps memory of its own: what is made lives in the arena given.
 */
#ifndef H2_CROSSING_H
#define H2_CROSSING_H

#include "h2/message.h"

/* How the body of a message that crosses to HTTP/1.1 is framed. */
enum h2_crossing_body {
    H2_CROSSING_NO_BODY,  /* the section ended the stream */
    H2_CROSSING_HAS_BODY, /* by its content-length, or chunked when it has none */
};

/* A request or final response as an HTTP/1.1 head.  Host comes first, of :authority; cookie pieces become one field
 * (RFC 9113, 8.2.3); te goes, since it belongs to a connection.  *ret_is_chunked: Transfer-Encoding was added.
 * ERR_SYNTAX: it does not pass the check, has a control character, or is CONNECT, which has no HTTP/1.1 form here. */
MUST_CHECK struct err h2_crossing_to_h1(struct h2_message_fields section, enum h2_crossing_body body,
                                        struct arena *arena, struct str *ret_head, bool *ret_is_chunked);
/* Trailers as the end of a chunked body: the last chunk, the fields, the empty line. */
MUST_CHECK struct err h2_crossing_trailers_to_h1(struct h2_message_fields section, struct arena *arena,
                                                 struct str *ret_end);

/* An HTTP/1 head as a section that passes the check.  Connection-specific fields go, lines that are no fields go,
 * folded values are unfolded, and Content-Length stays only where it is one number without Transfer-Encoding beside it.
 * `scheme` and `authority` are for requests (authority empty: of Host).  ERR_SYNTAX: no HTTP/2 message can be made. */
MUST_CHECK struct err h2_crossing_from_h1(const struct http_message *message, struct str scheme, struct str authority,
                                          struct arena *arena, struct h2_message_fields *ret_section);
/* A trailer section of HTTP/1, the same way. */
MUST_CHECK struct err h2_crossing_trailers_from_h1(const struct http_message *trailers, struct arena *arena,
                                                   struct h2_message_fields *ret_section);

#endif
