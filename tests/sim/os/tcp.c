/* The same promises as the real one's, over the simulated network. */
#include "os/tcp.h"

#include <stdlib.h>

#include "os/error.h"
#include "world.h"

#include <errno.h>

/* Linux gives up after six retries. */
#define CONNECT_GIVE_UP_US ((uint64_t)127 * 1000 * 1000)

enum phase {
    CONNECTING,
    OPEN,
    FAILED,
    CLOSING,
};

struct os_tcp {
    struct os_loop *loop;
    const struct os_tcp_events *events;
    void *owner;
    enum phase phase;
    struct world_end *end; /* NULL: not connected, or closed */
    struct os_addr asked_addr;
    struct buf queue;
    bool is_read_wanted;
    bool has_eof;
    bool is_shutdown_wanted;
    bool is_write_broken;
    struct err error;
    struct world_event step; /* connecting, telling an error, closing: one at a time */
};

static const struct err reset_error = {ERR_RESET, ECONNRESET, "connection reset by peer"};

static void tell_closed(void *owner)
{
    struct os_tcp *tcp = owner;

    tcp->events->on_closed(tcp->owner);
    buf_deinit(&tcp->queue);
    world_closed(WORLD_TCP);
    free(tcp);
}

static void start_close(struct os_tcp *tcp, bool with_reset)
{
    tcp->phase = CLOSING;
    buf_clear(&tcp->queue);
    if (tcp->end && with_reset)
        world_end_reset(tcp->end);
    else if (tcp->end)
        world_end_close(tcp->end);
    tcp->end = NULL;
    world_event_stop(&tcp->step);
    world_event_init(&tcp->step, "closed", tcp->loop, tell_closed, tcp);
    world_event_start(&tcp->step, 0);
}

static void tell_error(void *owner)
{
    struct os_tcp *tcp = owner;

    tcp->events->on_error(tcp->owner, tcp->error);
}

static void fail(struct os_tcp *tcp, struct err error)
{
    tcp->phase = FAILED;
    tcp->error = error;
    buf_clear(&tcp->queue);
}

static void fail_later(struct os_tcp *tcp, struct err error)
{
    fail(tcp, error);
    world_event_init(&tcp->step, "error", tcp->loop, tell_error, tcp);
    world_event_start(&tcp->step, 0);
}

static void fail_write(struct os_tcp *tcp)
{
    buf_clear(&tcp->queue);
    if (tcp->is_read_wanted && !tcp->has_eof) {
        tcp->is_write_broken = true;
        tcp->error = reset_error;
        world_end_notify(tcp->end);
    } else {
        fail_later(tcp, reset_error);
    }
}

/* True when the queue became empty. */
static bool flush(struct os_tcp *tcp)
{
    size_t len;

    if (tcp->queue.len == 0)
        return false;
    if (tcp->end->has_reset) {
        fail_write(tcp);
        return false;
    }
    len = world_end_write(tcp->end, buf_str(&tcp->queue));
    buf_take(&tcp->queue, len);
    if (tcp->queue.len > 0) {
        /* What the system took only a part of by chance it takes more of later. */
        if (world_end_room(tcp->end) > 0)
            world_end_notify(tcp->end);
        return false;
    }
    if (tcp->is_shutdown_wanted)
        world_end_fin(tcp->end);
    return true;
}

static void read_bytes(struct os_tcp *tcp)
{
    static char buffer[OS_TCP_READ_BYTES]; /* as in the real one, valid for the call only */
    struct str bytes = world_end_peek(tcp->end, OS_TCP_READ_BYTES);
    size_t len = bytes.len;

    memcpy(buffer, bytes.ptr, len);
    world_end_consume(tcp->end, len);
    /* More, or the end, has its own turn. */
    world_end_notify(tcp->end);
    tcp->events->on_bytes(tcp->owner, (struct str){buffer, len});
    memset(buffer, 0xee, len);
}

