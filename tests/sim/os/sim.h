/* sim.h - a simulated os: the headers of src/os with virtual time, a network in memory, scripted peers and faults.
 *
 * A program under test links it in the place of the real loop, timer, clock, sockets, resolver and pool (files, locks,
 * threads, processes and addresses are the real ones).  Nothing waits: sim_run_ms(60000) takes as long as the work that
 * is done in that minute.  Everything that happens is an event with a time; events run one after another on the
 * calling thread, and what chance decides (delays, where bytes are cut, short writes, faults) comes from the seed.  The
 * same seed and the same calls give the same events: sim_trace_hash() tells.
 *
 * One world at a time; it belongs to the thread that made it.  os_loop_post() may come from other threads, but then the
 * order is no longer the seed's.
 *
 *     struct sim *sim = sim_new(&(struct sim_options){.seed = seed});
 *     struct sim_door *origin = sim_listen(sim, sim_addr("192.0.2.1:80"));
 *     sim_name(sim, "origin.test", sim_addr("192.0.2.1:0"));
 *     ... start the program on a loop of os_loop_new(), listening at 127.0.0.1:8080 ...
 *     struct sim_peer *client = sim_connect(sim, sim_addr("127.0.0.1:8080"));
 *     sim_send(client, STR("GET http://origin.test/ HTTP/1.1\r\nHost: origin.test\r\n\r\n"));
 *     sim_settle(sim);
 *     struct sim_peer *server = sim_accept(origin);
 *     assert_true(sim_take_exactly(server, STR("GET / HTTP/1.1\r\n...")));
 *     sim_send(server, ...); sim_end(server); sim_settle(sim); ...
 *     ... stop the program ...
 *     sim_free(&sim);        (stops the test when a socket, timer, listener or loop of the program was left open)
 */
#ifndef SIM_OS_SIM_H
#define SIM_OS_SIM_H

#include "base/err.h"
#include "base/str.h"
#include "os/addr.h"

struct sim;
struct sim_door; /* a listening peer */
struct sim_peer; /* the far end of one connection of the program */

struct sim_options {
    uint64_t seed;
    uint64_t latency_min_us; /* of every step of the network; 0: 20 */
    uint64_t latency_max_us; /* 0: 2,000 */
    size_t capacity_bytes;   /* of one direction: sent and not yet read by the other end; 0: 65,536 */
    bool is_whole;           /* bytes arrive as they were written, not cut by chance */
    bool is_traced;          /* events go to stderr */
};

struct sim *sim_new(const struct sim_options *options);
/* Stops the program with a message when something the program opened is still open. */
void sim_free(struct sim **sim);
/* Sockets, timers, listeners, loops, look-ups and descriptors that the program has not closed yet. */
unsigned sim_open_count(const struct sim *sim);

/* "192.0.2.1:80"; stops the program when that is none. */
struct os_addr sim_addr(const char *text);

/* Time. */
uint64_t sim_now_us(const struct sim *sim);
/* Runs all that happens in so much virtual time. */
void sim_run_ms(struct sim *sim, uint64_t run_ms);
/* Runs until nothing is under way but timers; those that come due meanwhile fire.  Stops the program after a million
 * events, since then two parties go on for ever. */
void sim_settle(struct sim *sim);
/* Runs until is_true(owner), at most so long; returns is_true(owner). */
bool sim_run_until(struct sim *sim, bool (*is_true)(void *owner), void *owner, uint64_t limit_ms);
/* The wall clock jumps; the monotonic one does not. */
void sim_jump_wall(struct sim *sim, int64_t by_us);
/* As if SIGTERM came: runs the on_stop_signal of every loop that asked for it, later. */
void sim_stop_signal(struct sim *sim);

/* Chance, for tests that want some of their own from the same seed. */
uint64_t sim_random(struct sim *sim);
/* 0 to count - 1. */
uint64_t sim_random_below(struct sim *sim, uint64_t count);
/* Of all events so far. */
uint64_t sim_trace_hash(const struct sim *sim);

/* Faults.  Each call of the program that can fail is counted; the counted call fails when its number is that of
 * sim_fail_at(), or by chance. */
