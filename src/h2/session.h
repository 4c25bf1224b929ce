/* session.h - one HTTP/2 connection (RFC 9113): bytes in, events out, and back; no I/O, no clock.
 *
 * nghttp2 does frames, HPACK and flow-control arithmetic.  Its checks of HTTP messages and its automatic window updates are
 * off: what a message may contain is h2/message's business, and a window opens only when the bytes have gone on, so a
 * slow reader on the far side slows this side, stream by stream.
 *
 *   h2_session_read()     bytes of the peer -> events, from inside the call
 *   h2_session_write()    what must be sent to the peer; call after every read and after every send
 *
 * A stream's sending side is a bounded queue.  Who sends looks at h2_session_queued() and stops its source above
 * H2_SESSION_HIGH_WATER; on_room tells when the queue has emptied.
 *
 * Abuse is bounded (CVE-2023-44487, CVE-2025-8671, CVE-2024-28182 and their kin): streams open at a time, the size of a field
 * section, CONTINUATION frames, answers that queue up unread, and resets: a stream that the peer makes us reset, or resets
 * itself, takes from a budget that only completed streams refill.  Past a bound h2_session_read() fails with
 * ERR_LIMIT after GOAWAY was queued (ENHANCE_YOUR_CALM).
 */
#ifndef H2_SESSION_H
#define H2_SESSION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define H2_SESSION_HIGH_WATER ((size_t)(256 * 1024))
#define H2_SESSION_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum h2_session_role {
    H2_SESSION_SERVER, /* the peer is the client */
    H2_SESSION_CLIENT,
};

/* Error codes, RFC 9113, 7. */
enum h2_session_code {
    H2_SESSION_NO_ERROR = 0,
    H2_SESSION_PROTOCOL_ERROR = 1,
    H2_SESSION_INTERNAL_ERROR = 2,
    H2_SESSION_REFUSED_STREAM = 7,
    H2_SESSION_CANCEL = 8,
    H2_SESSION_CONNECT_ERROR = 10,
    H2_SESSION_ENHANCE_YOUR_CALM = 11,
    H2_SESSION_HTTP_1_1_REQUIRED = 13,
};

/* Name and value as sent, any bytes. */
struct h2_field {
    struct str name;
    struct str value;
    bool is_sensitive; /* never to be put into a compression table */
};

/* A field section.  Valid during the event. */
struct h2_section {
    const struct h2_field *fields;
    size_t count;
    bool ends_stream;
    bool is_first; /* the stream's first section; later ones are a final head after interim ones, or trailers */
};

struct h2_session_events {
    void (*on_section)(void *owner, int32_t stream, const struct h2_section *section);
    /* DATA without padding.  h2_session_consume() gives the window back once the bytes have gone on. */
    void (*on_bytes)(void *owner, int32_t stream, struct str bytes);
    /* The peer ended its direction. */
    void (*on_end)(void *owner, int32_t stream);
    /* The stream is gone; `code` is H2_SESSION_NO_ERROR after both ends, else why.  Nothing more comes for it. */
    void (*on_closed)(void *owner, int32_t stream, uint32_t code);
    void (*on_room)(void *owner, int32_t stream);
    /* The peer will take (client role) or make (server role) no more streams after `last`. */
    void (*on_goaway)(void *owner, int32_t last, uint32_t code);
};

struct h2_session_options {
    enum h2_session_role role;
    const struct h2_session_events *events;
    void *owner;
    uint32_t stream_count_max;    /* that the peer may open at a time; 0: 100 */
    uint32_t window_bytes;        /* of a stream; 0: 1 MiB */
    size_t section_bytes_max;     /* names and values with 32 bytes for each field; 0: 256 KiB */
    size_t field_count_max;       /* 0: 1000 */
    bool allows_extended_connect; /* RFC 8441 */
};

struct h2_session;

MUST_CHECK struct err h2_session_new(const struct h2_session_options *options, struct h2_session **ret_session);
void h2_session_free(struct h2_session **session);

/* ERR_SYNTAX, ERR_LIMIT: the connection is over; what h2_session_write() still gives should be sent before closing.  err.wire
 * is the error code. */
MUST_CHECK struct err h2_session_read(struct h2_session *session, struct str bytes);
/* Appends what is to be sent, at most about `max` bytes.  Nothing appended: nothing to send. */
MUST_CHECK struct err h2_session_write(struct h2_session *session, size_t max, struct buf *out);
/* Neither side wants anything more. */
bool h2_session_is_over(const struct h2_session *session);

/* Client role: opens a stream with a request's section.  ERR_LIMIT: no more streams on this connection; ERR_AGAIN: as
 * many as the peer allows are open. */
MUST_CHECK struct err h2_session_request(struct h2_session *session, const struct h2_field *fields, size_t count,
                                         bool ends_stream, int32_t *ret_stream);
/* A section on an open stream: an interim or final response, or trailers (which end the stream and go after the queued
 * bytes). */
MUST_CHECK struct err h2_session_section(struct h2_session *session, int32_t stream, const struct h2_field *fields,
                                         size_t count, bool ends_stream);
/* Queues bytes; copied. */
MUST_CHECK struct err h2_session_send(struct h2_session *session, int32_t stream, struct str bytes, bool ends_stream);
size_t h2_session_queued(const struct h2_session *session, int32_t stream);
/* `count` bytes of on_bytes have gone on: opens the windows. */
void h2_session_consume(struct h2_session *session, int32_t stream, size_t count);
void h2_session_reset(struct h2_session *session, int32_t stream, uint32_t code);
/* No more streams; those that are open go on. */
void h2_session_go_away(struct h2_session *session, uint32_t code);

/* Streams that are open now, and how many more the peer lets us open (client role). */
size_t h2_session_stream_count(const struct h2_session *session);
bool h2_session_may_open(const struct h2_session *session);

#endif
