/* worker.h - one traffic loop: its connections, what they share, and when they must stop reading.
 *
 * A connection belongs to one worker for its life and is touched on its thread only, so nothing here has a lock.  When
 * an observer has no room for what one more read could bring, the worker stops all reading at once and starts it
 * again when the observer calls back: a slow disk slows the peers, and memory stays as it is.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <stdatomic.h>

#include "base/list.h"
#include "os/resolver.h"
#include "proxy/options.h"

struct tls_loop;
struct proxy_mode;
struct tls_identity;
struct proxy_offers;
struct proxy_speaks;

struct proxy_worker {
    struct os_loop *loop;
    const struct proxy_options *options;
    struct os_resolver *resolver; /* borrowed; shared by all workers */
    struct tls_loop *tls;
    struct tls_identity *const *identities; /* one per options->client_certs; borrowed */
    struct proxy_offers *offers;            /* borrowed; shared by all workers; NULL: nothing is offered */
    struct proxy_speaks *speaks;            /* the same; NULL: HTTP/2 is not offered to clients in TLS */
    struct exchange_observer *observers[PROXY_OBSERVER_MAX];
    size_t observer_count;
    struct list conns; /* of struct proxy_conn */
    bool is_stalled;   /* an observer has no room */
    bool is_stopping;
    void (*on_idle)(void *owner); /* once, when stopping and all is closed */
    void *owner;
    struct {
        atomic_uint_fast64_t origin_count; /* origin connections that are not closed yet */
        atomic_uint_fast64_t conn_count;   /* read by the acceptor to find the least busy loop */
    } shared;                              /* written by the worker, read by any thread */
};

struct proxy_worker_options {
    struct os_loop *loop;
    const struct proxy_options *options;
    struct os_resolver *resolver;
    struct tls_identity *const *identities;
    struct proxy_offers *offers;
    struct proxy_speaks *speaks;
};

MUST_CHECK struct err proxy_worker_new(const struct proxy_worker_options *options, struct proxy_worker **ret_worker);
/* After on_idle. */
void proxy_worker_free(struct proxy_worker **worker);

/* Takes an accepted descriptor; closes it when the connection limit is reached. */
void proxy_worker_accept(struct proxy_worker *worker, int fd, const struct proxy_mode *mode);

/* Ends all connections; on_idle runs once the last has closed. */
void proxy_worker_stop(struct proxy_worker *worker, void (*on_idle)(void *owner), void *owner);

/* To be called before bytes are read: whether reading may go on.  When not, all connections of the worker have been
 * told and will be told again when it may. */
bool proxy_worker_may_read(struct proxy_worker *worker);

/* A number that no other connection of this process has, of either side; any thread. */
uint64_t proxy_worker_number(void);
/* Connections and origins call this when they are gone. */
void proxy_worker_check_idle(struct proxy_worker *worker);

#endif
