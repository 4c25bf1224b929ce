/* Covers os/tcp and its listener on real sockets of this machine. */
#include "conn.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "os/thread.h"

#define BIG_BYTES ((size_t)8 * 1024 * 1024)

static char *patterned(size_t len)
{
    char *bytes = malloc(len);

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31 + (i >> 9));
    return bytes;
}

static void send_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t len = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        assert_true(len > 0);
        bytes = str_skip(bytes, (size_t)len);
    }
}

static void reading_starts_stopped(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    send_all(peer, STR("hello"));
    run_for_ms(conn.loop, 30);
    assert_int_equal(conn.bytes_count, 0);
    conn_read_start(&conn);
    run_until(conn.loop, conn_has_bytes, &conn);
    assert_true(str_eq(buf_str(&conn.received), STR("hello")));
    close(peer);
    conn_end(&conn);
}

static void no_bytes_come_after_read_stop_from_within_on_bytes(void **state)
{
    struct conn conn;
    char *bytes = patterned(BIG_BYTES / 8);
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn.is_stopped_by_bytes = true;
    conn_read_start(&conn);
    send_all(peer, STR("one"));
    run_until(conn.loop, conn_has_bytes, &conn);
    send_all(peer, (struct str){bytes, 100000});
    run_for_ms(conn.loop, 30);
    assert_int_equal(conn.bytes_count, 1);
    conn.is_stopped_by_bytes = false;
    conn_read_start(&conn);
    while (conn.received_bytes < 100003)
        run_for_ms(conn.loop, 1);
    assert_memory_equal(buf_str(&conn.received).ptr + 3, bytes, 100000);
    close(peer);
    conn_end(&conn);
    free(bytes);
}

static void end_of_stream_waits_while_reading_is_stopped(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn.is_stopped_by_bytes = true;
    conn_read_start(&conn);
    send_all(peer, STR("last"));
    shutdown(peer, SHUT_WR);
    run_until(conn.loop, conn_has_bytes, &conn);
    run_for_ms(conn.loop, 30);
    assert_int_equal(conn.eof_count, 0);
    conn_read_start(&conn);
    run_until(conn.loop, is_set, &conn.has_eof);
    run_for_ms(conn.loop, 10);
    assert_int_equal(conn.eof_count, 1);
    close(peer);
    conn_end(&conn);
}

struct slow_reader {
    int fd;
    struct buf received;
    bool has_eof;
};

/* Takes at most `len` bytes; what a slow client does. */
static void read_some(struct slow_reader *reader, size_t len)
{
    char *room;
    ssize_t got;

    assert_ok(buf_reserve(&reader->received, len, &room));
    got = recv(reader->fd, room, len, MSG_DONTWAIT);
    if (got > 0)
        buf_commit(&reader->received, (size_t)got);
    reader->has_eof |= got == 0;
}

static void a_slow_reader_gets_all_of_a_big_write_and_drain_comes_once(void **state)
{
    struct conn conn;
    struct slow_reader reader;
    char *bytes = patterned(BIG_BYTES);

    (void)state;
    conn_listen(&conn);
    reader = (struct slow_reader){.fd = conn_accept(&conn)};
    buf_init(&reader.received, 2 * BIG_BYTES);
    conn_write(&conn, (struct str){bytes, BIG_BYTES / 2});
    assert_true(os_tcp_queued(conn.tcp) > 0);
    conn_write(&conn, (struct str){bytes + BIG_BYTES / 2, BIG_BYTES / 2});
    os_tcp_shutdown(conn.tcp);
    while (!reader.has_eof) {
        read_some(&reader, 100000);
        run_for_ms(conn.loop, 0);
    }
    assert_int_equal(reader.received.len, BIG_BYTES);
    assert_memory_equal(buf_str(&reader.received).ptr, bytes, BIG_BYTES);
    assert_int_equal(conn.drain_count, 1);
    assert_int_equal(os_tcp_queued(conn.tcp), 0);
    close(reader.fd);
    buf_deinit(&reader.received);
    conn_end(&conn);
    free(bytes);
}

