/* session.h - one HTTP/2 connection (RFC 9113): bytes in, events out, and back; no I/O, no clock.
 *
 * nghttp2 does frames, HPACK and flow-control arithmetic.  Its checks of HTTP messages and its automatic window updates
 * are off: what a message may contain is h2/message's business, and a window opens only when the bytes have gone on, so
 * a slow reader on the far side slows this side, stream by stream.
 *
 *   h2_session_read()     bytes of the peer -> events, from inside the call
 *   h2_session_write()    what must be sent to the peer; call it after whatever may have given something to send
 *
 * Events may call everything here but h2_session_read(), h2_session_write() and h2_session_free() of the same session.
 *
 * A stream's sending side is a bounded queue.  on_sent tells what has left it, which is when the bytes' source may be
 * given its window back, so what is queued never passes the source's window.
 *
 * Abuse is bounded (CVE-2023-44487, CVE-2025-8671, CVE-2024-28182 and their kin): streams open at a time, the size of a
 * field section, CONTINUATION frames, answers that queue up unread, resets, and frames that bring nothing.  A stream
 * that the peer resets, or makes us reset, takes from a budget, and so does a frame that brings nothing; time gives it
 * back, by h2_session_forgive().  Past a bound h2_session_read() fails with ERR_LIMIT after GOAWAY was queued
 * (ENHANCE_YOUR_CALM).
 */
#ifndef H2_SESSION_H
#define H2_SESSION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "h2/field.h"

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

/* A field section.  Valid during the event. */
struct h2_section {
    const struct h2_field *fields;
    size_t count;
    bool ends_stream;
    bool is_first;     /* the stream's first section; later ones are a final head after interim ones, or trailers */
    bool is_too_large; /* the limits cut it; `fields` is its beginning */
};

struct h2_session_events {
    void (*on_section)(void *owner, int32_t stream, const struct h2_section *section);
    /* DATA without padding.  h2_session_consume() gives the window back once the bytes have gone on. */
    void (*on_bytes)(void *owner, int32_t stream, struct str bytes);
    /* The peer ended its direction. */
    void (*on_end)(void *owner, int32_t stream);
    /* The stream is gone; `code` is H2_SESSION_NO_ERROR after both ends, else why.  Nothing more comes for it. */
    void (*on_closed)(void *owner, int32_t stream, uint32_t code);
    /* That many bytes have left the stream's queue. */
    void (*on_sent)(void *owner, int32_t stream, size_t count);
    /* The peer will take (client role) or make (server role) no more streams after `last`. */
    void (*on_goaway)(void *owner, int32_t last, uint32_t code);
};

struct h2_session_options {
    enum h2_session_role role;
    const struct h2_session_events *events;
    void *owner;
    uint32_t stream_count_max; /* that the peer may open at a time (server), or that we open (client); 0: 100 */
    uint32_t window_bytes;     /* of a stream; 0: 1 MiB */
    size_t section_bytes_max;  /* names and values with 32 bytes for each field; 0: 256 KiB */
    size_t field_count_max;    /* 0: 1000 */
};

struct h2_session;

MUST_CHECK struct err h2_session_new(const struct h2_session_options *options, struct h2_session **ret_session);
void h2_session_free(struct h2_session **session);

/* ERR_SYNTAX, ERR_LIMIT: the connection is over; what h2_session_write() still gives should be sent before closing.
 * err.wire is the error code. */
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
/* Queues bytes; copied.  A response's only after its final section. */
MUST_CHECK struct err h2_session_send(struct h2_session *session, int32_t stream, struct str bytes, bool ends_stream);
size_t h2_session_queued(const struct h2_session *session, int32_t stream);
/* `count` bytes of on_bytes have gone on: opens the windows.  For a stream that is gone: the connection's. */
void h2_session_consume(struct h2_session *session, int32_t stream, size_t count);
/* At once; what is queued is dropped.  on_closed comes when it is sent. */
void h2_session_reset(struct h2_session *session, int32_t stream, uint32_t code);
/* The same once what is queued has been sent. */
void h2_session_reset_later(struct h2_session *session, int32_t stream, uint32_t code);
/* Asks the peer to open no more streams; those that it opens until it has read that are still served (RFC 9113, 6.8).
 */
void h2_session_give_notice(struct h2_session *session);
/* No more streams; those that are open go on. */
void h2_session_go_away(struct h2_session *session, uint32_t code);
/* Gives back so much of the budget for resets, and ten times as much of that for frames that bring nothing; to be
 * called with the time. */
void h2_session_forgive(struct h2_session *session, size_t count);

/* The owner's pointer of a stream; NULL at first, and for streams that are gone. */
void h2_session_set_stream_owner(struct h2_session *session, int32_t stream, void *owner);
void *h2_session_stream_owner(const struct h2_session *session, int32_t stream);

/* Streams that are open now, and (client role) whether the peer lets us open another. */
size_t h2_session_stream_count(const struct h2_session *session);
bool h2_session_may_open(const struct h2_session *session);

/* "CANCEL" and so on; "unknown code" for others. */
const char *h2_session_code_name(uint32_t code);

#endif
