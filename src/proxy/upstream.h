/* upstream.h - asks a proxy that stands between us and the origin for a tunnel: HTTP CONNECT or SOCKS5 (RFC 1928,
 * 1929).
 *
 * Takes a connected layer, speaks with the proxy, and gives the layer back, with its reading stopped and without owner,
 * ready for the origin's bytes.
 */
#ifndef PROXY_UPSTREAM_H
#define PROXY_UPSTREAM_H

#include "net/layer.h"
#include "proxy/options.h"

#define PROXY_UPSTREAM_REPLY_MAX ((size_t)(16 * 1024))

struct proxy_upstream_request {
    const struct proxy_upstream *upstream;
    struct str host; /* of the origin */
    uint16_t port;
    struct str loopmark; /* for the proxy, see loopmark.h; used up in the call */
    /* Later, once: OK with the layer and what the origin has sent already (borrowed for the call); or an error with a
     * closed or closing layer (NULL).  ERR_DENIED: the proxy refused; err.wire is its status or SOCKS reply. */
    void (*on_done)(void *owner, struct err err, struct net_layer *layer, struct str first_bytes);
    void *owner;
};

struct proxy_upstream_talk;

/* The layer belongs to the talk until on_done. */
struct proxy_upstream_talk *proxy_upstream_start(struct net_layer *layer, const struct proxy_upstream_request *request);
/* Closes the layer; on_done will not run.  Only before it has run. */
void proxy_upstream_cancel(struct proxy_upstream_talk **talk);

/* "Basic ..." of user and password, for Proxy-Authorization; false when it does not fit. */
bool proxy_upstream_credentials(const struct proxy_upstream *upstream, char *text, size_t size);
/* Standard base64 with padding; false when it does not fit. */
bool proxy_upstream_base64(struct str bytes, char *text, size_t size);

#endif
