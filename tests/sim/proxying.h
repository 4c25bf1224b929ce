/* proxying.h - for simulations of the proxy: one worker with a listener at 127.0.0.1:8080 in a simulated world, an
 * observer that counts and checks the order of what it is told, and an origin "origin.test" at 192.0.2.1:80.
 *
 * Without a CA, so TLS is not intercepted here.  proxying_stop() ends everything; then sim_free() finds what was left
 * open.
 */
#ifndef SIM_PROXYING_H
#define SIM_PROXYING_H

#include "model/exchange.h"
#include "os/resolver.h"
#include "proxy/listener.h"
#include "sim/os/sim.h"

struct proxying {
    struct sim *sim;
    struct os_loop *loop;
    struct os_resolver *resolver;
    struct proxy_options options; /* may be changed before proxying_start() */
    struct proxy_worker *worker;
    struct proxy_listener *listener;
    struct sim_door *origin;
    struct exchange_observer observer;
    uint64_t last_id;
    unsigned begun_count, ended_count, orphan_count;
    uint64_t wire_bytes[2]; /* of bodies, by enum exchange_side */
    bool is_idle;
    bool is_listener_closed;
};

/* A world with this seed, and options of ordinary size; the proxy does not run yet. */
void proxying_init(struct proxying *proxying, uint64_t seed);
MUST_CHECK struct err proxying_start(struct proxying *proxying);
/* A client of the proxy. */
struct sim_peer *proxying_connect(struct proxying *proxying);
/* Stops and frees what was started, also of a start that failed, and the world. */
void proxying_stop(struct proxying *proxying);

#endif
