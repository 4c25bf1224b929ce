#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/auth.h"
#include "admin/intake.h"

#define TOKEN "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WRONG "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HOST "Host: 127.0.0.1:8081\r\n"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define JSON "Content-Type: application/json\r\nContent-Length: 2\r\n"

struct world {
    struct admin_auth auth;
    struct os_addr local;
    uint64_t now_ms;
};

static struct world world_on(const char *local)
{
    struct world world = {.now_ms = 1000000};
    struct admin_token token = {TOKEN};

    admin_auth_init(&world.auth, &token);
    assert_int_equal(os_addr_parse_with_port(str_from(local), &world.local).code, ERR_NONE);
    return world;
}

/* The status with which the head is refused, 0 when it passes: by the reader of requests or by the guard. */
static unsigned refusal_at(struct world *world, const char *head)
{
    struct admin_intake intake;
    enum admin_intake_event event = ADMIN_INTAKE_AGAIN;
    struct str input = str_from(head);
    struct err err;
    unsigned status;

    admin_intake_init(&intake, ADMIN_INTAKE_BODY_MAX);
    err = admin_intake_step(&intake, &input, &event);
    if (err_is(err)) {
        status = err.wire;
    } else {
        assert_int_equal(event, ADMIN_INTAKE_HEAD);
        status = admin_auth_check(&world->auth, intake.request.message, &world->local, world->now_ms).status;
    }
    admin_intake_deinit(&intake);
    return status;
}

static unsigned refusal(const char *head)
{
    struct world world = world_on("127.0.0.1:8081");

    return refusal_at(&world, head);
}

struct row {
    unsigned status;
    const char *head;
};

static void assert_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned status = refusal(rows[i].head);

        if (status != rows[i].status)
            fail_msg("%u where %u was meant: %s", status, rows[i].status, rows[i].head);
    }
}

#define ROWS(...)                                                                                                      \
    do {                                                                                                               \
        static const struct row rows[] = {__VA_ARGS__};                                                                \
        assert_rows(rows, sizeof(rows) / sizeof(rows[0]));                                                             \
    } while (0)

#define PAGE(fields) "GET / HTTP/1.1\r\n" fields "\r\n"
#define API(fields) "GET /api/v1/status HTTP/1.1\r\n" fields "\r\n"
#define POST(fields) "POST /api/v1/stop HTTP/1.1\r\n" fields "\r\n"

static void auth_takes_only_our_own_host(void **state)
{
    (void)state;
    ROWS({0, PAGE(HOST)}, {0, PAGE("Host: localhost:8081\r\n")}, {0, PAGE("HOST: LocalHost:8081\r\n")},
         {403, PAGE("Host: evil.example\r\n")}, {403, PAGE("Host: evil.example:8081\r\n")},
         {403, API("Host: evil.example\r\n" BEARER)}, {403, PAGE("Host: 127.0.0.1.evil.example:8081\r\n")},
         {403, PAGE("Host: localhost.evil.example:8081\r\n")}, {403, PAGE("Host: localhost:8081@evil\r\n")},
         {403, PAGE("Host: evil@localhost:8081\r\n")}, {403, PAGE("Host: 127.0.0.1:8082\r\n")},
         {403, PAGE("Host: 127.0.0.1\r\n")}, {403, PAGE("Host: localhost\r\n")},
         {403, PAGE("Host: 127.0.0.1:08081\r\n")}, {403, PAGE("Host: 127.1:8081\r\n")},
         {403, PAGE("Host: 2130706433:8081\r\n")}, {403, PAGE("Host: 0x7f000001:8081\r\n")},
         {403, PAGE("Host: 0.0.0.0:8081\r\n")}, {403, PAGE("Host: 127.0.0.2:8081\r\n")},
         {403, PAGE("Host: localhost.:8081\r\n")}, {403, PAGE("Host: [::1]:8081\r\n")},
         {403, PAGE("Host: 127.0.0.1:8081/\r\n")});
}

static void auth_wants_exactly_one_host(void **state)
{
    (void)state;
    ROWS({400, PAGE("")}, {400, PAGE(HOST HOST)}, {400, PAGE("Host:\r\n")}, {400, PAGE("Host: \t\r\n")},
         {400, PAGE(HOST "Host: evil.example\r\n")}, {400, "GET / HTTP/1.0\r\n\r\n"},
         {0, "GET / HTTP/1.0\r\n" HOST "\r\n"}, {400, PAGE("Host : 127.0.0.1:8081\r\n")});
}

