/* Covers net/dial: races of addresses, vetoes, overrides, time-outs and cancelling, on sockets of this machine. */
#include "../os/looping.h"

#include <string.h>

#include "net/dial.h"

/* Packets to it are dropped by every router (RFC 5737 has no route either); here a listener whose queue is full does
 * the same without leaving the machine. */
struct black_hole {
    int listener;
    int fillers[8];
    uint16_t port;
};

struct dialling {
    struct os_loop *loop;
    struct os_resolver *resolver;
    struct net_dial_options options;
    struct net_dial *dial;
    bool is_done;
    unsigned done_count;
    struct err error;
    struct net_dial_result result;
    struct os_addr overrides[4];
    size_t override_count;
    struct os_addr shown[16]; /* to is_allowed */
    size_t shown_count;
    struct os_addr forbidden;
    bool is_closed;
};

static void on_done(void *owner, struct err error, const struct net_dial_result *result)
{
    struct dialling *dialling = owner;

    dialling->is_done = true;
    dialling->done_count++;
    dialling->error = error;
    dialling->result = *result;
    dialling->dial = NULL;
}

static void on_closed(void *owner) { ((struct dialling *)owner)->is_closed = true; }

static const struct net_layer_events events = {.on_closed = on_closed};

static bool is_allowed(void *policy, const struct os_addr *addr)
{
    struct dialling *dialling = policy;

    assert_true(dialling->shown_count < 16);
    dialling->shown[dialling->shown_count++] = *addr;
    return !os_addr_same(addr, &dialling->forbidden);
}

static size_t find_override(void *policy, struct str host, uint16_t port, struct os_addr *addrs, size_t addr_max)
{
    struct dialling *dialling = policy;

    (void)port;
    assert_true(dialling->override_count <= addr_max);
    if (!str_eq(host, STR("override.test")))
        return 0;
    memcpy(addrs, dialling->overrides, dialling->override_count * sizeof(addrs[0]));
    return dialling->override_count;
}

static void begin(struct dialling *dialling)
{
    struct os_resolver_options options = {.thread_count = 1};

    *dialling = (struct dialling){0};
    assert_ok(os_loop_new(&dialling->loop));
    assert_ok(os_resolver_new(&options, &dialling->resolver));
    dialling->options = (struct net_dial_options){
        .resolver = dialling->resolver,
        .is_allowed = is_allowed,
        .find_override = find_override,
        .policy = dialling,
    };
}

static void dial(struct dialling *dialling, const char *host, uint16_t port)
{
    struct net_dial_request request = {.host = str_from(host), .port = port, .on_done = on_done, .owner = dialling};

    dialling->is_done = false;
    assert_ok(net_dial_start(dialling->loop, &dialling->options, &request, &dialling->dial));
    assert_int_equal(dialling->done_count, 0);
}

static void dial_and_wait(struct dialling *dialling, const char *host, uint16_t port)
{
    dial(dialling, host, port);
    run_until(dialling->loop, is_set, &dialling->is_done);
    run_for_ms(dialling->loop, 5);
    assert_int_equal(dialling->done_count, 1);
}

static void end(struct dialling *dialling)
{
    if (dialling->result.socket) {
        net_layer_set_owner(dialling->result.socket, &events, dialling);
        net_layer_close(dialling->result.socket);
        run_until(dialling->loop, is_set, &dialling->is_closed);
    }
    run_for_ms(dialling->loop, 1);
    os_loop_free(&dialling->loop);
    os_resolver_free(&dialling->resolver);
}

static uint16_t closed_port(void)
{
    uint16_t port;

    close(peer_listen(&port));
    return port;
}

static void open_black_hole(struct black_hole *hole)
{
    struct sockaddr_in address = loopback_address(0);
    socklen_t len = sizeof(address);

    hole->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    assert_int_equal(getsockname(hole->listener, (struct sockaddr *)&address, &len), 0);
    hole->port = ntohs(address.sin_port);
    for (size_t i = 0; i < 8; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(hole->fillers[i], (struct sockaddr *)&address, len);
    }
}

static void close_black_hole(struct black_hole *hole)
{
    for (size_t i = 0; i < 8; i++)
        close(hole->fillers[i]);
    close(hole->listener);
}

