/* Covers net/socket: a layer passes the socket's events up and the calls down. */
#include "../os/looping.h"

#include "base/buf.h"
#include "net/socket.h"

struct seen {
    struct os_loop *loop;
    struct os_listener *listener;
    uint16_t port;
    struct net_layer *layer;
    char bytes[64];
    size_t len;
    bool is_accepted, has_eof, has_error, is_drained, is_closed, is_listener_closed;
    struct err error;
};

static void on_bytes(void *owner, struct str bytes)
{
    struct seen *seen = owner;

    assert_true(seen->len + bytes.len < sizeof(seen->bytes));
    memcpy(seen->bytes + seen->len, bytes.ptr, bytes.len);
    seen->len += bytes.len;
}

static void on_eof(void *owner) { ((struct seen *)owner)->has_eof = true; }

static void on_error(void *owner, struct err error)
{
    struct seen *seen = owner;

    seen->has_error = true;
    seen->error = error;
}

static void on_drain(void *owner) { ((struct seen *)owner)->is_drained = true; }

static void on_closed(void *owner) { ((struct seen *)owner)->is_closed = true; }

static const struct net_layer_events events = {
    .on_bytes = on_bytes, .on_eof = on_eof, .on_error = on_error, .on_drain = on_drain, .on_closed = on_closed};

static void on_accept(void *owner, int fd)
{
    struct seen *seen = owner;

    assert_ok(net_socket_adopt(seen->loop, fd, &seen->layer));
    seen->is_accepted = true;
}

static void on_listener_closed(void *owner) { ((struct seen *)owner)->is_listener_closed = true; }

static const struct os_listener_events listener_events = {.on_accept = on_accept, .on_closed = on_listener_closed};

static int accept_one(struct seen *seen)
{
    struct os_addr addr = loopback_addr(0);
    int peer;

    *seen = (struct seen){0};
    assert_ok(os_loop_new(&seen->loop));
    assert_ok(os_listener_open(seen->loop, &addr, &listener_events, seen, &seen->listener));
    os_listener_addr(seen->listener, &addr);
    peer = peer_connect(addr.port);
    run_until(seen->loop, is_set, &seen->is_accepted);
    return peer;
}

static void end(struct seen *seen)
{
    os_listener_close(seen->listener);
    run_until(seen->loop, is_set, &seen->is_listener_closed);
    os_loop_free(&seen->loop);
}

static void bytes_and_ends_pass_through_both_ways(void **state)
{
    struct seen seen;
    struct str parts[2] = {STR("good "), STR("day")};
    char got[16] = {0};
    int peer = accept_one(&seen);

    (void)state;
    net_layer_set_owner(seen.layer, &events, &seen);
    net_layer_read_start(seen.layer);
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    shutdown(peer, SHUT_WR);
    run_until(seen.loop, is_set, &seen.has_eof);
    assert_string_equal(seen.bytes, "hello");
    assert_false(net_layer_was_truncated(seen.layer));
    net_layer_write(seen.layer, parts, 2);
    assert_int_equal(net_layer_queued(seen.layer), 0);
    net_layer_shutdown(seen.layer);
    assert_int_equal(recv(peer, got, sizeof(got), MSG_WAITALL), 8);
    assert_string_equal(got, "good day");
    net_layer_close(seen.layer);
    assert_false(seen.is_closed);
    run_until(seen.loop, is_set, &seen.is_closed);
    close(peer);
    end(&seen);
}

static void a_layer_knows_both_addresses(void **state)
{
    struct seen seen;
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int peer = accept_one(&seen);

    (void)state;
    assert_int_equal(getsockname(peer, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(seen.layer->remote_addr.port, ntohs(address.sin_port));
    assert_true(os_addr_is_loopback(&seen.layer->local_addr));
    net_layer_set_owner(seen.layer, &events, &seen);
    net_layer_close(seen.layer);
    run_until(seen.loop, is_set, &seen.is_closed);
    close(peer);
    end(&seen);
}

static void a_reset_goes_up_and_a_reset_goes_down(void **state)
{
    struct seen seen;
    char got;
    int peer = accept_one(&seen);

    (void)state;
    net_layer_set_owner(seen.layer, &events, &seen);
    net_layer_read_start(seen.layer);
    peer_reset(peer);
    run_until(seen.loop, is_set, &seen.has_error);
    assert_err(seen.error, ERR_RESET);
    net_layer_close(seen.layer);
    run_until(seen.loop, is_set, &seen.is_closed);
    end(&seen);
    peer = accept_one(&seen);
    net_layer_set_owner(seen.layer, &events, &seen);
    net_layer_reset(seen.layer);
    run_until(seen.loop, is_set, &seen.is_closed);
    assert_int_equal(recv(peer, &got, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(peer);
    end(&seen);
}

static void a_layer_without_owner_may_be_closed(void **state)
{
    struct seen seen;
    char got;
    int peer = accept_one(&seen);

    (void)state;
    assert_non_null(net_socket_tcp(seen.layer));
    net_layer_close(seen.layer);
    run_for_ms(seen.loop, 10);
    assert_int_equal(recv(peer, &got, 1, 0), 0);
    close(peer);
    end(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_ends_pass_through_both_ways),
        cmocka_unit_test(a_layer_knows_both_addresses),
        cmocka_unit_test(a_reset_goes_up_and_a_reset_goes_down),
        cmocka_unit_test(a_layer_without_owner_may_be_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
