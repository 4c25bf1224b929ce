#include "h2/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "h1/head.h"
#include "h2/crossing.h"

#define FIELD(n, v)                                                                                                    \
    {                                                                                                                  \
        .name = STR_INIT(n), .value = STR_INIT(v)                                                                      \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GET FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":authority", "a.example"), FIELD(":path", "/")

static struct h2_message_fields section_of(const struct h2_field *fields)
{
    struct h2_message_fields section = {fields, 0};

    while (fields[section.count].name.ptr)
        section.count++;
    return section;
}

static struct err check(enum h2_message_kind kind, const struct h2_field *fields)
{
    struct h2_message_head head;

    return h2_message_check(kind, section_of(fields), &head);
}

/* Ten fields are enough for each; the rest is zero. */
static const struct h2_field good_requests[][10] = {
    {GET},
    {GET, FIELD("te", "trailers"), FIELD("cookie", "a"), FIELD("cookie", "b")},
    {GET, FIELD("content-length", "5"), FIELD("content-length", "5")},
    {FIELD(":path", "*"), FIELD(":method", "OPTIONS"), FIELD(":scheme", "http")},
    {FIELD(":method", "CONNECT"), FIELD(":authority", "a.example:443")},
    {GET, FIELD("x", ""), FIELD("x", "caf\xe9")},
    {GET, FIELD("host", "a.example")},
};

static void check_takes_what_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good_requests); i++)
        assert_false(err_is(check(H2_MESSAGE_REQUEST, good_requests[i])));
}

static const struct h2_field bad_requests[][10] = {
    {FIELD(":scheme", "https"), FIELD(":path", "/")},
    {FIELD(":method", "GET"), FIELD(":path", "/")},
    {FIELD(":method", "GET"), FIELD(":scheme", "https")},
    {FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "")},
    {FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "a")},
    {FIELD(":method", "G T"), FIELD(":scheme", "https"), FIELD(":path", "/")},
    {GET, FIELD(":path", "/")},
    {GET, FIELD("x", "y"), FIELD(":authority", "b")},
    {FIELD("x", "y"), GET},
    {GET, FIELD(":protocol", "websocket")},
    {GET, FIELD(":status", "200")},
    {GET, FIELD("X-Upper", "y")},
    {GET, FIELD("", "y")},
    {GET, FIELD("a b", "y")},
    {GET, FIELD("a:b", "y")},
    {GET, FIELD("x", "a\r\nb: c")},
    {GET, FIELD("x", "a\nb")},
    {GET, FIELD("x", "a\0b")},
    {GET, FIELD("x", " a")},
    {GET, FIELD("x", "a\t")},
    {FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/ HTTP/1.1\r\nx: y")},
    {FIELD(":method", "GET"), FIELD(":scheme", "https"), FIELD(":path", "/"), FIELD(":authority", "a\r\nb")},
    {GET, FIELD("connection", "close")},
    {GET, FIELD("keep-alive", "1")},
    {GET, FIELD("proxy-connection", "close")},
    {GET, FIELD("transfer-encoding", "chunked")},
    {GET, FIELD("upgrade", "h2c")},
    {GET, FIELD("te", "gzip")},
    {GET, FIELD("content-length", "5"), FIELD("content-length", "6")},
    {GET, FIELD("content-length", "+5")},
    {GET, FIELD("content-length", "5, 5")},
    {GET, FIELD("content-length", "")},
    {FIELD(":method", "CONNECT"), FIELD(":authority", "a:1"), FIELD(":path", "/")},
};

static void check_refuses_what_is_malformed(void **state)
{
    struct arena arena;
    struct str head;
    bool is_chunked;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < COUNT(bad_requests); i++) {
        struct err err = check(H2_MESSAGE_REQUEST, bad_requests[i]);

        if (err.code != ERR_SYNTAX || !err.what)
            fail_msg("request %zu was taken", i);
        /* And nothing of it crosses. */
        assert_true(
            err_is(h2_crossing_to_h1(section_of(bad_requests[i]), H2_CROSSING_HAS_BODY, &arena, &head, &is_chunked)));
    }
    arena_deinit(&arena);
}

static void check_judges_responses_and_trailers(void **state)
{
    static const struct h2_field good[] = {FIELD(":status", "204"), FIELD("a", "b"), {.is_sensitive = false}};
    static const struct h2_field bad[][3] = {{FIELD("a", "b")},
                                             {FIELD(":status", "101")},
                                             {FIELD(":status", "20")},
                                             {FIELD(":status", "2000")},
                                             {FIELD(":status", "099")},
                                             {FIELD(":status", "2x0")},
                                             {FIELD(":status", "200"), FIELD(":status", "200")},
                                             {FIELD(":status", "200"), FIELD(":path", "/")}};

    (void)state;
    assert_false(err_is(check(H2_MESSAGE_RESPONSE, good)));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(check(H2_MESSAGE_RESPONSE, bad[i]).code, ERR_SYNTAX);
    assert_false(err_is(check(H2_MESSAGE_TRAILERS, good + 1)));
    assert_int_equal(check(H2_MESSAGE_TRAILERS, good).code, ERR_SYNTAX);
}