static void a_literal_connects_without_looking_up(void **state)
{
    struct dialling dialling;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    begin(&dialling);
    dial_and_wait(&dialling, "127.0.0.1", port);
    assert_err(dialling.error, ERR_NONE);
    assert_non_null(dialling.result.socket);
    assert_int_equal(dialling.result.addr.port, port);
    assert_int_equal(dialling.result.resolve_us, 0);
    assert_true(dialling.result.connect_us > 0);
    assert_int_equal(dialling.result.attempt_count, 1);
    assert_true(os_addr_same(&dialling.result.socket->remote_addr, &dialling.result.addr));
    end(&dialling);
    close(listener);
}

static void a_name_is_looked_up(void **state)
{
    struct dialling dialling;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    begin(&dialling);
    dial_and_wait(&dialling, "LocalHost", port);
    assert_err(dialling.error, ERR_NONE);
    assert_true(os_addr_is_loopback(&dialling.result.addr));
    assert_true(dialling.result.resolve_us > 0);
    end(&dialling);
    close(listener);
}

static void a_name_without_address_fails_to_resolve(void **state)
{
    struct dialling dialling;

    (void)state;
    begin(&dialling);
    dial_and_wait(&dialling, "", 80);
    assert_err(dialling.error, ERR_RESOLVE);
    assert_null(dialling.result.socket);
    assert_int_equal(dialling.result.addr.family, OS_FAMILY_NONE);
    end(&dialling);
}

static void a_closed_port_is_refused_and_names_its_address(void **state)
{
    struct dialling dialling;
    uint16_t port = closed_port();

    (void)state;
    begin(&dialling);
    dial_and_wait(&dialling, "127.0.0.1", port);
    assert_err(dialling.error, ERR_REFUSED);
    assert_int_equal(dialling.result.addr.port, port);
    end(&dialling);
}

static void the_next_address_is_tried_at_once_when_one_is_refused(void **state)
{
    struct dialling dialling;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    begin(&dialling);
    dialling.overrides[0] = loopback_addr(closed_port());
    dialling.overrides[1] = loopback_addr(port);
    dialling.override_count = 2;
    /* Were the delay waited for, the test would time out. */
    dialling.options.attempt_delay_ms = 10 * 60 * 1000;
    dialling.options.timeout_ms = 20 * 60 * 1000;
    dial_and_wait(&dialling, "override.test", 1);
    assert_err(dialling.error, ERR_NONE);
    assert_int_equal(dialling.result.addr.port, port);
    assert_int_equal(dialling.result.attempt_count, 2);
    end(&dialling);
    close(listener);
}

static void a_silent_address_does_not_hold_up_the_next(void **state)
{
    struct dialling dialling;
    struct black_hole hole;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    open_black_hole(&hole);
    begin(&dialling);
    dialling.overrides[0] = loopback_addr(hole.port);
    dialling.overrides[1] = loopback_addr(port);
    dialling.override_count = 2;
    dialling.options.attempt_delay_ms = 20;
    dialling.options.timeout_ms = 20 * 60 * 1000;
    dial_and_wait(&dialling, "override.test", 1);
    assert_err(dialling.error, ERR_NONE);
    assert_int_equal(dialling.result.addr.port, port);
    assert_int_equal(dialling.result.attempt_count, 2);
    end(&dialling);
    close_black_hole(&hole);
    close(listener);
}

static void a_silent_address_times_out(void **state)
{
    struct dialling dialling;
    struct black_hole hole;

    (void)state;
    open_black_hole(&hole);
    begin(&dialling);
    dialling.options.timeout_ms = 30;
    dial_and_wait(&dialling, "127.0.0.1", hole.port);
    assert_err(dialling.error, ERR_TIMEOUT);
    assert_int_equal(dialling.result.addr.port, hole.port);
    end(&dialling);
    close_black_hole(&hole);
}

static void families_take_turns_beginning_with_the_first(void **state)
{
    struct dialling dialling;
    uint16_t port = closed_port();
    struct os_addr ip6 = {.family = OS_FAMILY_IP6, .port = port, .ip = {[15] = 1}};

    (void)state;
    begin(&dialling);
    dialling.overrides[0] = ip6;
    dialling.overrides[1] = ip6;
    dialling.overrides[2] = loopback_addr(port);
    dialling.overrides[3] = loopback_addr(port);
    dialling.override_count = 4;
    dial_and_wait(&dialling, "override.test", 1);
    assert_err(dialling.error, ERR_REFUSED);
    assert_int_equal(dialling.shown_count, 4);
    assert_int_equal(dialling.shown[0].family, OS_FAMILY_IP6);
    assert_int_equal(dialling.shown[1].family, OS_FAMILY_IP4);
    assert_int_equal(dialling.shown[2].family, OS_FAMILY_IP6);
    assert_int_equal(dialling.shown[3].family, OS_FAMILY_IP4);
    end(&dialling);
}

