/* h1_private.h - the state that the files of the HTTP/1 handler share.
 *
 *   h1.c           life, events, time-outs, reading, what follows an exchange
 *   h1_request.c   from the client's bytes to the origin
 *   h1_route.c     where a request goes: an origin, a tunnel, or an answer of our own
 *   h1_response.c  from the origin's bytes to the client
 *   h1_orphan.c    the origin's bytes that are no answer
 */
#ifndef PROXY_H1_PRIVATE_H
#define PROXY_H1_PRIVATE_H

#include "base/buf.h"
#include "h1/decoder.h"
#include "os/tcp.h"
#include "proxy/conn.h"
#include "proxy/failure.h"
#include "proxy/origin.h"
#include "proxy/page.h"

/* One read may come while what came before still waits. */
#define PROXY_H1_PENDING_BYTES_MAX ((size_t)OS_TCP_READ_BYTES)
#define PROXY_H1_INTERIM_MAX 1000
/* Bytes beyond an answer that are listened to. */
#define PROXY_H1_ORPHAN_BYTES_MAX ((size_t)(1024 * 1024))

enum proxy_h1_phase {
    PROXY_H1_IDLE, /* no byte yet */
    PROXY_H1_HEAD, /* a part of the head */
    PROXY_H1_BODY,
    PROXY_H1_RAW, /* response only: what it is cannot be told, so everything until the close belongs to it */
    PROXY_H1_DONE,
};

/* Bytes on their way to one side, collected over one call: a head that was built anew, and a run of what came in. */
struct proxy_h1_outgoing {
    struct str head;
    struct str run;
};

struct proxy_h1 {
    struct proxy_conn *conn;
    struct h1_decoder *request_decoder, *response_decoder;
    enum proxy_h1_phase request_phase, response_phase;
    struct exchange exchange;
    bool has_begun;     /* exchange_begin was told; false again after its end */
    bool request_keeps; /* the request lets the connection go on */
    bool response_keeps;
    bool is_alone;          /* ambiguous: the origin's connection serves this exchange only */
    bool is_tls_origin;     /* the exchange's origin is spoken to in TLS */
    bool client_ended;      /* the client's FIN came */
    bool is_lingering;      /* all was said; the client may still read */
    size_t lingering_bytes; /* still queued for it when last looked at */
    bool sent_anything;     /* bytes of this exchange went, or wait to go, to the origin */
    bool awaits_head;       /* the wait for the response's head runs; nothing but an interim response moves it */
    unsigned interim_count;
    uint32_t interim_flags;  /* what was odd about interim responses */
    struct exchange *orphan; /* what the origin sent beyond its answer; NULL: nothing */
    size_t orphan_bytes;
    int64_t head_at_us;     /* wall clock at the first byte of the request */
    uint64_t head_began_us; /* monotonic */
    struct proxy_origin *origin;
    bool origin_ended;     /* the origin's FIN came */
    bool is_origin_reused; /* it has served an exchange before this one */
    struct buf pending;    /* the client's bytes that are not parsed yet */
    struct buf unsent;     /* bytes for an origin that is still being connected to */
};

/* Why --strict refuses a request. */
extern const struct proxy_failure proxy_h1_route_ambiguous;

/* h1.c */
extern const struct proxy_origin_events proxy_h1_origin_events;
/* Tells the exchange's end, once; halves that have not ended are cut short. */
void proxy_h1_finish(struct proxy_h1 *h1);
/* Both halves may be done: end the exchange.  Called before the last bytes are forwarded. */
void proxy_h1_finish_if_done(struct proxy_h1 *h1);
/* After bytes were forwarded: the next exchange, or the end of the connection.  h1 may be gone when it returns. */
void proxy_h1_go_on(struct proxy_h1 *h1);
/* Ends the connection once the client has read everything.  After an ambiguous exchange the origin is listened to for
 * as long, since what it says beyond its answer shows how it read the request. */
void proxy_h1_linger(struct proxy_h1 *h1);
/* The origin is no longer wanted; what it sent beyond its answers is a row now. */
void proxy_h1_close_origin(struct proxy_h1 *h1);
/* Answers for the origin, with a page; the exchange ends. */
void proxy_h1_answer(struct proxy_h1 *h1, const struct proxy_page *page);
/* Ends the exchange with an error and answers with its page, or, when a part of the response is out, breaks off. */
void proxy_h1_fail(struct proxy_h1 *h1, const struct proxy_failure *failure);
/* Adds bytes to what goes out; adjacent ones become one run. */
bool proxy_h1_outgoing_add(struct proxy_h1_outgoing *outgoing, struct str bytes);
/* Begins the exchange: its facts about the client's side are set. */
void proxy_h1_begin(struct proxy_h1 *h1);

/* Frees the state, so that another handler can take the connection; the exchange has ended and the origin is NULL. */
void proxy_h1_let_go(struct proxy_h1 *h1);

/* h1_request.c: parses what it may of the client's bytes and moves *input past it.  False: the connection went to
 * another handler or is ending, and h1 must not be touched. */
MUST_CHECK bool proxy_h1_request_read(struct proxy_h1 *h1, struct str *input);
/* The client's FIN. */
void proxy_h1_request_end(struct proxy_h1 *h1);
/* Sends what waited for the origin. */
void proxy_h1_request_flush(struct proxy_h1 *h1);

/* h1_route.c */
enum proxy_h1_route {
    PROXY_H1_ROUTE_ORIGIN, /* *ret_head is what to send */
    PROXY_H1_ROUTE_ANSWERED,
    PROXY_H1_ROUTE_TUNNEL, /* CONNECT: the handler has changed */
};
/* The request's head is complete.  `rest` is what follows it in the input. */
enum proxy_h1_route proxy_h1_route_head(struct proxy_h1 *h1, struct str wire, struct str rest, struct str *ret_head);

/* h1_response.c */
void proxy_h1_response_read(struct proxy_h1 *h1, struct str input);
/* The origin's FIN. */
void proxy_h1_response_end(struct proxy_h1 *h1);

/* h1_orphan.c */
/* Keeps bytes that belong to no request.  False: they are enough. */
MUST_CHECK bool proxy_h1_orphan_take(struct proxy_h1 *h1, struct str bytes);
/* Tells the end of their row, when there is one. */
void proxy_h1_orphan_end(struct proxy_h1 *h1);

#endif
