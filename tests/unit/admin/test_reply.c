#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <jansson.h>
#include <cmocka.h>

#include "admin/problem.h"
#include "admin/reply.h"
#include "query/parse.h"

static char head[16384];

static const char *head_of(const struct admin_reply *reply, enum admin_reply_framing framing, bool keeps_alive)
{
    struct buf text;

    buf_init(&text, sizeof(head));
    assert_int_equal(admin_reply_write_head(reply, framing, keeps_alive, &text).code, ERR_NONE);
    assert_true(str_to_c(buf_str(&text), head, sizeof(head)));
    buf_deinit(&text);
    return head;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in:\n%s", part, text);
}

static void assert_guarded(const char *text)
{
    static const char *const fields[] = {
        "\r\nX-Frame-Options: DENY\r\n",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; ",
        "frame-ancestors 'none'",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        assert_has(text, fields[i]);
    assert_null(strstr(text, "unsafe"));
    assert_null(strstr(text, "Access-Control"));
    assert_null(strstr(text, "Set-Cookie"));
}

static void reply_always_carries_the_guarding_fields(void **state)
{
    struct admin_reply reply;

    (void)state;
    admin_reply_init(&reply);
    admin_reply_start(&reply, 200, "text/html; charset=utf-8");
    assert_guarded(head_of(&reply, ADMIN_REPLY_WHOLE, true));
    admin_reply_start(&reply, 200, ADMIN_REPLY_EVENTS);
    assert_guarded(head_of(&reply, ADMIN_REPLY_CHUNKED, true));
    admin_reply_empty(&reply);
    assert_guarded(head_of(&reply, ADMIN_REPLY_WHOLE, true));
    admin_problem_reply(&reply, 404, "No.");
    assert_guarded(head_of(&reply, ADMIN_REPLY_WHOLE, false));
    admin_reply_deinit(&reply);
}

static void reply_tells_the_end_of_the_body(void **state)
{
    struct admin_reply reply;

    (void)state;
    admin_reply_init(&reply);
    admin_reply_start(&reply, 200, ADMIN_REPLY_BYTES);
    assert_int_equal(buf_append(&reply.body, STR("abc")).code, ERR_NONE);
    assert_has(head_of(&reply, ADMIN_REPLY_WHOLE, true), "\r\nContent-Length: 3\r\n");
    assert_null(strstr(head, "Connection:"));
    assert_has(head_of(&reply, ADMIN_REPLY_CHUNKED, true), "\r\nTransfer-Encoding: chunked\r\n");
    assert_null(strstr(head, "Content-Length"));
    assert_has(head_of(&reply, ADMIN_REPLY_CLOSE, false), "\r\nConnection: close\r\n\r\n");
    assert_null(strstr(head, "Transfer-Encoding"));
    admin_reply_empty(&reply);
    assert_null(strstr(head_of(&reply, ADMIN_REPLY_WHOLE, true), "Content-Length"));
    admin_reply_deinit(&reply);
}

static void reply_fields_cannot_be_split(void **state)
{
    struct admin_reply reply;

    (void)state;
    admin_reply_init(&reply);
    admin_reply_start(&reply, 200, ADMIN_REPLY_BYTES);
    admin_reply_field(&reply, "Sekisho-Charset", STR("x\r\nSet-Cookie: a=b\n\0"));
    assert_has(head_of(&reply, ADMIN_REPLY_WHOLE, true), "\r\nSekisho-Charset: x??Set-Cookie: a=b??\r\n");
    admin_reply_deinit(&reply);
}

static json_t *body_of(const struct admin_reply *reply)
{
    json_t *object = json_loadb(buf_str(&reply->body).ptr, reply->body.len, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(object);
    assert_string_equal(reply->type, "application/problem+json");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), reply->status);
    return object;
}

static void reply_that_does_not_fit_becomes_a_problem(void **state)
{
    struct admin_reply reply;
    struct jsonout out;
    json_t *object;

    (void)state;
    admin_reply_init(&reply);
    admin_reply_start_json(&reply, 200, &out);
    out.failure = ERR(ERR_LIMIT, 0, "buffer is full");
    admin_reply_finish_json(&reply, &out);
    assert_int_equal(reply.status, 500);
    object = body_of(&reply);
    json_decref(object);
    admin_reply_deinit(&reply);
}

static void problem_of_a_query_says_where(void **state)
{
    struct query_error error = {
        .position = 4, .len = 3, .line = 1, .column = 5, .message = "No \"such\" field.", .suggestion = "host"};
    struct admin_reply reply;
    json_t *object;

    (void)state;
    admin_reply_init(&reply);
    admin_problem_of_query(&reply, &error);
    object = body_of(&reply);
    assert_int_equal(reply.status, 400);
    assert_int_equal(json_integer_value(json_object_get(object, "position")), 4);
    assert_int_equal(json_integer_value(json_object_get(object, "length")), 3);
    assert_string_equal(json_string_value(json_object_get(object, "suggestion")), "host");
    assert_string_equal(json_string_value(json_object_get(object, "detail")), "No \"such\" field.");
    json_decref(object);
    admin_reply_deinit(&reply);
}

static void problem_of_an_error_has_its_status(void **state)
{
    static const struct {
        enum err_code code;
        unsigned status;
    } rows[] = {{ERR_ABSENT, 404}, {ERR_SYNTAX, 400}, {ERR_LIMIT, 413},     {ERR_DENIED, 403},
                {ERR_BUSY, 503},   {ERR_IO, 500},     {ERR_CANCELLED, 503}, {ERR_DAMAGED, 500}};
    struct admin_reply reply;

    (void)state;
    admin_reply_init(&reply);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        admin_problem_of_err(&reply, ERR(rows[i].code, 0, "Why."));
        assert_int_equal(reply.status, rows[i].status);
        assert_string_not_equal(admin_reply_reason(reply.status), "");
    }
    admin_reply_deinit(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_always_carries_the_guarding_fields),
        cmocka_unit_test(reply_tells_the_end_of_the_body),
        cmocka_unit_test(reply_fields_cannot_be_split),
        cmocka_unit_test(reply_that_does_not_fit_becomes_a_problem),
        cmocka_unit_test(problem_of_a_query_says_where),
        cmocka_unit_test(problem_of_an_error_has_its_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
