/* options.h - everything the proxy is told from outside: limits, time-outs, policies, and whom it reports to.
 *
 * One struct, filled by app before the proxy starts, read-only while it runs, shared by all loops.  What can change
 * while it runs (trusted certificates) stands behind objects with locks of their own.
 */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include "model/exchange.h"
#include "os/addr.h"
#include "os/loop.h"
#include "proxy/hosts.h"

#define PROXY_OBSERVER_MAX 8

struct tls_ca;
struct tls_trust;
struct tls_keylog;

/* Every wait has its limit.  Milliseconds. */
struct proxy_timeouts {
    uint64_t peek_ms;          /* for a client's first bytes inside CONNECT before the origin may speak first */
    uint64_t client_tls_ms;    /* handshake with the client */
    uint64_t client_head_ms;   /* a request's head, from its first byte */
    uint64_t request_body_ms;  /* between two pieces of a request's body */
    uint64_t connect_ms;       /* look-up and connect */
    uint64_t origin_tls_ms;    /* handshake with the origin, and with an upstream proxy */
    uint64_t response_head_ms; /* from the request's end to the response's head */
    uint64_t response_body_ms; /* between two pieces of a response's body */
    uint64_t keepalive_ms;     /* an idle client connection */
    uint64_t tunnel_ms;        /* an idle tunnel */
    uint64_t linger_ms;        /* for a client to read the last answer before the connection is closed */
};

struct proxy_limits {
    size_t head_bytes_max;
    size_t line_bytes_max;
    size_t field_count_max;
    size_t connection_max; /* clients of one loop */
    size_t leaf_cache_max; /* certificates kept per loop */
};

enum proxy_upstream_kind {
    PROXY_UPSTREAM_NONE,
    PROXY_UPSTREAM_HTTP,
    PROXY_UPSTREAM_SOCKS5,
};

struct proxy_upstream {
    enum proxy_upstream_kind kind;
    struct str host;
    uint16_t port;
    struct str user, password; /* empty: none */
};

struct proxy_override {
    struct str host;     /* pattern, see hosts.h */
    uint16_t port;       /* 0: any */
    struct os_addr addr; /* port 0: the one asked for */
};

struct proxy_client_cert {
    struct str host; /* pattern */
    const char *pem_path;
};

struct proxy_options {
    struct proxy_timeouts timeouts;
    struct proxy_limits limits;
    bool is_strict;       /* ambiguous framing is refused */
    bool speaks_http2;    /* offered by ALPN where the origin has it, too */
    bool verifies_origin; /* false: certificates are looked at and recorded, and never refused */

    struct proxy_hosts pass;       /* TLS to these is not decrypted */
    struct proxy_hosts legacy_tls; /* old protocol versions, small keys, legacy renegotiation are accepted */
    struct proxy_upstream upstream_http, upstream_https; /* by the scheme asked for */
    struct proxy_hosts no_upstream;
    const struct proxy_override *overrides;
    size_t override_count;
    const struct proxy_client_cert *client_certs;
    size_t client_cert_count;
    struct str proxy_auth; /* "user:password" asked of clients; empty: none */
    struct str instance;   /* a random id of this process, for loopmark.h; empty: loops are not looked for */
    struct str admin_url;  /* where a plain request to our port is sent, "http://127.0.0.1:8081/"; empty: nowhere */

    struct tls_ca *ca;         /* borrowed, thread-safe */
    struct tls_trust *trust;   /* borrowed, thread-safe */
    struct tls_keylog *keylog; /* NULL: none */

    void *owner; /* first argument of all below */
    /* A new exchange id; any thread. */
    uint64_t (*next_id)(void *owner);
    /* The observers for a loop, at its start; called on the loop's thread before it runs. */
    size_t (*observers_for)(void *owner, struct os_loop *loop, struct exchange_observer **observers, size_t max);
    /* That loop has stopped and is about to be freed. */
    void (*observers_done)(void *owner, struct os_loop *loop);
    /* Whether an address is one that this program listens on, and so must not be proxied to; any thread. */
    bool (*is_own_addr)(void *owner, const struct os_addr *addr);
    /* A person trusted an origin's certificate from an error page; any thread; NULL: the page offers nothing. */
    void (*on_trust)(void *owner, struct str host, uint16_t port, struct str sha256);
};

#endif