static void text_has_pseudo_fields_and_fields_in_order(void **state)
{
    static const struct h2_field fields[] = {GET, FIELD("b", "1"), FIELD("a", "x: y"), FIELD("b", "1")};
    struct h2_message_fields section = {fields, COUNT(fields)}, again;
    struct http_message message;
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_false(err_is(h2_message_text(H2_MESSAGE_REQUEST, section, &arena, &text, &message)));
    assert_true(str_eq(text, STR("GET / HTTP/2\r\n:method: GET\r\n:scheme: https\r\n:authority: a.example\r\n"
                                 ":path: /\r\nb: 1\r\na: x: y\r\nb: 1\r\n\r\n")));
    assert_true(str_eq(message.method, STR("GET")));
    assert_true(str_eq(message.target, STR("/")));
    assert_int_equal(message.version, HTTP_VERSION_2);
    assert_int_equal(message.field_count, 7);
    assert_true(str_eq(http_message_field(&message, STR(":authority"))->value, STR("a.example")));
    assert_true(str_eq(http_message_field(&message, STR("a"))->line, STR("a: x: y")));
    assert_false(err_is(h2_message_from_text(H2_MESSAGE_REQUEST, text, 7, &arena, &again)));
    assert_int_equal(again.count, section.count);
    for (size_t i = 0; i < again.count; i++) {
        assert_true(str_eq(again.fields[i].name, fields[i].name));
        assert_true(str_eq(again.fields[i].value, fields[i].value));
    }
    arena_deinit(&arena);
}

static void text_cannot_be_broken_out_of(void **state)
{
    static const struct h2_field fields[] = {FIELD(":status", "200\r\nx: y"), FIELD("a\n", "b\r\n\r\nc")};
    struct http_message message;
    struct arena arena;
    struct str text;
    size_t lines = 0;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_false(
        err_is(h2_message_text(H2_MESSAGE_RESPONSE, (struct h2_message_fields){fields, 2}, &arena, &text, &message)));
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    assert_int_equal(lines, 4);
    assert_int_equal(message.field_count, 2);
    arena_deinit(&arena);
}

static void crosses_to_h1_with_host_first_and_one_framing(void **state)
{
    static const struct h2_field fields[] = {GET,
                                             FIELD("host", "other.example"),
                                             FIELD("cookie", "a=1"),
                                             FIELD("x", "y"),
                                             FIELD("te", "trailers"),
                                             FIELD("cookie", "b=2")};
    struct h2_message_fields section = {fields, COUNT(fields)};
    struct arena arena;
    struct str head;
    bool is_chunked;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_false(err_is(h2_crossing_to_h1(section, H2_CROSSING_NO_BODY, &arena, &head, &is_chunked)));
    assert_true(str_eq(head, STR("GET / HTTP/1.1\r\nHost: a.example\r\ncookie: a=1; b=2\r\nx: y\r\n\r\n")));
    assert_false(is_chunked);
    assert_false(err_is(h2_crossing_to_h1(section, H2_CROSSING_HAS_BODY, &arena, &head, &is_chunked)));
    assert_true(str_ends(head, STR("x: y\r\ntransfer-encoding: chunked\r\n\r\n")));
    assert_true(is_chunked);
    arena_deinit(&arena);
}

static void crosses_to_h1_never_with_a_length_and_nothing_behind_it(void **state)
{
    static const struct h2_field fields[] = {GET, FIELD("content-length", "10")};
    struct h2_message_fields section = {fields, COUNT(fields)};
    struct arena arena;
    struct str head;
    bool is_chunked;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(h2_crossing_to_h1(section, H2_CROSSING_NO_BODY, &arena, &head, &is_chunked).code, ERR_SYNTAX);
    assert_false(err_is(h2_crossing_to_h1(section, H2_CROSSING_HAS_BODY, &arena, &head, &is_chunked)));
    assert_true(str_ends(head, STR("\r\ncontent-length: 10\r\n\r\n")));
    assert_false(is_chunked);
    arena_deinit(&arena);
}

static void crosses_from_h1_without_what_belongs_to_the_connection(void **state)
{
    static const char wire[] = "HTTP/1.1 200 Fine\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nContent-Length: 3\r\n"
                               "Transfer-Encoding: chunked\r\nbroken line\r\nFolded: a\r\n b\r\nX-A: b\r\n\r\n";
    struct http_message message = {0};
    struct h2_message_fields section;
    struct arena arena;
    struct str text;
    uint32_t flags = 0;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_false(err_is(h1_head_parse(STR(wire), 100, &arena, &message, &flags)));
    assert_false(err_is(h2_crossing_from_h1(&message, STR_NONE, STR_NONE, &arena, &section)));
    assert_false(err_is(h2_message_text(H2_MESSAGE_RESPONSE, section, &arena, &text, NULL)));
    assert_true(str_eq(text, STR("HTTP/2 200\r\n:status: 200\r\nfolded: a   b\r\nx-a: b\r\n\r\n")));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_takes_what_is_well_formed),
        cmocka_unit_test(check_refuses_what_is_malformed),
        cmocka_unit_test(check_judges_responses_and_trailers),
        cmocka_unit_test(text_has_pseudo_fields_and_fields_in_order),
        cmocka_unit_test(text_cannot_be_broken_out_of),
        cmocka_unit_test(crosses_to_h1_with_host_first_and_one_framing),
        cmocka_unit_test(crosses_to_h1_never_with_a_length_and_nothing_behind_it),
        cmocka_unit_test(crosses_from_h1_without_what_belongs_to_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
