/* resolver.h - host names to addresses, off the loops.
 *
 * A bounded set of threads calls the system's resolver, so a slow name server never stalls traffic; one look-up of a
 * name runs at a time (others of that name share its answer), and at most `waiting_max` wait.  An address literal is
 * answered without a thread.  Order of addresses is the system's (RFC 6724).
 */
#ifndef OS_RESOLVER_H
#define OS_RESOLVER_H

#include "os/addr.h"
#include "os/loop.h"

#define OS_RESOLVER_ADDR_MAX 16

struct os_resolver;
struct os_lookup;

struct os_resolver_options {
    unsigned thread_count; /* 0: 4 */
    unsigned waiting_max;  /* 0: 1024 */
};

MUST_CHECK struct err os_resolver_new(const struct os_resolver_options *options, struct os_resolver **ret_resolver);
/* No callback runs any more.  Look-ups that the system is busy with are not waited for, which may be for half a minute:
 * their threads end by themselves, the last one frees what they share.  The loops have stopped, or their look-ups are
 * cancelled. */
void os_resolver_free(struct os_resolver **resolver);

/* on_result runs on `loop`, later: OK with 1 to OS_RESOLVER_ADDR_MAX addresses (valid for the call), or ERR_RESOLVE.
 * ERR_LIMIT, without on_result, when waiting_max wait.  Names under "localhost" are this machine.  From the loop's
 * thread.  LIMIT: the callback's signature is part of it. */
MUST_CHECK struct err os_resolver_lookup(struct os_resolver *resolver, struct os_loop *loop, struct str host,
                                         uint16_t port,
                                         void (*on_result)(void *owner, struct err err, const struct os_addr *addrs,
                                                           size_t addr_count),
                                         void *owner, struct os_lookup **ret_lookup);
/* on_result will not run.  Only before it has run. */
void os_resolver_cancel(struct os_lookup *lookup);

#endif
