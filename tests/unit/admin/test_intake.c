#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/intake.h"

#define BODY_MAX 16

struct outcome {
    unsigned status; /* of the refusal; 0: complete; 1: wants more */
    char path[64];
    char body[64];
    size_t left_len; /* behind the request */
    bool keeps_alive;
};

static void keep(char *text, size_t size, struct str s) { assert_true(str_to_c(s, text, size)); }

static struct outcome outcome_of(struct str bytes, size_t step_len)
{
    struct admin_intake intake;
    struct outcome outcome = {.status = 1};
    enum admin_intake_event event = ADMIN_INTAKE_AGAIN;
    size_t given = 0;

    admin_intake_init(&intake, BODY_MAX);
    while (outcome.status == 1 && given < bytes.len) {
        struct str input = str_head(str_skip(bytes, given), step_len);
        size_t had_len = input.len;
        struct err err;

        do {
            err = admin_intake_step(&intake, &input, &event);
        } while (!err_is(err) && event == ADMIN_INTAKE_HEAD);
        given += had_len - input.len;
        if (err_is(err)) {
            outcome.status = err.wire;
        } else if (event == ADMIN_INTAKE_END) {
            outcome.status = 0;
            keep(outcome.path, sizeof(outcome.path), intake.request.path);
            keep(outcome.body, sizeof(outcome.body), intake.request.body);
            outcome.keeps_alive = intake.request.keeps_alive;
        }
    }
    outcome.left_len = bytes.len - given;
    admin_intake_deinit(&intake);
    return outcome;
}

/* Every case twice: whole, and byte by byte. */
static struct outcome take(struct str bytes)
{
    struct outcome whole = outcome_of(bytes, bytes.len);
    struct outcome single = outcome_of(bytes, 1);

    assert_int_equal(whole.status, single.status);
    assert_string_equal(whole.path, single.path);
    assert_string_equal(whole.body, single.body);
    return whole;
}

static unsigned status_of(const char *bytes) { return take(str_from(bytes)).status; }

#define HOST "Host: x\r\n"

static void intake_gives_path_and_body(void **state)
{
    struct outcome outcome = take(STR("POST /a?b=c HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyzGET"));

    (void)state;
    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.path, "/a");
    assert_string_equal(outcome.body, "xyz");
    assert_true(outcome.keeps_alive);
    assert_int_equal(outcome.left_len, 3);
    outcome =
        take(STR("POST http://x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"));
    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.path, "/");
    assert_string_equal(outcome.body, "abc");
}

static void intake_bounds_the_body(void **state)
{
    (void)state;
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 15\r\n\r\n012345678901234"), 0);
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 16\r\n\r\n0123456789012345"), 0);
    /* Refused before a byte of it has come. */
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 17\r\n\r\n"), 413);
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 1073741824\r\n\r\n"), 413);
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789012345\r\n"
                               "0\r\n\r\n"),
                     0);
    assert_int_equal(
        status_of("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n11\r\n01234567890123456\r\n0\r\n\r\n"),
        413);
}

static void intake_refuses_doubtful_framing(void **state)
{
    static const char *const heads[] = {
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\na",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\na",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\na",
        "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\na",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
        "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "GET / HTTP/1.1\n" HOST "\n",
        "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "A b\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n",
        "GET  / HTTP/1.1\r\n" HOST "\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.2\r\n" HOST "\r\n",
        "GET / HTTP/2.0\r\n" HOST "\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST / HTTP/1.1\r\n" HOST "Expect: magic\r\nContent-Length: 1\r\n\r\na",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        unsigned status = status_of(heads[i]);

        if (status < 400)
            fail_msg("%u: %s", status, heads[i]);
    }
}

static void intake_bounds_the_head(void **state)
{
    static char head[ADMIN_INTAKE_HEAD_MAX + 1024];

    (void)state;
    memset(head, 'a', sizeof(head) - 1);
    memcpy(head, "GET /", 5);
    assert_int_equal(outcome_of(str_from(head), 4096).status, 414);
    memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
    assert_int_equal(outcome_of(str_from(head), 4096).status, 431);
}

static void intake_bounds_the_number_of_fields(void **state)
{
    char head[16384] = "GET / HTTP/1.1\r\n" HOST;

    (void)state;
    for (int i = 0; i < 200; i++)
        memcpy(head + strlen(head), "A: b\r\n", sizeof("A: b\r\n"));
    memcpy(head + strlen(head), "\r\n", sizeof("\r\n"));
    assert_int_equal(status_of(head), 431);
}

static void intake_waits_for_the_rest(void **state)
{
    (void)state;
    assert_int_equal(status_of("GET / HTTP/1.1\r\n" HOST), 1);
    assert_int_equal(status_of("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxy"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intake_gives_path_and_body),         cmocka_unit_test(intake_bounds_the_body),
        cmocka_unit_test(intake_refuses_doubtful_framing),    cmocka_unit_test(intake_bounds_the_head),
        cmocka_unit_test(intake_bounds_the_number_of_fields), cmocka_unit_test(intake_waits_for_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
