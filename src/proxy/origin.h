/* origin.h - one connection to an origin: dialled, led through an upstream proxy, wrapped in TLS, then a stream of
 * bytes.
 *
 *   DIAL -> UPSTREAM -> TLS -> OPEN          (UPSTREAM and TLS may be skipped)
 *     any of them -> DEAD
 *
 * It belongs to one client connection and is never shared, since servers may bind an identity to a connection.  It is
 * opened when the first byte must go out, never before.
 */
#ifndef PROXY_ORIGIN_H
#define PROXY_ORIGIN_H

#include "proxy/worker.h"

struct proxy_origin;

struct proxy_origin_events {
    /* Once, later: OK, or why there is no connection; then proxy_origin_facts() has what is known, and only close is
     * allowed. */
    void (*on_ready)(void *owner, struct err err);
    void (*on_bytes)(void *owner, struct str bytes);
    void (*on_eof)(void *owner);
    void (*on_error)(void *owner, struct err err);
    void (*on_drain)(void *owner);
};

struct proxy_origin_request {
    struct str host;      /* name or address, no brackets */
    struct str dial_host; /* where to connect to instead, for a host whose address is known; empty: host */
    uint16_t port;
    bool is_tls;
    bool is_plain_http;  /* goes to an upstream HTTP proxy in absolute form, without a tunnel */
    struct str sni;      /* the client's; empty: host */
    struct str loopmark; /* what the client's request carried, see loopmark.h */
    bool offers_http1;   /* ALPN "http/1.1" */
    bool offers_http2;   /* ALPN "h2", before it */
    const struct proxy_origin_events *events;
    void *owner;
};

/* What was learned while connecting; texts live as long as the origin. */
struct proxy_origin_facts {
    struct facts_address addr;
    int64_t dns_us, connect_us, tls_us;
    struct facts_tls tls;
    unsigned char sha256[32]; /* of the origin's certificate */
    bool has_certificate;
    uint64_t number;
    const char *stage; /* what was being done: "look-up", "connect", "upstream proxy", "TLS handshake" */
};

struct proxy_origin *proxy_origin_open(struct proxy_worker *worker, const struct proxy_origin_request *request);
/* No event comes after this.  Resets instead of an orderly end when with_reset is set. */
void proxy_origin_close(struct proxy_origin **origin, bool with_reset);

const struct proxy_origin_facts *proxy_origin_facts(const struct proxy_origin *origin);
bool proxy_origin_is_open(const struct proxy_origin *origin);
/* What it was opened for; lives as long as the origin. */
const struct proxy_origin_request *proxy_origin_request(const struct proxy_origin *origin);
struct os_loop *proxy_origin_loop(const struct proxy_origin *origin);
/* "host:port", printable, for a person; returns text. */
const char *proxy_origin_name(const struct proxy_origin *origin, char *text, size_t size);
/* Whether it was opened with these. */
bool proxy_origin_is_for(const struct proxy_origin *origin, struct str host, uint16_t port, bool is_tls);
/* The upstream proxy that could not be reached, when that is why there is no connection; else NULL. */
const struct proxy_upstream *proxy_origin_unreached_upstream(const struct proxy_origin *origin);
/* Whether requests go to an upstream HTTP proxy and so keep their absolute form. */
bool proxy_origin_is_upstream_http(const struct proxy_origin *origin);

/* Once open. */
void proxy_origin_write(struct proxy_origin *origin, const struct str *parts, size_t part_count);
size_t proxy_origin_queued(const struct proxy_origin *origin);
void proxy_origin_shutdown(struct proxy_origin *origin);
void proxy_origin_read(struct proxy_origin *origin, bool is_wanted);
bool proxy_origin_was_truncated(const struct proxy_origin *origin);
/* Gives the connection to another owner, as a tunnel does that follows HTTP. */
void proxy_origin_set_owner(struct proxy_origin *origin, const struct proxy_origin_events *events, void *owner);

/* The upstream proxy for a host, or NULL. */
const struct proxy_upstream *proxy_origin_upstream(const struct proxy_options *options, struct str host, bool is_tls);

#endif
