/* conn.h - one client connection: what was found out about it, and the handler that has it now.
 *
 * A connection begins with the peek handler, which looks at the first bytes and hands it on:
 *
 *   peek -> TLS (our certificate) -> peek inside     a TLS client
 *   peek -> http1                                    requests in HTTP/1
 *   peek -> http2                                    HTTP/2, by ALPN or by its preface
 *   peek -> tunnel                                   anything else inside CONNECT
 *   http1 -> peek                                    after CONNECT
 *   http1 -> tunnel                                  after 101, or CONNECT answered by an origin
 *
 * A handler is a vtable and a state of its own; a new protocol is a new handler.  The connection owns the client's
 * layer and calls the handler; handlers call down through the functions below.  proxy_conn_close() may be called at any
 * time: the handler's `stop` runs at once (it ends its exchange and closes its origin) and its `free` after the
 * client's layer has closed, so nothing is freed under a running call.
 */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include "net/layer.h"
#include "os/timer.h"
#include "proxy/mode.h"
#include "proxy/origin.h"
#include "proxy/worker.h"

struct proxy_conn;

struct proxy_handler {
    const char *name;
    void (*on_bytes)(struct proxy_conn *conn, struct str bytes);
    void (*on_eof)(struct proxy_conn *conn);
    void (*on_error)(struct proxy_conn *conn, struct err err);
    void (*on_drain)(struct proxy_conn *conn);
    void (*on_timeout)(struct proxy_conn *conn);
    /* Reading may have become possible, or impossible: start and stop it on both sides. */
    void (*update_reading)(struct proxy_conn *conn);
    void (*stop)(struct proxy_conn *conn);
    void (*free)(struct proxy_conn *conn);
};

/* Where requests on this connection go, when it stands inside CONNECT. */
struct proxy_authority {
    struct str host; /* lower-case, no brackets, in the connection's arena */
    uint16_t port;
};

struct proxy_conn {
    struct list node; /* in worker->conns */
    struct proxy_worker *worker;
    struct net_layer *client; /* topmost; NULL once closed */
    struct os_timer *timer;   /* for the handler */
    const struct proxy_handler *handler;
    void *handler_state;
    struct arena arena;
    bool is_closing;
    bool is_reading;
    const struct proxy_mode *mode; /* how clients reach us; NULL: regular */
    bool is_inside_connect; /* where it goes is said once for the connection: CONNECT, SOCKS5, transparent, reverse */
    bool is_inside_tls;     /* the bytes of `client` were decrypted */
    struct proxy_authority authority;
    struct str dial_host; /* transparent mode: the address, where authority has the name of the SNI; else empty */
    struct str loopmark;  /* of CONNECT, see loopmark.h; in the connection's arena */
    uint64_t number;
    struct facts_address client_addr, listener_addr;
    struct facts_tls client_tls;
    bool client_offers_http1; /* by ALPN */
    bool client_offers_http2;
    bool client_has_alpn;
    struct proxy_origin *early_origin; /* opened before the client's handshake was answered; NULL: none */
    struct err early_err;              /* why it could not be opened */
};

#define PROXY_CONN_ARENA_BYTES_MAX ((size_t)(64 * 1024))

/* Takes a connected layer over and starts peeking. */
void proxy_conn_start(struct proxy_worker *worker, struct net_layer *client, const struct proxy_mode *mode);
/* From here on the connection leads to host:port, and its bytes begin anew.  ERR_LIMIT: too many such steps. */
MUST_CHECK struct err proxy_conn_enter(struct proxy_conn *conn, struct str host, uint16_t port);
/* Whether the origin is spoken to in TLS, and the SNI to use there (empty: the origin's name). */
bool proxy_conn_is_tls_origin(const struct proxy_conn *conn);
struct str proxy_conn_origin_sni(const struct proxy_conn *conn);
/* What the topmost layer of the client is given, also by who puts a layer on top. */
extern const struct net_layer_events proxy_conn_layer_events;
/* Gives the connection to another handler; the one before has let go of its state. */
void proxy_conn_hand(struct proxy_conn *conn, const struct proxy_handler *handler, void *state);
void proxy_conn_close(struct proxy_conn *conn, bool with_reset);
/* The client's end came while another handler had the connection; tells the one that has it now. */
void proxy_conn_pass_eof(struct proxy_conn *conn);

void proxy_conn_read(struct proxy_conn *conn, bool is_wanted);
void proxy_conn_write(struct proxy_conn *conn, const struct str *parts, size_t part_count);
size_t proxy_conn_queued(const struct proxy_conn *conn);
void proxy_conn_wait(struct proxy_conn *conn, uint64_t timeout_ms);
void proxy_conn_wait_end(struct proxy_conn *conn);

/* Whether the origin may be connected to before a request for it has come.  The place where rules that may answer in
 * its stead will say no. */
bool proxy_conn_may_contact_origin(const struct proxy_conn *conn);
/* The connection to the origin that was opened already, for the handler that will use it; NULL when there is none.
 * When it is not open, conn->early_err says why, so that no second attempt is made for the first request. */
struct proxy_origin *proxy_conn_take_origin(struct proxy_conn *conn);

/* Sets an exchange's facts about this side: id, time, addresses, TLS. */
void proxy_conn_describe(const struct proxy_conn *conn, struct exchange *exchange);
/* Sets whole time and tells on_end. */
void proxy_conn_end_exchange(struct exchange *exchange);
/* Sets the error, unless one is set already. */
void proxy_conn_fail_exchange(struct exchange *exchange, struct str name, struct str text);

#endif
