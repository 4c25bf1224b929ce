/* dial.h - from a host and port to a connected socket.
 *
 * How: an override, an address literal or the resolver gives addresses; they are tried in the resolver's order with the
 * families taking turns, a new attempt starting when the one before failed or after `attempt_delay_ms`; the first to
 * connect wins and the others are closed (RFC 8305).
 *
 * Every address is shown to `is_allowed` immediately before it is connected to, whatever name led to it, so a name that
 * answers differently the second time gains nothing.  A connection that TCP made to itself (both ends one address and
 * port) counts as refused.
 *
 * Limits: `timeout_ms` for all together, `attempt_max` addresses, one on_done.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/layer.h"
#include "os/resolver.h"

struct net_dial;

struct net_dial_options {
    struct os_resolver *resolver; /* outlives the dial */
    uint64_t timeout_ms;          /* look-up and connect together; 0: 30,000 */
    uint64_t attempt_delay_ms;    /* 0: 250 (RFC 8305, 5) */
    unsigned attempt_max;         /* addresses tried; 0: 8 */
    /* Veto, per address; NULL allows all. */
    bool (*is_allowed)(void *policy, const struct os_addr *addr);
    /* Addresses that stand in for the resolver's (at most addr_max, with their ports); returns how many, 0 for no
     * override.  NULL: none. */
    size_t (*find_override)(void *policy, struct str host, uint16_t port, struct os_addr *addrs, size_t addr_max);
    void *policy; /* first argument of both */
};

/* What is known at the end, also of a failure. */
struct net_dial_result {
    struct net_layer *socket; /* the callee's to close, reading stopped, without owner yet; NULL on failure */
    struct os_addr addr;      /* connected, or last tried; family 0: none was */
    uint64_t resolve_us;      /* 0: nothing to look up */
    uint64_t connect_us;      /* from the first attempt's start */
    unsigned attempt_count;
};

struct net_dial_request {
    struct str host; /* name or literal, brackets allowed; copied */
    uint16_t port;
    /* Later, once: OK, ERR_RESOLVE, ERR_REFUSED, ERR_TIMEOUT, ERR_DENIED (every address was vetoed), ERR_IO (errno in
     * err.wire).  The dial is gone when it returns; `result` is valid for the call. */
    void (*on_done)(void *owner, struct err err, const struct net_dial_result *result);
    void *owner;
};

/* Options are copied.  Fails, without on_done, only when a limit is reached. */
MUST_CHECK struct err net_dial_start(struct os_loop *loop, const struct net_dial_options *options,
                                     const struct net_dial_request *request, struct net_dial **ret_dial);

/* Ends it; on_done will not run.  Only before it has run. */
void net_dial_cancel(struct net_dial **dial);

#endif