static void many_small_parts_keep_their_order_across_the_queue(void **state)
{
    struct conn conn;
    struct slow_reader reader;
    struct str parts[100];
    size_t total = 0;
    char *bytes = patterned(BIG_BYTES);

    (void)state;
    conn_listen(&conn);
    reader = (struct slow_reader){.fd = conn_accept(&conn)};
    buf_init(&reader.received, 2 * BIG_BYTES);
    while (total < BIG_BYTES) {
        size_t count = 0;

        for (; count < 100 && total < BIG_BYTES; count++) {
            size_t len = count % 7 == 0 ? 0 : 1 + (total * 7919) % 3000;

            len = len < BIG_BYTES - total ? len : BIG_BYTES - total;
            parts[count] = (struct str){bytes + total, len};
            total += len;
        }
        os_tcp_write(conn.tcp, parts, count);
    }
    os_tcp_shutdown(conn.tcp);
    while (!reader.has_eof) {
        read_some(&reader, 300000);
        run_for_ms(conn.loop, 0);
    }
    assert_int_equal(reader.received.len, BIG_BYTES);
    assert_memory_equal(buf_str(&reader.received).ptr, bytes, BIG_BYTES);
    close(reader.fd);
    buf_deinit(&reader.received);
    conn_end(&conn);
    free(bytes);
}

static void a_write_that_fits_queues_nothing_and_drains_nothing(void **state)
{
    struct conn conn;
    char got[8] = {0};
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_write(&conn, STR("small"));
    assert_int_equal(os_tcp_queued(conn.tcp), 0);
    assert_int_equal(recv(peer, got, sizeof(got), 0), 5);
    assert_string_equal(got, "small");
    run_for_ms(conn.loop, 10);
    assert_int_equal(conn.drain_count, 0);
    close(peer);
    conn_end(&conn);
}

static void after_the_peers_fin_we_can_still_write(void **state)
{
    struct conn conn;
    char got[8] = {0};
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_read_start(&conn);
    shutdown(peer, SHUT_WR);
    run_until(conn.loop, is_set, &conn.has_eof);
    conn_write(&conn, STR("answer"));
    os_tcp_shutdown(conn.tcp);
    run_for_ms(conn.loop, 5);
    assert_int_equal(recv(peer, got, sizeof(got), MSG_WAITALL), 6);
    assert_string_equal(got, "answer");
    assert_int_equal(conn.error_count, 0);
    close(peer);
    conn_end(&conn);
}

static void after_our_fin_we_can_still_read(void **state)
{
    struct conn conn;
    char got;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_read_start(&conn);
    os_tcp_shutdown(conn.tcp);
    assert_int_equal(recv(peer, &got, 1, 0), 0);
    send_all(peer, STR("late"));
    run_until(conn.loop, conn_has_bytes, &conn);
    assert_true(str_eq(buf_str(&conn.received), STR("late")));
    close(peer);
    run_until(conn.loop, is_set, &conn.has_eof);
    assert_int_equal(conn.error_count, 0);
    conn_end(&conn);
}

static void a_reset_while_reading_is_an_error_not_an_end(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_read_start(&conn);
    peer_reset(peer);
    run_until(conn.loop, is_set, &conn.has_error);
    assert_err(conn.error, ERR_RESET);
    assert_int_equal(conn.eof_count, 0);
    conn_end(&conn);
    assert_int_equal(conn.closed_count, 1);
}

static void a_reset_right_after_bytes_is_an_error_not_an_end(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    send_all(peer, STR("half of it"));
    peer_reset(peer);
    conn_read_start(&conn);
    run_until(conn.loop, is_set, &conn.has_error);
    assert_err(conn.error, ERR_RESET);
    assert_int_equal(conn.eof_count, 0);
    assert_true(str_eq(buf_str(&conn.received), STR("half of it")));
    conn_end(&conn);
}

static void a_write_to_a_reset_socket_is_told_later_and_once(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    peer_reset(peer);
    run_for_ms(conn.loop, 20);
    conn_write(&conn, STR("x"));
    conn_write(&conn, STR("y"));
    assert_int_equal(conn.error_count, 0);
    run_until(conn.loop, is_set, &conn.has_error);
    assert_err(conn.error, ERR_RESET);
    conn_write(&conn, STR("z"));
    run_for_ms(conn.loop, 10);
    assert_int_equal(conn.error_count, 1);
    conn_end(&conn);
    assert_int_equal(conn.closed_count, 1);
}

