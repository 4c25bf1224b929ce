/* Covers cli/client: what is sent, and answers of every kind from a server that this test plays byte by byte. */
#include "cli/client.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/thread.h"

/* Answers one connection: reads up to the empty line and `body_len` bytes more, then writes `answer`. */
struct server {
    int listener;
    struct os_addr addr;
    const char *answer;
    size_t body_len;
    bool stays_open; /* does not close until the client does */
    char got[4096];
    size_t got_len;
    struct os_thread *thread;
};

static void receive(struct server *server, int fd)
{
    char *end = NULL;

    while (server->got_len < sizeof(server->got) - 1) {
        ssize_t len = recv(fd, server->got + server->got_len, sizeof(server->got) - 1 - server->got_len, 0);

        if (len <= 0)
            return;
        server->got_len += (size_t)len;
        server->got[server->got_len] = '\0';
        end = strstr(server->got, "\r\n\r\n");
        if (end && server->got_len >= (size_t)(end - server->got) + 4 + server->body_len)
            return;
    }
}

static void serve(void *owner)
{
    struct server *server = owner;
    int fd = accept(server->listener, NULL, NULL);
    char byte;

    receive(server, fd);
    for (const char *c = server->answer; *c; c++)
        send(fd, c, 1, MSG_NOSIGNAL);
    if (server->stays_open)
        (void)!recv(fd, &byte, 1, 0);
    close(fd);
}

static void start(struct server *server, const char *answer)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(name);

    server->answer = answer;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&name, &len), 0);
    assert_false(err_is(os_addr_parse(STR("127.0.0.1"), ntohs(name.sin_port), &server->addr)));
    assert_false(err_is(os_thread_start("server", serve, server, &server->thread)));
}

static struct err call(struct server *server, struct str request_body, struct buf *body, unsigned *ret_status)
{
    struct cli_client_request request = {
        server->addr, request_body.len ? "POST" : "GET", "/api/v1/x?y=1", "secret", request_body, 10000};
    struct err err;

    server->body_len = request_body.len;
    err = cli_client_call(&request, body, ret_status);
    os_thread_join(&server->thread);
    close(server->listener);
    return err;
}

static void cli_client_sends_token_and_body(void **state)
{
    struct server server = {0};
    struct buf body;
    unsigned status = 0;
    char expected[300];

    (void)state;
    buf_init(&body, 1000);
    start(&server, "HTTP/1.1 204 No Content\r\n\r\n");
    server.body_len = 7;
    assert_false(err_is(call(&server, STR("{\"a\":1}"), &body, &status)));
    assert_int_equal(status, 204);
    snprintf(expected, sizeof(expected),
             "POST /api/v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer secret\r\n"
             "Connection: close\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
             server.addr.port);
    assert_string_equal(server.got, expected);
    buf_deinit(&body);
}

static void assert_answer(const char *answer, bool stays_open, unsigned expected_status, const char *expected_body)
{
    struct server server = {.stays_open = stays_open};
    struct buf body;
    unsigned status = 0;

    buf_init(&body, 1000);
    start(&server, answer);
    assert_false(err_is(call(&server, STR_NONE, &body, &status)));
    assert_int_equal(status, expected_status);
    assert_true(str_eq(buf_str(&body), str_from(expected_body)));
    buf_deinit(&body);
}

static void cli_client_reads_every_framing(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", true, 200, "hello");
    assert_answer("HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", true,
                  404, "hello");
    assert_answer("HTTP/1.1 200 OK\r\n\r\nuntil the end", false, 200, "until the end");
    assert_answer("HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", true, 200, "x");
}

static enum err_code failure(const char *answer, uint64_t body_max)
{
    struct server server = {0};
    struct buf body;
    unsigned status = 77;
    struct err err;

    buf_init(&body, body_max);
    start(&server, answer);
    err = call(&server, STR_NONE, &body, &status);
    assert_int_equal(status, 77);
    buf_deinit(&body);
    return err.code;
}

static void cli_client_tells_failures_apart(void **state)
{
    (void)state;
    assert_int_equal(failure("", 1000), ERR_CLOSED);
    assert_int_equal(failure("SSH-2.0-OpenSSH\r\n\r\n", 1000), ERR_SYNTAX);
    assert_int_equal(failure("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", 1000), ERR_SYNTAX);
    assert_int_equal(failure("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n0123456789", 5), ERR_LIMIT);
}

static void cli_client_does_not_wait_for_ever(void **state)
{
    struct server server = {.stays_open = true};
    struct cli_client_request request = {.method = "GET", .target = "/", .token = "t", .timeout_ms = 50};
    struct buf body;
    unsigned status;

    (void)state;
    buf_init(&body, 1000);
    start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n");
    request.addr = server.addr;
    assert_int_equal(cli_client_call(&request, &body, &status).code, ERR_TIMEOUT);
    os_thread_join(&server.thread);
    close(server.listener);
    buf_deinit(&body);
}

static void cli_client_says_when_nobody_listens(void **state)
{
    struct server server = {0};
    struct cli_client_request request = {.method = "GET", .target = "/", .token = "t", .timeout_ms = 10000};
    struct buf body;
    unsigned status;

    (void)state;
    buf_init(&body, 1000);
    start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    request.addr = server.addr;
    assert_false(err_is(cli_client_call(&request, &body, &status)));
    os_thread_join(&server.thread);
    close(server.listener);
    assert_int_equal(cli_client_call(&request, &body, &status).code, ERR_REFUSED);
    buf_deinit(&body);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_client_sends_token_and_body),     cmocka_unit_test(cli_client_reads_every_framing),
        cmocka_unit_test(cli_client_tells_failures_apart),     cmocka_unit_test(cli_client_does_not_wait_for_ever),
        cmocka_unit_test(cli_client_says_when_nobody_listens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