static void auth_compares_absolute_targets(void **state)
{
    (void)state;
    ROWS({0, "GET http://127.0.0.1:8081/ HTTP/1.1\r\n" HOST "\r\n"},
         {403, "GET http://evil.example/ HTTP/1.1\r\n" HOST "\r\n"},
         {403, "GET http://127.0.0.1:8081@evil.example/ HTTP/1.1\r\n" HOST "\r\n"},
         {403, "GET http://127.0.0.1:8081/ HTTP/1.1\r\nHost: evil.example\r\n\r\n"},
         {400, "GET https://127.0.0.1:8081/ HTTP/1.1\r\n" HOST "\r\n"},
         {400, "CONNECT 127.0.0.1:8081 HTTP/1.1\r\n" HOST "\r\n"}, {400, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"},
         {401, "GET http://127.0.0.1:8081/api/v1/status HTTP/1.1\r\n" HOST "\r\n"});
}

static void auth_wants_the_token_in_its_place(void **state)
{
    (void)state;
    ROWS({0, API(HOST BEARER)}, {0, API(HOST "authorization: bearer   " TOKEN "\r\n")}, {401, API(HOST)},
         {401, API(HOST "Authorization: Bearer " WRONG "\r\n")}, {401, API(HOST "Authorization: Bearer \r\n")},
         {401, API(HOST "Authorization: Bearer " TOKEN "0\r\n")}, {401, API(HOST "Authorization: Basic " TOKEN "\r\n")},
         {401, API(HOST "Authorization: " TOKEN "\r\n")}, {401, API(HOST BEARER BEARER)},
         {401, API(HOST "Cookie: token=" TOKEN "\r\n")}, {401, API(HOST "X-Token: " TOKEN "\r\n")},
         {401, "GET /api/v1/status?token=" TOKEN " HTTP/1.1\r\n" HOST "\r\n"},
         {401, "POST /api/v1/stop?token=" TOKEN " HTTP/1.1\r\n" HOST JSON "\r\n"},
         {401, "GET /api HTTP/1.1\r\n" HOST "\r\n"}, {401, "GET /api/ HTTP/1.1\r\n" HOST "\r\n"},
         {401, "OPTIONS /api/v1/status HTTP/1.1\r\n" HOST "\r\n"}, {401, "DELETE /api/v1/x HTTP/1.1\r\n" HOST "\r\n"});
}

static void auth_refuses_what_a_form_can_send(void **state)
{
    (void)state;
    ROWS({0, POST(HOST BEARER JSON)}, {0, POST(HOST BEARER "Content-Type: Application/JSON ; charset=utf-8\r\n")},
         {415, POST(HOST BEARER)}, {415, POST(HOST BEARER "Content-Type: text/plain\r\n")},
         {415, POST(HOST BEARER "Content-Type: multipart/form-data; boundary=x\r\n")},
         {415, POST(HOST BEARER "Content-Type: application/x-www-form-urlencoded\r\n")},
         {415, POST(HOST BEARER "Content-Type: text/plain; application/json\r\n")},
         {415, POST(HOST BEARER "Content-Type: application/json\r\nContent-Type: text/plain\r\n")},
         {415, "DELETE /api/v1/x HTTP/1.1\r\n" HOST BEARER "\r\n"},
         {415, "PUT /api/v1/x HTTP/1.1\r\n" HOST BEARER "\r\n"}, {401, POST(HOST "Content-Type: text/plain\r\n")});
}

static void auth_refuses_foreign_pages(void **state)
{
    (void)state;
    ROWS({0, API(HOST BEARER "Origin: http://127.0.0.1:8081\r\n")},
         {0, API(HOST BEARER "Origin: http://localhost:8081\r\n")}, {403, API(HOST BEARER "Origin: http://evil\r\n")},
         {403, API(HOST BEARER "Origin: null\r\n")}, {403, API(HOST BEARER "Origin: http://localhost.evil:8081\r\n")},
         {403, API(HOST BEARER "Origin: http://127.0.0.1:8082\r\n")},
         {403, API(HOST BEARER "Origin: https://127.0.0.1:8081\r\n")}, {403, API(HOST BEARER "Origin:\r\n")},
         {403, API(HOST BEARER "Origin: http://127.0.0.1:8081\r\nOrigin: http://evil\r\n")},
         {403, PAGE(HOST "Origin: http://evil\r\n")}, {403, API(HOST BEARER "Sec-Fetch-Site: cross-site\r\n")},
         {403, API(HOST BEARER "Sec-Fetch-Site: same-site\r\n")},
         {0, API(HOST BEARER "Sec-Fetch-Site: same-origin\r\n")}, {0, API(HOST BEARER "Sec-Fetch-Site: none\r\n")},
         {403, PAGE(HOST "Sec-Fetch-Site: cross-site\r\n")},
         {403, API(HOST BEARER "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n")});
}

static void auth_lets_links_lead_to_the_page_but_not_frames_or_the_api(void **state)
{
    (void)state;
    ROWS({0, PAGE(HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")},
         {403, PAGE(HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n")},
         {403, PAGE(HOST "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n")},
         {403,
          API(HOST BEARER "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")});
}

static void auth_ignores_what_a_proxy_would_say(void **state)
{
    (void)state;
    ROWS({403, PAGE("Host: evil.example\r\nX-Forwarded-Host: 127.0.0.1:8081\r\nForwarded: host=127.0.0.1:8081\r\n")},
         {401, API(HOST "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n")});
}

static void auth_refuses_upgrades_like_anything_else(void **state)
{
    (void)state;
    ROWS({403, "GET /api/v1/events HTTP/1.1\r\n" HOST BEARER
               "Origin: http://evil\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
         {401, "GET /api/v1/events HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
         {403,
          "GET /api/v1/events HTTP/1.1\r\n" HOST BEARER "Origin: http://evil\r\nAccept: text/event-stream\r\n\r\n"});
}

static void auth_knows_ip6_and_further_names(void **state)
{
    struct world world = world_on("[::1]:8081");

    (void)state;
    assert_int_equal(refusal_at(&world, PAGE("Host: [::1]:8081\r\n")), 0);
    assert_int_equal(refusal_at(&world, PAGE("Host: localhost:8081\r\n")), 0);
    assert_int_equal(refusal_at(&world, PAGE("Host: ::1:8081\r\n")), 403);
    assert_int_equal(refusal_at(&world, PAGE("Host: box.lan:8081\r\n")), 403);
    assert_int_equal(admin_auth_allow_host(&world.auth, STR("box.lan:8081")).code, ERR_NONE);
    assert_int_equal(refusal_at(&world, PAGE("Host: box.lan:8081\r\n")), 0);
    assert_int_equal(refusal_at(&world, PAGE("Host: box.lan\r\n")), 403);
    for (int i = 1; i < ADMIN_AUTH_HOST_MAX; i++)
        assert_int_equal(admin_auth_allow_host(&world.auth, STR("x:1")).code, ERR_NONE);
    assert_int_equal(admin_auth_allow_host(&world.auth, STR("x:1")).code, ERR_LIMIT);
}

static void auth_on_an_open_address_takes_no_localhost(void **state)
{
    struct world world = world_on("192.0.2.1:8081");

    (void)state;
    assert_int_equal(refusal_at(&world, PAGE("Host: 192.0.2.1:8081\r\n")), 0);
    assert_int_equal(refusal_at(&world, PAGE("Host: localhost:8081\r\n")), 403);
    assert_int_equal(refusal_at(&world, PAGE("Host: 127.0.0.1:8081\r\n")), 403);
}

static void auth_leaves_out_port_80(void **state)
{
    struct world world = world_on("127.0.0.1:80");

    (void)state;
    assert_int_equal(refusal_at(&world, PAGE("Host: 127.0.0.1\r\n")), 0);
    assert_int_equal(refusal_at(&world, PAGE("Host: 127.0.0.1:80\r\n")), 0);
    assert_int_equal(refusal_at(&world, PAGE("Host: 127.0.0.1:\r\n")), 403);
}

static void auth_slows_guessing_and_never_locks_the_owner_out(void **state)
{
    struct world world = world_on("127.0.0.1:8081");
    unsigned wrong = 0, too_many = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        unsigned status = refusal_at(&world, API(HOST "Authorization: Bearer " WRONG "\r\n"));

        wrong += status == 401;
        too_many += status == 429;
    }
    assert_int_equal(wrong, ADMIN_AUTH_WRONG_MAX);
    assert_int_equal(wrong + too_many, 10000);
    assert_int_equal(refusal_at(&world, API(HOST BEARER)), 0);
    assert_int_equal(refusal_at(&world, API(HOST)), 401);
    world.now_ms += ADMIN_AUTH_WINDOW_MS;
    assert_int_equal(refusal_at(&world, API(HOST "Authorization: Bearer " WRONG "\r\n")), 401);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auth_takes_only_our_own_host),
        cmocka_unit_test(auth_wants_exactly_one_host),
        cmocka_unit_test(auth_compares_absolute_targets),
        cmocka_unit_test(auth_wants_the_token_in_its_place),
        cmocka_unit_test(auth_refuses_what_a_form_can_send),
        cmocka_unit_test(auth_refuses_foreign_pages),
        cmocka_unit_test(auth_lets_links_lead_to_the_page_but_not_frames_or_the_api),
        cmocka_unit_test(auth_ignores_what_a_proxy_would_say),
        cmocka_unit_test(auth_refuses_upgrades_like_anything_else),
        cmocka_unit_test(auth_knows_ip6_and_further_names),
        cmocka_unit_test(auth_on_an_open_address_takes_no_localhost),
        cmocka_unit_test(auth_leaves_out_port_80),
        cmocka_unit_test(auth_slows_guessing_and_never_locks_the_owner_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