static void closing_before_a_failed_write_is_told_drops_the_error(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    peer_reset(peer);
    run_for_ms(conn.loop, 20);
    conn_write(&conn, STR("x"));
    conn_close(&conn);
    assert_int_equal(conn.error_count, 0);
    assert_int_equal(conn.closed_count, 1);
    conn_end(&conn);
}

static void an_early_answer_is_read_before_the_broken_write_is_told(void **state)
{
    struct conn conn;
    char *bytes = patterned(BIG_BYTES);
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_write(&conn, (struct str){bytes, BIG_BYTES});
    /* With unread bytes in its buffer the peer's close is a reset, as of an origin that answers 413 and hangs up. */
    send_all(peer, STR("413"));
    close(peer);
    run_for_ms(conn.loop, 20);
    conn_read_start(&conn);
    run_until(conn.loop, is_set, &conn.has_error);
    assert_err(conn.error, ERR_RESET);
    conn_end(&conn);
    free(bytes);
}

static void an_early_answer_survives_a_write_that_fails_while_reading(void **state)
{
    struct conn conn;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    send_all(peer, STR("413"));
    peer_reset(peer);
    conn_read_start(&conn);
    /* Both sides of the race in one turn: the write fails before the loop looks at the socket. */
    conn_write(&conn, STR("more"));
    run_until(conn.loop, is_set, &conn.has_error);
    assert_true(str_eq(buf_str(&conn.received), STR("413")));
    assert_err(conn.error, ERR_RESET);
    assert_int_equal(conn.eof_count, 0);
    assert_int_equal(conn.error_count, 1);
    conn_end(&conn);
}

static void close_drops_what_is_queued_and_on_closed_is_last(void **state)
{
    struct conn conn;
    char *bytes = patterned(BIG_BYTES);
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_write(&conn, (struct str){bytes, BIG_BYTES});
    os_tcp_close(conn.tcp);
    os_tcp_close(conn.tcp);
    assert_false(conn.is_closed);
    run_until(conn.loop, is_set, &conn.is_closed);
    run_for_ms(conn.loop, 10);
    assert_int_equal(conn.closed_count, 1);
    assert_int_equal(conn.drain_count + conn.error_count + conn.eof_count, 0);
    close(peer);
    conn_end(&conn);
    free(bytes);
}

