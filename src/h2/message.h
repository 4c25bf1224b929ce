/* message.h - what an HTTP/2 message may contain, and its text form (RFC 9113, 8).
 *
 * h2_message_check() is the one judge of field sections: everything that goes on, to whichever version, has passed it.
 *
 * The text form is how an HTTP/2 head is shown, recorded and edited.  It is made up, since the wire is compressed:
 *
 *   GET /path?query HTTP/2          HTTP/2 200
 *   :method: GET                    :status: 200
 *   :scheme: https                  content-type: text/html
 *   :authority: example.com
 *   :path: /path?query
 *   accept: text/html
 *
 * Lines end with CR LF, an empty line ends it.  Fields stand in their order, duplicates and pseudo-fields included; the
 * first line only repeats pseudo-fields and is not read back.  NUL, CR and LF, which no field that has passed the check
 * contains, are shown as U+2400, U+240D and U+240A.
 *
 * Nothing here keeps memory of its own: what is made lives in the arena given.
 */
#ifndef H2_MESSAGE_H
#define H2_MESSAGE_H

#include "base/arena.h"
#include "base/err.h"
#include "h2/field.h"
#include "http/message.h"

enum h2_message_kind {
    H2_MESSAGE_REQUEST,
    H2_MESSAGE_RESPONSE,
    H2_MESSAGE_TRAILERS,
};

/* A field section; the fields are borrowed. */
struct h2_message_fields {
    const struct h2_field *fields;
    size_t count;
};

/* What h2_message_check() found; texts point into the fields.  An absent text is empty. */
struct h2_message_head {
    struct str method, scheme, authority, path; /* requests; authority falls back to host (RFC 9113, 8.3.1) */
    unsigned status;                            /* responses */
    bool has_content_length;
    uint64_t content_length;
    bool differs_from_host; /* there is a host field that is not the same as :authority, which is the one that counts */
};

/* ERR_SYNTAX, with the reason in err.what: the message is malformed (RFC 9113, 8.1.1).  Refused: names that are empty,
 * upper-case or no token; values with NUL, CR, LF or white space around them; pseudo-fields that are unknown, repeated,
 * missing, out of place or empty; connection-specific fields; te other than "trailers"; a content-length that is no
 * number or contradicts another. */
MUST_CHECK struct err h2_message_check(enum h2_message_kind kind, struct h2_message_fields section,
                                       struct h2_message_head *ret_head);

/* The text form.  ret_message (not for trailers, whose text has no first line; may be NULL) points into the text. */
MUST_CHECK struct err h2_message_text(enum h2_message_kind kind, struct h2_message_fields section, struct arena *arena,
                                      struct str *ret_text, struct http_message *ret_message);
/* Reads the text form back.  ERR_SYNTAX for a line without a colon or end; ERR_LIMIT: over field_count_max. */
MUST_CHECK struct err h2_message_from_text(enum h2_message_kind kind, struct str text, size_t field_count_max,
                                           struct arena *arena, struct h2_message_fields *ret_section);

/* Whether a field speaks of an HTTP/1 connection and so has no place in HTTP/2 (RFC 9113, 8.2.2); any case. */
bool h2_message_is_of_connection(struct str name);
/* Whether a field would change how its message is framed or routed and so is no trailer (RFC 9110, 6.5.1). */
bool h2_message_is_never_trailer(struct str name);

#endif
