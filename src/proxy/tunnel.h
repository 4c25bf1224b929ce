/* tunnel.h - relays bytes that are not HTTP between a client and an origin, and records both directions. */
#ifndef PROXY_TUNNEL_H
#define PROXY_TUNNEL_H

#include "proxy/conn.h"
#include "proxy/origin.h"

struct proxy_tunnel_request {
    struct str host;
    uint16_t port;
    bool is_tls;                 /* TLS toward the origin: the client's was decrypted */
    struct str flag;             /* why it is a tunnel: "not-http", "server-first", "passed", "upgraded" */
    bool hides_bytes;            /* only lengths are recorded: encrypted bytes that nobody can read */
    struct str client_bytes;     /* read already */
    struct proxy_origin *origin; /* an open connection to go on with, now the tunnel's; NULL: open one */
    struct str origin_bytes;     /* read already */
};

/* Takes the connection over; its handler before has let go. */
void proxy_tunnel_start(struct proxy_conn *conn, const struct proxy_tunnel_request *request);

#endif
