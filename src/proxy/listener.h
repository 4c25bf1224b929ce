/* listener.h - the proxy's port: accepts, and gives each connection to the traffic loop that has the fewest. */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include "proxy/worker.h"

#define PROXY_LISTENER_WORKER_MAX 64

struct proxy_listener;

struct proxy_listener_options {
    struct os_loop *loop; /* accepts on this one; may be a worker's own */
    struct os_addr addr;
    const struct proxy_mode *mode;       /* outlives the listener; NULL: regular */
    struct proxy_worker *const *workers; /* copied */
    size_t worker_count;
};

/* ERR_BUSY when the port is taken. */
MUST_CHECK struct err proxy_listener_open(const struct proxy_listener_options *options,
                                          struct proxy_listener **ret_listener);
void proxy_listener_addr(const struct proxy_listener *listener, struct os_addr *ret_addr);
/* On its loop.  Frees it later; on_closed may be NULL. */
void proxy_listener_close(struct proxy_listener **listener, void (*on_closed)(void *owner), void *owner);

#endif
