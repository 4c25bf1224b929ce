/* A dial is in one of three phases: looking the name up, waiting for its turn with addresses in hand, connecting.  Each
 * attempt is memory of its own, so that losers may end after the dial is gone. */
#include "net/dial.h"

#include <stdlib.h>

#include "base/list.h"
#include "net/socket.h"
#include "os/clock.h"
#include "os/timer.h"

#define TIMEOUT_DEFAULT_MS 30000
#define ATTEMPT_DELAY_DEFAULT_MS 250
#define ATTEMPT_DEFAULT_MAX 8

struct attempt {
    struct list among;     /* of the dial; alone once it has lost */
    struct net_dial *dial; /* NULL: abandoned */
    struct os_tcp *tcp;
    struct os_addr addr;
};

struct net_dial {
    struct os_loop *loop;
    struct net_dial_options options;
    struct net_dial_request request; /* its host is not kept */
    struct os_timer *timeout;
    struct os_timer *attempt_delay;
    struct os_lookup *lookup; /* while it runs */
    struct os_post begin_post;
    bool is_begin_posted;
    bool is_over; /* cancelled or done while the post waits */
    uint64_t started_us;
    uint64_t first_attempt_us;
    struct os_addr addrs[OS_RESOLVER_ADDR_MAX];
    size_t addr_count;
    size_t addr_next;
    struct list attempts; /* running */
    struct net_dial_result result;
    struct err error; /* the most telling so far */
};

static void on_attempt_closed(void *owner) { free(owner); }

static void abandon(struct attempt *attempt)
{
    list_remove(&attempt->among);
    attempt->dial = NULL;
    os_tcp_close(attempt->tcp);
}

static void dismantle(struct net_dial *dial)
{
    struct list *node;

    os_timer_free(&dial->timeout);
    os_timer_free(&dial->attempt_delay);
    if (dial->lookup)
        os_resolver_cancel(dial->lookup);
    dial->lookup = NULL;
    while ((node = list_first(&dial->attempts)))
        abandon(LIST_OWNER(node, struct attempt, among));
}

static void release(struct net_dial *dial)
{
    /* A post that still waits for its turn must find its memory. */
    dial->is_over = true;
    if (!dial->is_begin_posted)
        free(dial);
}

static void finish(struct net_dial *dial, struct err error)
{
    if (dial->first_attempt_us)
        dial->result.connect_us = os_clock_mono_us() - dial->first_attempt_us;
    dismantle(dial);
    dial->request.on_done(dial->request.owner, error, &dial->result);
    release(dial);
}

/* Of several failures the one that says most about the origin is told. */
static int weight(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return 0;
    case ERR_DENIED:
        return 1;
    case ERR_REFUSED:
        return 4;
    case ERR_TIMEOUT:
        return 3;
    default:
        return 2;
    }
}

static void note_failure(struct net_dial *dial, struct err error, const struct os_addr *addr)
{
    if (weight(error.code) <= weight(dial->error.code))
        return;
    dial->error = error;
    dial->result.addr = *addr;
}

static void try_next(struct net_dial *dial);

static void win(struct net_dial *dial, struct attempt *attempt)
{
    list_remove(&attempt->among);
    dial->result.addr = attempt->addr;
    dial->result.socket = net_socket_new(attempt->tcp);
    free(attempt);
    finish(dial, OK);
}

/* When a port of this machine that nobody listens on is dialled, TCP may pick that very port for our end. */
static bool is_to_itself(const struct attempt *attempt)
{
    struct os_addr local_addr;

    os_tcp_local_addr(attempt->tcp, &local_addr);
    return os_addr_same(&local_addr, &attempt->addr);
}

static void on_attempt_connected(void *owner, struct err error)
{
    struct attempt *attempt = owner;
    struct net_dial *dial = attempt->dial;

    if (!err_is(error) && is_to_itself(attempt))
        error = ERR(ERR_REFUSED, 0, "nobody listens there");
    if (!err_is(error)) {
        win(dial, attempt);
        return;
    }
    note_failure(dial, error, &attempt->addr);
    abandon(attempt);
    try_next(dial);
}

static const struct os_tcp_events attempt_events = {
    .on_connected = on_attempt_connected,
    .on_closed = on_attempt_closed,
};

static struct err start_attempt(struct net_dial *dial, const struct os_addr *addr)
{
    struct attempt *attempt;
    struct err error;

    if (dial->options.is_allowed && !dial->options.is_allowed(dial->options.policy, addr))
        return ERR(ERR_DENIED, 0, "the address is not allowed");
    attempt = calloc(1, sizeof(*attempt));
    CHECK(attempt);
    *attempt = (struct attempt){.dial = dial, .addr = *addr};
    dial->result.attempt_count++;
    error = os_tcp_connect(dial->loop, addr, &attempt_events, attempt, &attempt->tcp);
    if (err_is(error)) {
        free(attempt);
        return error;
    }
    list_push_last(&dial->attempts, &attempt->among);
    return OK;
}

static bool may_try_more(const struct net_dial *dial)
{
    return dial->addr_next < dial->addr_count && dial->result.attempt_count < dial->options.attempt_max;
}

