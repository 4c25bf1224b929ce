/* h2_private.h - the state that the files of the HTTP/2 handler share.
 *
 *   h2.c            life, the client's connection, time-outs, reading, what is sent
 *   h2_stream.c     one stream: its exchange, what the client sends, what it is sent
 *   h2_route.c      where a stream's request goes: a link, or an answer of our own
 *   h2_link.c       connections to origins, of either version
 *   h2_link_h2.c    streams over HTTP/2 to the origin
 *   h2_link_h1.c    one stream at a time over HTTP/1 to the origin
 *
 * Nothing is freed where it ends: streams and links that are over are swept at the end of the event, in
 * proxy_h2_settle(), which every event of the client's connection and of a link's ends with.
 */
#ifndef PROXY_H2_PRIVATE_H
#define PROXY_H2_PRIVATE_H

#include "base/buf.h"
#include "h2/message.h"
#include "h2/session.h"
#include "proxy/conn.h"
#include "proxy/failure.h"
#include "proxy/page.h"

#define PROXY_H2_INTERIM_MAX 1000
/* What may wait for one stream's window toward the client before its HTTP/1 origin is not read any more. */
#define PROXY_H2_STREAM_HIGH_WATER ((size_t)(64 * 1024))

struct h1_decoder;
struct proxy_h2_link;

struct proxy_h2 {
    struct proxy_conn *conn;
    struct h2_session *session;
    struct list streams, links;
    bool is_origin_h1;   /* the origin behind CONNECT does not speak HTTP/2 after all */
    bool ends_when_idle; /* GOAWAY was announced */
    bool is_ending;      /* nothing more is to be served; the client may still read */
    uint64_t moved_us;   /* monotonic: the client's last bytes */
    uint64_t forgiven_us;
};

struct proxy_h2_stream {
    struct list node;
    struct proxy_h2 *h2;
    int32_t id;
    bool is_client_open; /* the client's session knows it */
    bool is_exchange_open;
    struct exchange exchange;
    uint64_t moved_us; /* monotonic: the last bytes in either direction */

    /* The request. */
    struct h2_message_fields request; /* in the exchange's arena */
    struct h2_message_head request_head;
    struct h2_message_fields trailers;
    bool has_request_body; /* the head did not end the stream */
    bool has_trailers;
    bool is_request_ended;
    uint64_t request_bytes;
    struct buf unsent;  /* content for a link that cannot take it yet */
    size_t client_debt; /* content whose window the client has not got back */

    /* The way to the origin. */
    struct proxy_h2_link *link; /* NULL: none (any more) */
    bool is_taken;              /* the link has the head */
    int32_t origin_id;          /* over HTTP/2 */
    size_t origin_debt;         /* content whose window the origin has not got back */
    bool is_origin_over;        /* its stream is closed; only the debt is left */

    /* The response. */
    bool has_response; /* a final head went to the client */
    bool is_response_ended;
    unsigned interim_count;
    struct h2_message_head response_head;
    uint64_t response_bytes;
};

/* How a link speaks; chosen when its connection is open. */
struct proxy_h2_link_ops {
    const char *name;
    /* Whether another stream may be taken now. */
    bool (*has_slot)(const struct proxy_h2_link *link);
    /* Sends the head; content follows by `send`. */
    void (*take)(struct proxy_h2_link *link, struct proxy_h2_stream *stream);
    void (*send)(struct proxy_h2_link *link, struct proxy_h2_stream *stream, struct str bytes);
    /* The request is complete: with stream->trailers, if it has any. */
    void (*end)(struct proxy_h2_link *link, struct proxy_h2_stream *stream);
    /* The stream's origin side ends before its time. */
    void (*cancel)(struct proxy_h2_link *link, struct proxy_h2_stream *stream, uint32_t code);
    /* Content of the response has left toward the client. */
    void (*gone_on)(struct proxy_h2_link *link, struct proxy_h2_stream *stream, size_t count);
    /* Writes what there is to write; false when nothing was. */
    bool (*write)(struct proxy_h2_link *link);
    void (*on_bytes)(struct proxy_h2_link *link, struct str bytes);
    void (*on_eof)(struct proxy_h2_link *link);
    void (*on_drain)(struct proxy_h2_link *link);
    /* Whether the origin's bytes have a place to go. */
    bool (*wants_reading)(const struct proxy_h2_link *link);
    void (*free)(struct proxy_h2_link *link);
};