static void read_end(struct os_tcp *tcp)
{
    if (tcp->end->has_reset || tcp->is_write_broken) {
        fail(tcp, reset_error);
        tcp->events->on_error(tcp->owner, tcp->error);
    } else if (tcp->end->has_fin) {
        tcp->has_eof = true;
        tcp->events->on_eof(tcp->owner);
    }
}

static bool has_something_to_read(const struct os_tcp *tcp)
{
    return tcp->end->arrived.len > 0 || tcp->end->has_fin || tcp->end->has_reset || tcp->is_write_broken;
}

static void on_notify(void *owner)
{
    struct os_tcp *tcp = owner;

    if (tcp->phase != OPEN)
        return;
    if (flush(tcp)) {
        world_end_notify(tcp->end);
        tcp->events->on_drain(tcp->owner);
        return;
    }
    if (tcp->phase != OPEN || !tcp->is_read_wanted || tcp->has_eof || !has_something_to_read(tcp))
        return;
    if (tcp->end->arrived.len > 0 && world_fails(SIM_FAULT_READ)) {
        buf_clear(&tcp->end->arrived);
        tcp->end->has_reset = true;
        world_event_start_once(&tcp->end->reset_trip, world_latency_us());
    }
    if (tcp->end->arrived.len > 0)
        read_bytes(tcp);
    else
        read_end(tcp);
}

static struct os_tcp *make(struct os_loop *loop, const struct os_tcp_events *events, void *owner)
{
    struct os_tcp *tcp = calloc(1, sizeof(*tcp));

    CHECK(tcp);
    tcp->loop = loop;
    tcp->events = events;
    tcp->owner = owner;
    buf_init(&tcp->queue, WORLD_QUEUE_MAX_BYTES);
    world_opened(WORLD_TCP);
    return tcp;
}

static void open_end(struct os_tcp *tcp, struct world_end *end)
{
    tcp->end = end;
    tcp->phase = OPEN;
    world_end_attach(end, tcp->loop, on_notify, tcp);
}

void os_tcp_read_start(struct os_tcp *tcp)
{
    tcp->is_read_wanted = true;
    if (tcp->phase == OPEN)
        world_end_notify(tcp->end);
}

void os_tcp_read_stop(struct os_tcp *tcp)
{
    tcp->is_read_wanted = false;
    if (tcp->is_write_broken && tcp->phase == OPEN)
        fail_later(tcp, tcp->error);
}

static void write_part(struct os_tcp *tcp, struct str bytes)
{
    size_t len = 0;

    if (tcp->phase == OPEN && tcp->queue.len == 0)
        len = world_end_write(tcp->end, bytes);
    if (len == bytes.len)
        return;
    CHECK(!err_is(buf_append(&tcp->queue, str_skip(bytes, len))));
    if (tcp->phase == OPEN)
        world_end_notify(tcp->end);
}

void os_tcp_write(struct os_tcp *tcp, const struct str *parts, size_t part_count)
{
    CHECK(!tcp->is_shutdown_wanted);
    if ((tcp->phase != OPEN && tcp->phase != CONNECTING) || tcp->is_write_broken)
        return;
    if (tcp->phase == OPEN && world_fails(SIM_FAULT_WRITE)) {
        tcp->end->has_reset = true;
        world_event_start_once(&tcp->end->reset_trip, world_latency_us());
    }
    if (tcp->phase == OPEN && tcp->end->has_reset) {
        fail_write(tcp);
        return;
    }
    for (size_t i = 0; i < part_count; i++)
        write_part(tcp, parts[i]);
}

size_t os_tcp_queued(const struct os_tcp *tcp) { return tcp->queue.len; }

void os_tcp_shutdown(struct os_tcp *tcp)
{
    if (tcp->is_shutdown_wanted)
        return;
    tcp->is_shutdown_wanted = true;
    if (tcp->phase == OPEN && tcp->queue.len == 0)
        world_end_fin(tcp->end);
}

void os_tcp_close(struct os_tcp *tcp)
{
    if (tcp->phase != CLOSING)
        start_close(tcp, false);
}

void os_tcp_reset(struct os_tcp *tcp)
{
    if (tcp->phase != CLOSING)
        start_close(tcp, true);
}