static void reset_shows_the_peer_a_reset(void **state)
{
    struct conn conn;
    char got;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    os_tcp_reset(conn.tcp);
    run_until(conn.loop, is_set, &conn.is_closed);
    assert_int_equal(recv(peer, &got, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(peer);
    conn_end(&conn);
}

static void close_shows_the_peer_an_end(void **state)
{
    struct conn conn;
    char got;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    conn_close(&conn);
    assert_int_equal(recv(peer, &got, 1, 0), 0);
    close(peer);
    conn_end(&conn);
}

static void nodelay_is_on_for_accepted_and_connected_sockets(void **state)
{
    struct conn conn;
    int fd, on = 0;
    socklen_t len = sizeof(on);

    (void)state;
    conn_listen(&conn);
    fd = conn_accept(&conn);
    close(fd);
    /* The only descriptor of ours that is a connected socket. */
    for (fd = 3; fd < 64; fd++) {
        struct sockaddr_in address;
        socklen_t address_len = sizeof(address);

        if (getpeername(fd, (struct sockaddr *)&address, &address_len) == 0)
            break;
    }
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_int_not_equal(on, 0);
    conn_end(&conn);
}

static void connect_tells_success_and_both_addresses(void **state)
{
    struct conn conn;
    struct os_addr addr, local_addr, remote_addr;
    struct os_tcp *accepted;
    struct conn client = {0};

    (void)state;
    conn_listen(&conn);
    addr = loopback_addr(conn.port);
    client.depth = 1;
    assert_ok(os_tcp_connect(conn.loop, &addr, &conn_events, &client, &client.tcp));
    client.depth = 0;
    run_until(conn.loop, is_set, &client.is_connected);
    assert_err(client.error, ERR_NONE);
    run_until(conn.loop, is_set, &conn.is_accepted);
    accepted = conn.tcp;
    os_tcp_local_addr(client.tcp, &local_addr);
    os_tcp_remote_addr(client.tcp, &remote_addr);
    assert_true(os_addr_same(&remote_addr, &addr));
    os_tcp_remote_addr(accepted, &remote_addr);
    assert_true(os_addr_same(&remote_addr, &local_addr));
    assert_ptr_equal(os_tcp_loop(accepted), conn.loop);
    os_tcp_close(client.tcp);
    run_until(conn.loop, is_set, &client.is_closed);
    conn_end(&conn);
}

static void connect_to_a_closed_port_is_refused(void **state)
{
    struct conn conn;
    struct conn client = {0};
    struct os_addr addr;
    uint16_t port;
    int fd = peer_listen(&port);

    (void)state;
    close(fd);
    conn_listen(&conn);
    addr = loopback_addr(port);
    assert_ok(os_tcp_connect(conn.loop, &addr, &conn_events, &client, &client.tcp));
    run_until(conn.loop, is_set, &client.is_connected);
    assert_err(client.error, ERR_REFUSED);
    assert_int_equal(client.error_count, 0);
    os_tcp_close(client.tcp);
    run_until(conn.loop, is_set, &client.is_closed);
    conn_end(&conn);
}

static void what_is_written_and_ended_before_the_connection_stands_is_sent_then(void **state)
{
    struct conn conn;
    struct conn client = {0};
    struct os_addr addr;

    (void)state;
    conn_listen(&conn);
    addr = loopback_addr(conn.port);
    assert_ok(os_tcp_connect(conn.loop, &addr, &conn_events, &client, &client.tcp));
    conn_write(&client, STR("early"));
    os_tcp_shutdown(client.tcp);
    run_until(conn.loop, is_set, &conn.is_accepted);
    conn_read_start(&conn);
    run_until(conn.loop, is_set, &conn.has_eof);
    assert_true(str_eq(buf_str(&conn.received), STR("early")));
    os_tcp_close(client.tcp);
    run_until(conn.loop, is_set, &client.is_closed);
    conn_end(&conn);
}

static void closing_while_connecting_tells_only_closed(void **state)
{
    struct conn conn;
    struct conn client = {0};
    struct os_addr addr;

    (void)state;
    conn_listen(&conn);
    addr = loopback_addr(conn.port);
    assert_ok(os_tcp_connect(conn.loop, &addr, &conn_events, &client, &client.tcp));
    os_tcp_close(client.tcp);
    run_until(conn.loop, is_set, &client.is_closed);
    assert_false(client.is_connected);
    conn_end(&conn);
}

static void connect_without_an_address_fails_at_once(void **state)
{
    struct conn conn;
    struct conn client = {0};
    struct os_addr none = {0};

    (void)state;
    conn_listen(&conn);
    assert_err(os_tcp_connect(conn.loop, &none, &conn_events, &client, &client.tcp), ERR_IO);
    run_for_ms(conn.loop, 5);
    assert_false(client.is_closed);
    conn_end(&conn);
}

static void a_second_owner_gets_the_events(void **state)
{
    struct conn conn;
    struct conn second = {.is_kept = false};
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    second.tcp = conn.tcp;
    os_tcp_set_owner(conn.tcp, &conn_events, &second);
    os_tcp_read_start(second.tcp);
    send_all(peer, STR("x"));
    run_until(conn.loop, conn_has_bytes, &second);
    assert_int_equal(conn.received_bytes, 0);
    conn.tcp = NULL;
    os_tcp_close(second.tcp);
    run_until(conn.loop, is_set, &second.is_closed);
    close(peer);
    conn_end(&conn);
}

static void a_socket_that_was_not_redirected_has_no_original_address(void **state)
{
    struct conn conn;
    struct os_addr addr;
    int peer;

    (void)state;
    conn_listen(&conn);
    peer = conn_accept(&conn);
    assert_err(os_tcp_original_addr(conn.tcp, &addr), ERR_ABSENT);
    close(peer);
    conn_end(&conn);
}

static void adopting_what_is_no_socket_fails_and_closes_it(void **state)
{
    struct conn conn;
    struct os_tcp *tcp;

    (void)state;
    conn_listen(&conn);
    assert_err(os_tcp_adopt(conn.loop, -1, &conn_events, &conn, &tcp), ERR_IO);
    run_for_ms(conn.loop, 5);
    assert_false(conn.is_closed);
    conn_end(&conn);
}

/* One full socket must not keep others waiting until it is empty. */
struct fair {
    struct conn *busy;
    struct conn *quiet;
    size_t busy_bytes_when_quiet_was_read;
};

static void note_quiet(void *owner, struct str bytes)
{
    struct fair *fair = owner;

    (void)bytes;
    fair->busy_bytes_when_quiet_was_read = fair->busy->received_bytes;
    os_loop_stop(fair->busy->loop);
}

static void a_busy_socket_gives_way_after_each_full_read(void **state)
{
    struct conn conn;
    struct conn busy = {.is_kept = false};
    struct os_tcp_events quiet_events = conn_events;
    struct fair fair = {.busy = &busy, .busy_bytes_when_quiet_was_read = SIZE_MAX};
    char *bytes = patterned(BIG_BYTES);
    int busy_peer, quiet_peer, room = 4 * 1024 * 1024;

    (void)state;
    conn_listen(&conn);
    busy_peer = conn_accept(&conn);
    busy.loop = conn.loop;
    busy.tcp = conn.tcp;
    os_tcp_set_owner(busy.tcp, &conn_events, &busy);
    conn.is_accepted = false;
    quiet_peer = conn_accept(&conn);
    setsockopt(busy_peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    /* As much as the system takes; more than one read by far. */
    assert_true(send(busy_peer, bytes, BIG_BYTES, MSG_DONTWAIT) > 4 * OS_TCP_READ_BYTES);
    send_all(quiet_peer, STR("x"));
    quiet_events.on_bytes = note_quiet;
    os_tcp_set_owner(conn.tcp, &quiet_events, &fair);
    os_tcp_read_start(busy.tcp);
    os_tcp_read_start(conn.tcp);
    os_loop_run(conn.loop);
    assert_true(fair.busy_bytes_when_quiet_was_read <= 2 * OS_TCP_READ_BYTES);
    os_tcp_set_owner(conn.tcp, &conn_events, &conn);
    conn_close(&busy);
    close(busy_peer);
    close(quiet_peer);
    conn_end(&conn);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_starts_stopped),
        cmocka_unit_test(no_bytes_come_after_read_stop_from_within_on_bytes),
        cmocka_unit_test(end_of_stream_waits_while_reading_is_stopped),
        cmocka_unit_test(a_slow_reader_gets_all_of_a_big_write_and_drain_comes_once),
        cmocka_unit_test(many_small_parts_keep_their_order_across_the_queue),
        cmocka_unit_test(a_write_that_fits_queues_nothing_and_drains_nothing),
        cmocka_unit_test(after_the_peers_fin_we_can_still_write),
        cmocka_unit_test(after_our_fin_we_can_still_read),
        cmocka_unit_test(a_reset_while_reading_is_an_error_not_an_end),
        cmocka_unit_test(a_reset_right_after_bytes_is_an_error_not_an_end),
        cmocka_unit_test(a_write_to_a_reset_socket_is_told_later_and_once),
        cmocka_unit_test(closing_before_a_failed_write_is_told_drops_the_error),
        cmocka_unit_test(an_early_answer_is_read_before_the_broken_write_is_told),
        cmocka_unit_test(an_early_answer_survives_a_write_that_fails_while_reading),
        cmocka_unit_test(close_drops_what_is_queued_and_on_closed_is_last),
        cmocka_unit_test(reset_shows_the_peer_a_reset),
        cmocka_unit_test(close_shows_the_peer_an_end),
        cmocka_unit_test(nodelay_is_on_for_accepted_and_connected_sockets),
        cmocka_unit_test(connect_tells_success_and_both_addresses),
        cmocka_unit_test(connect_to_a_closed_port_is_refused),
        cmocka_unit_test(what_is_written_and_ended_before_the_connection_stands_is_sent_then),
        cmocka_unit_test(closing_while_connecting_tells_only_closed),
        cmocka_unit_test(connect_without_an_address_fails_at_once),
        cmocka_unit_test(a_second_owner_gets_the_events),
        cmocka_unit_test(a_socket_that_was_not_redirected_has_no_original_address),
        cmocka_unit_test(adopting_what_is_no_socket_fails_and_closes_it),
        cmocka_unit_test(a_busy_socket_gives_way_after_each_full_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
