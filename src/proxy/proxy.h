/* proxy.h - the whole of it: traffic loops with their threads, and the listeners.
 *
 * Starts and stops as one.  Connections are spread over the loops and never change theirs.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "proxy/listener.h"
#include "proxy/mode.h"

#define PROXY_LISTEN_MAX 16

struct proxy;

struct proxy_start {
    const struct proxy_options *options; /* outlives the proxy */
    struct os_resolver *resolver;        /* outlives the proxy */
    struct tls_identity *const *identities;
    const struct os_addr *listen;
    const struct proxy_mode *modes; /* one for each; outlive the proxy; NULL: all regular */
    size_t listen_count;
    unsigned worker_count; /* 0: one per processor */
};

/* Listens, but accepts nothing before proxy_run().  On failure *ret_failed is the address that could not be had. */
MUST_CHECK struct err proxy_open(const struct proxy_start *start, struct proxy **ret_proxy, size_t *ret_failed);
/* The real address of a listener (port 0 asks for a free one). */
void proxy_listen_addr(const struct proxy *proxy, size_t index, struct os_addr *ret_addr);
/* Starts the threads. */
MUST_CHECK struct err proxy_run(struct proxy *proxy);
/* Ends every exchange and connection, joins the threads and frees; blocks, at most a second or so.  Not from a traffic
 * loop. */
void proxy_close(struct proxy **proxy);

struct proxy_status {
    unsigned worker_count;
    uint64_t connection_count; /* clients connected now */
    uint64_t origin_count;     /* connections to origins now */
};

/* From any thread. */
void proxy_status(const struct proxy *proxy, struct proxy_status *ret_status);

#endif