static struct err some_connect_error(void)
{
    static const int numbers[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH};

    return os_error_of_net(numbers[sim_random_below(world, sizeof(numbers) / sizeof(numbers[0]))]);
}

static void finish_connect(void *owner)
{
    struct os_tcp *tcp = owner;
    struct world_end *end = NULL;
    struct err error = OK;

    if (world_fails(SIM_FAULT_CONNECT))
        error = some_connect_error();
    else if (world_is_black_hole(&tcp->asked_addr))
        error = os_error_of_net(ETIMEDOUT);
    else
        end = world_connect(&tcp->asked_addr, NULL);
    if (!end && !err_is(error))
        error = os_error_of_net(ECONNREFUSED);
    if (end) {
        open_end(tcp, end);
        if (tcp->queue.len == 0 && tcp->is_shutdown_wanted)
            world_end_fin(end);
    } else {
        tcp->phase = FAILED;
    }
    tcp->events->on_connected(tcp->owner, error);
}

struct err os_tcp_connect(struct os_loop *loop, const struct os_addr *addr, const struct os_tcp_events *events,
                          void *owner, struct os_tcp **ret_tcp)
{
    struct os_tcp *tcp;

    if (addr->family == OS_FAMILY_NONE || world_fails(SIM_FAULT_OPEN))
        return os_error_of_net(addr->family == OS_FAMILY_NONE ? EINVAL : EMFILE);
    tcp = make(loop, events, owner);
    tcp->asked_addr = *addr;
    world_event_init(&tcp->step, "connect", loop, finish_connect, tcp);
    /* Waiting for a silent address is like waiting for a timer: nothing is under way. */
    tcp->step.is_weak = world_is_black_hole(addr);
    world_event_start(&tcp->step, tcp->step.is_weak ? CONNECT_GIVE_UP_US : 2 * world_latency_us());
    *ret_tcp = tcp;
    return OK;
}

static struct world_end *take_descriptor(int fd)
{
    for (struct list *node = world->accepted.next; node != &world->accepted; node = node->next) {
        struct world_end *end = LIST_OWNER(node, struct world_end, among);

        if (end->descriptor != fd)
            continue;
        list_remove(node);
        world_closed(WORLD_DESCRIPTOR);
        return end;
    }
    return NULL;
}

struct err os_tcp_adopt(struct os_loop *loop, int fd, const struct os_tcp_events *events, void *owner,
                        struct os_tcp **ret_tcp)
{
    struct world_end *end = take_descriptor(fd);

    if (!end)
        return os_error_of_net(EBADF);
    if (world_fails(SIM_FAULT_ADOPT)) {
        world_end_close(end);
        return os_error_of_net(ENOMEM);
    }
    *ret_tcp = make(loop, events, owner);
    open_end(*ret_tcp, end);
    return OK;
}

void os_tcp_discard(int fd)
{
    struct world_end *end = take_descriptor(fd);

    CHECK(end);
    world_end_close(end);
}

void os_tcp_set_owner(struct os_tcp *tcp, const struct os_tcp_events *events, void *owner)
{
    tcp->events = events;
    tcp->owner = owner;
}

struct os_loop *os_tcp_loop(const struct os_tcp *tcp) { return tcp->loop; }

void os_tcp_local_addr(const struct os_tcp *tcp, struct os_addr *ret_addr)
{
    *ret_addr = tcp->end ? tcp->end->addr : (struct os_addr){0};
}

void os_tcp_remote_addr(const struct os_tcp *tcp, struct os_addr *ret_addr)
{
    *ret_addr = tcp->end ? tcp->end->other->addr : (struct os_addr){0};
}

struct err os_tcp_original_addr(const struct os_tcp *tcp, struct os_addr *ret_addr)
{
    if (!tcp->end || tcp->end->original_addr.family == OS_FAMILY_NONE)
        return ERR(ERR_ABSENT, 0, "the connection was not redirected");
    *ret_addr = tcp->end->original_addr;
    return OK;
}