static void no_more_addresses_are_tried_than_allowed(void **state)
{
    struct dialling dialling;

    (void)state;
    begin(&dialling);
    for (size_t i = 0; i < 4; i++)
        dialling.overrides[i] = loopback_addr(closed_port());
    dialling.override_count = 4;
    dialling.options.attempt_max = 3;
    dial_and_wait(&dialling, "override.test", 1);
    assert_err(dialling.error, ERR_REFUSED);
    assert_int_equal(dialling.result.attempt_count, 3);
    end(&dialling);
}

static void a_vetoed_address_is_never_connected_to(void **state)
{
    struct dialling dialling;
    uint16_t port;
    int listener = peer_listen(&port);
    struct pollfd waiting = {.fd = listener, .events = POLLIN};

    (void)state;
    begin(&dialling);
    dialling.forbidden = loopback_addr(port);
    dial_and_wait(&dialling, "::ffff:127.0.0.1", port);
    assert_err(dialling.error, ERR_DENIED);
    assert_int_equal(dialling.result.attempt_count, 0);
    assert_int_equal(dialling.result.addr.port, port);
    assert_int_equal(poll(&waiting, 1, 0), 0);
    end(&dialling);
    close(listener);
}

static void a_name_that_leads_to_a_vetoed_address_is_denied(void **state)
{
    struct dialling dialling;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    begin(&dialling);
    dialling.overrides[0] = loopback_addr(port);
    dialling.override_count = 1;
    dialling.forbidden = loopback_addr(port);
    dial_and_wait(&dialling, "override.test", 1);
    assert_err(dialling.error, ERR_DENIED);
    end(&dialling);
    close(listener);
}

static void after_a_veto_the_other_addresses_are_tried(void **state)
{
    struct dialling dialling;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    begin(&dialling);
    dialling.overrides[0] = loopback_addr(9);
    dialling.overrides[1] = loopback_addr(port);
    dialling.override_count = 2;
    dialling.forbidden = loopback_addr(9);
    dial_and_wait(&dialling, "override.test", 1);
    assert_err(dialling.error, ERR_NONE);
    assert_int_equal(dialling.result.addr.port, port);
    end(&dialling);
    close(listener);
}

static void a_cancelled_dial_is_never_told(void **state)
{
    struct dialling dialling;
    struct black_hole hole;
    uint16_t port;
    int listener = peer_listen(&port);

    (void)state;
    open_black_hole(&hole);
    begin(&dialling);
    dial(&dialling, "127.0.0.1", port);
    net_dial_cancel(&dialling.dial);
    assert_null(dialling.dial);
    net_dial_cancel(&dialling.dial);
    dial(&dialling, "localhost", port);
    net_dial_cancel(&dialling.dial);
    dial(&dialling, "127.0.0.1", hole.port);
    run_for_ms(dialling.loop, 10);
    net_dial_cancel(&dialling.dial);
    run_for_ms(dialling.loop, 30);
    assert_int_equal(dialling.done_count, 0);
    end(&dialling);
    close_black_hole(&hole);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_connects_without_looking_up),
        cmocka_unit_test(a_name_is_looked_up),
        cmocka_unit_test(a_name_without_address_fails_to_resolve),
        cmocka_unit_test(a_closed_port_is_refused_and_names_its_address),
        cmocka_unit_test(the_next_address_is_tried_at_once_when_one_is_refused),
        cmocka_unit_test(a_silent_address_does_not_hold_up_the_next),
        cmocka_unit_test(a_silent_address_times_out),
        cmocka_unit_test(families_take_turns_beginning_with_the_first),
        cmocka_unit_test(no_more_addresses_are_tried_than_allowed),
        cmocka_unit_test(a_vetoed_address_is_never_connected_to),
        cmocka_unit_test(a_name_that_leads_to_a_vetoed_address_is_denied),
        cmocka_unit_test(after_a_veto_the_other_addresses_are_tried),
        cmocka_unit_test(a_cancelled_dial_is_never_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