struct proxy_h2_link {
    struct list node;
    struct proxy_h2 *h2;
    const struct proxy_h2_link_ops *ops; /* NULL while connecting */
    struct proxy_origin *origin;
    bool expects_h2; /* while connecting: whether several streams may wait for it */
    bool is_dead;    /* to be swept */
    bool is_closing; /* takes no more streams */
    bool was_used;   /* a response came over it */
    bool has_told_timing;

    struct h2_session *session; /* HTTP/2 */

    /* HTTP/1 */
    struct proxy_h2_stream *stream;
    struct h1_decoder *decoder;
    bool is_chunked; /* the request */
    bool is_request_done, is_response_done;
    size_t unconsumed;
};

/* h2.c */
/* The end of every event: writes, sweeps, sets time-outs and reading.  The handler may be gone when it returns. */
void proxy_h2_settle(struct proxy_h2 *h2);
/* Asks the client to go elsewhere with new requests, and ends the connection when it is idle. */
void proxy_h2_end_when_idle(struct proxy_h2 *h2);

/* h2_stream.c */
extern const struct h2_session_events proxy_h2_stream_client_events;
/* The link can take it: its head, and what has waited. */
void proxy_h2_stream_go(struct proxy_h2_stream *stream);
/* The request's content has left: the client gets its window back. */
void proxy_h2_stream_request_gone(struct proxy_h2_stream *stream, size_t count);
/* Interim and final heads: `section` goes to the client, `wire` and `message` are recorded; all live in the exchange's
 * arena.  Malformed ones fail the stream. */
void proxy_h2_stream_interim(struct proxy_h2_stream *stream, struct h2_message_fields section, struct str wire);
void proxy_h2_stream_response(struct proxy_h2_stream *stream, struct h2_message_fields section, struct str wire,
                              const struct http_message *message, bool ends);
/* Content; `wire` is recorded, `payload` goes on. */
void proxy_h2_stream_content(struct proxy_h2_stream *stream, struct str wire, struct str payload);
void proxy_h2_stream_trailers(struct proxy_h2_stream *stream, struct h2_message_fields section, struct str wire);
void proxy_h2_stream_response_end(struct proxy_h2_stream *stream);
/* The origin's side is over without a complete response: a page where no head has gone out, else a reset.  The link has
 * let go of the stream, or is told to. */
void proxy_h2_stream_fail(struct proxy_h2_stream *stream, const struct proxy_failure *failure);
/* The same, mirrored: the client sees a reset with this code. */
void proxy_h2_stream_break(struct proxy_h2_stream *stream, const struct proxy_failure *failure, uint32_t code);
/* The origin's side is over. */
void proxy_h2_stream_unlink(struct proxy_h2_stream *stream);
void proxy_h2_stream_answer(struct proxy_h2_stream *stream, const struct proxy_page *page);
/* Ends the exchange, once; halves that have not ended are cut short. */
void proxy_h2_stream_finish(struct proxy_h2_stream *stream);
void proxy_h2_stream_free(struct proxy_h2_stream *stream);

/* h2_route.c */
/* The stream's first section, already in stream->request: begins the exchange and finds the way. */
void proxy_h2_route(struct proxy_h2_stream *stream, bool is_too_large);

/* h2_link.c */
struct proxy_h2_way {
    struct str host; /* lower-case */
    uint16_t port;
    bool is_tls;
};
/* Finds or opens a link for the stream, which waits for it. */
void proxy_h2_link_assign(struct proxy_h2_stream *stream, const struct proxy_h2_way *way);
/* A link for the connection that is open already. */
void proxy_h2_link_adopt(struct proxy_h2 *h2, struct proxy_origin *origin);
/* Gives waiting streams to the link as far as it takes them. */
void proxy_h2_link_serve(struct proxy_h2_link *link);
/* The connection is over: its streams fail. */
void proxy_h2_link_die(struct proxy_h2_link *link, const struct proxy_failure *failure);
/* The connection takes no more requests. */
void proxy_h2_link_retire(struct proxy_h2_link *link);
void proxy_h2_link_free(struct proxy_h2_link *link);

/* h2_link_h2.c, h2_link_h1.c: choose how it speaks. */
void proxy_h2_link_h2_start(struct proxy_h2_link *link);
void proxy_h2_link_h1_start(struct proxy_h2_link *link);

#endif