enum sim_fault {
    SIM_FAULT_LISTEN,  /* os_listener_open: ERR_BUSY */
    SIM_FAULT_ACCEPT,  /* descriptors run out: the listener rests for 100 ms */
    SIM_FAULT_ADOPT,   /* os_tcp_adopt: ERR_IO */
    SIM_FAULT_OPEN,    /* os_tcp_connect at once: ERR_IO */
    SIM_FAULT_CONNECT, /* on_connected: ERR_REFUSED, ERR_TIMEOUT or ERR_IO by chance */
    SIM_FAULT_READ,    /* a reset instead of bytes */
    SIM_FAULT_WRITE,   /* a write meets a reset */
    SIM_FAULT_LOOKUP,  /* os_resolver_lookup at once: ERR_LIMIT */
    SIM_FAULT_RESOLVE, /* on_result: ERR_RESOLVE */
    SIM_FAULT_SUBMIT,  /* os_pool_submit: ERR_LIMIT */
    SIM_FAULT_COUNT,
};

/* The chance that such a call fails, in thousandths. */
void sim_fail_by_chance(struct sim *sim, enum sim_fault fault, unsigned per_mille);
/* The call with this number, counted from now and from 1, fails; 0 for none.  A run without faults and
 * sim_call_count() say how far to count. */
void sim_fail_at(struct sim *sim, uint64_t call_number);
uint64_t sim_call_count(const struct sim *sim);

/* Names.  Several addresses of one name are given in the order of the calls; their port is of no matter. */
void sim_name(struct sim *sim, const char *name, struct os_addr addr);
void sim_forget_name(struct sim *sim, const char *name);
/* How long look-ups take, from now on. */
void sim_resolve_delay_ms(struct sim *sim, uint64_t delay_ms);
/* Connecting there gets no answer; ERR_TIMEOUT after 127 s, as on Linux. */
void sim_black_hole(struct sim *sim, struct os_addr addr);

/* Listening peers.  Connections that nobody took with sim_accept() wait. */
struct sim_door *sim_listen(struct sim *sim, struct os_addr addr);
/* Nobody listens there any more. */
void sim_unlisten(struct sim_door *door);
/* The next connection, with bytes already collected; NULL when there is none. */
struct sim_peer *sim_accept(struct sim_door *door);
/* A callback instead of sim_accept(), for servers that answer by themselves. */
void sim_on_accept(struct sim_door *door, void (*on_accept)(void *owner, struct sim_peer *peer), void *owner);

/* Connects to a listener of the program; refused or connected later. */
struct sim_peer *sim_connect(struct sim *sim, struct os_addr addr);
/* As before, and the program's os_tcp_original_addr() gives `original`. */
struct sim_peer *sim_connect_redirected(struct sim *sim, struct os_addr addr, struct os_addr original);

/* Sends as the network takes it; what it does not take waits without bound. */
void sim_send(struct sim_peer *peer, struct str bytes);
size_t sim_unsent_bytes(const struct sim_peer *peer);
/* Ends its direction once all is sent. */
void sim_end(struct sim_peer *peer);
/* Leaves: what is unsent is dropped; the program sees the end, or a reset when the peer had not read everything. */
void sim_close(struct sim_peer *peer);
void sim_reset(struct sim_peer *peer);
/* A peer that does not read; reading starts with the connection. */
void sim_pause(struct sim_peer *peer);
void sim_resume(struct sim_peer *peer);

/* What has come and was not taken yet; valid until the next event. */
struct str sim_received(const struct sim_peer *peer);
void sim_take(struct sim_peer *peer, size_t len);
/* True, and takes it, when what was received is exactly this (or starts with it); prints both otherwise. */
bool sim_take_exactly(struct sim_peer *peer, struct str expected);
bool sim_take_start(struct sim_peer *peer, struct str expected);
/* Called after bytes, an end or a reset came. */
void sim_on_change(struct sim_peer *peer, void (*on_change)(void *owner, struct sim_peer *peer), void *owner);

bool sim_is_connected(const struct sim_peer *peer);
bool sim_was_refused(const struct sim_peer *peer);
bool sim_has_end(const struct sim_peer *peer); /* the program ended its direction */
bool sim_was_reset(const struct sim_peer *peer);
void sim_peer_addrs(const struct sim_peer *peer, struct os_addr *ret_own, struct os_addr *ret_programs);

#endif