/* Starts the next attempt; ends the dial when there is none left to start or to wait for. */
static void try_next(struct net_dial *dial)
{
    while (may_try_more(dial)) {
        const struct os_addr *addr = &dial->addrs[dial->addr_next++];
        struct err error = start_attempt(dial, addr);

        if (!err_is(error)) {
            if (may_try_more(dial))
                os_timer_start(dial->attempt_delay, dial->options.attempt_delay_ms);
            return;
        }
        note_failure(dial, error, addr);
    }
    os_timer_stop(dial->attempt_delay);
    if (list_is_empty(&dial->attempts))
        finish(dial, dial->error);
}

/* RFC 8305, 4: families take turns, beginning with that of the resolver's first address. */
static void set_addrs(struct net_dial *dial, const struct os_addr *addrs, size_t addr_count)
{
    size_t next[2] = {0, 0}; /* of the first address's family, of the other */
    unsigned turn = 0;

    while (dial->addr_count < addr_count && dial->addr_count < OS_RESOLVER_ADDR_MAX) {
        size_t *at = &next[turn];

        while (*at < addr_count && (addrs[*at].family == addrs[0].family) != (turn == 0))
            (*at)++;
        if (*at < addr_count)
            dial->addrs[dial->addr_count++] = addrs[(*at)++];
        turn = !turn;
    }
}

static void connect_to_addrs(struct net_dial *dial)
{
    dial->first_attempt_us = os_clock_mono_us();
    try_next(dial);
}

static void on_lookup_result(void *owner, struct err error, const struct os_addr *addrs, size_t addr_count)
{
    struct net_dial *dial = owner;

    dial->lookup = NULL;
    dial->result.resolve_us = os_clock_mono_us() - dial->started_us;
    if (err_is(error)) {
        finish(dial, error);
        return;
    }
    set_addrs(dial, addrs, addr_count);
    connect_to_addrs(dial);
}

static void on_begin(void *owner)
{
    struct net_dial *dial = owner;

    dial->is_begin_posted = false;
    if (dial->is_over)
        free(dial);
    else
        connect_to_addrs(dial);
}

static void on_attempt_delay(void *owner) { try_next(owner); }

static void on_timeout(void *owner)
{
    struct net_dial *dial = owner;
    struct list *node = list_first(&dial->attempts);

    if (dial->lookup)
        dial->result.resolve_us = os_clock_mono_us() - dial->started_us;
    if (node)
        dial->result.addr = LIST_OWNER(node, struct attempt, among)->addr;
    finish(dial, ERR(ERR_TIMEOUT, 0, dial->lookup ? "looking the name up took too long" : "connecting took too long"));
}

/* Addresses that are known without asking anybody. */
static size_t find_known_addrs(const struct net_dial *dial, struct str host, uint16_t port, struct os_addr *addrs)
{
    const struct net_dial_options *options = &dial->options;
    size_t count = 0;

    if (options->find_override)
        count = options->find_override(options->policy, host, port, addrs, OS_RESOLVER_ADDR_MAX);
    CHECK(count <= OS_RESOLVER_ADDR_MAX);
    if (count)
        return count;
    return err_is(os_addr_parse(host, port, &addrs[0])) ? 0 : 1;
}

static struct err find_addrs(struct net_dial *dial, const struct net_dial_request *request)
{
    struct os_addr addrs[OS_RESOLVER_ADDR_MAX];
    size_t count = find_known_addrs(dial, request->host, request->port, addrs);

    if (count == 0)
        return os_resolver_lookup(dial->options.resolver, dial->loop, request->host, request->port, on_lookup_result,
                                  dial, &dial->lookup);
    set_addrs(dial, addrs, count);
    dial->begin_post = (struct os_post){.fn = on_begin, .owner = dial};
    dial->is_begin_posted = true;
    os_loop_defer(dial->loop, &dial->begin_post);
    return OK;
}

static void set_options(struct net_dial *dial, const struct net_dial_options *options)
{
    dial->options = *options;
    if (dial->options.timeout_ms == 0)
        dial->options.timeout_ms = TIMEOUT_DEFAULT_MS;
    if (dial->options.attempt_delay_ms == 0)
        dial->options.attempt_delay_ms = ATTEMPT_DELAY_DEFAULT_MS;
    if (dial->options.attempt_max == 0)
        dial->options.attempt_max = ATTEMPT_DEFAULT_MAX;
}

struct err net_dial_start(struct os_loop *loop, const struct net_dial_options *options,
                          const struct net_dial_request *request, struct net_dial **ret_dial)
{
    struct net_dial *dial = calloc(1, sizeof(*dial));
    struct err error;

    CHECK(dial);
    dial->loop = loop;
    dial->request = *request;
    dial->request.host = STR_NONE;
    dial->started_us = os_clock_mono_us();
    list_init(&dial->attempts);
    set_options(dial, options);
    error = os_timer_new(loop, on_timeout, dial, &dial->timeout);
    if (!err_is(error))
        error = os_timer_new(loop, on_attempt_delay, dial, &dial->attempt_delay);
    if (!err_is(error))
        error = find_addrs(dial, request);
    if (err_is(error)) {
        dismantle(dial);
        free(dial);
        return error;
    }
    os_timer_start(dial->timeout, dial->options.timeout_ms);
    *ret_dial = dial;
    return OK;
}

void net_dial_cancel(struct net_dial **dial)
{
    struct net_dial *cancelled = *dial;

    if (!cancelled)
        return;
    *dial = NULL;
    dismantle(cancelled);
    release(cancelled);
}
