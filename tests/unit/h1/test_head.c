/* Covers h1/head: start lines and fields as the decoder tells them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "h1/decoder.h"
#include "unit/h1/splits.h"

/* Hostile input 36. */
static void h1_head_flags_odd_fields(void **state)
{
#define FLAGGED(flags) "head:none keep " flags ";end " flags ";closed;"
    static const struct splits_row rows[] = {
        {"space in a name", STR(GET "a b: c\r\n\r\n"), FLAGGED("bad-field")},
        {"space before the colon", STR(GET "a : c\r\n\r\n"), FLAGGED("bad-field")},
        {"no name", STR(GET ": c\r\n\r\n"), FLAGGED("bad-field")},
        {"no colon", STR(GET "abc\r\n\r\n"), FLAGGED("bad-field")},
        {"control in a name", STR(GET "a\x01: c\r\n\r\n"), FLAGGED("bad-field")},
        {"NUL in a name", STR(GET "a\0b: c\r\n\r\n"), FLAGGED("bad-field")},
        {"8 bits in a name", STR(GET "a\xff: c\r\n\r\n"), FLAGGED("bad-field")},
        {"CR in a value", STR(GET "a: b\rc\r\n\r\n"), FLAGGED("bad-value")},
        {"CR before the line end", STR(GET "a: b\r\r\n\r\n"), FLAGGED("bad-value")},
        {"NUL in a value", STR(GET "a: b\0c\r\n\r\n"), FLAGGED("bad-value")},
        {"NUL late in a long value", STR(GET "a: 0123456789abcdef0123456789abcde\0\r\n\r\n"), FLAGGED("bad-value")},
        {"DEL in a value", STR(GET "a: 0123456\x7f 89\r\n\r\n"), FLAGGED("bad-value")},
        {"tab in a value", STR(GET "a: b\tc 0123456789\r\n\r\n"), "head:none keep;end;closed;"},
        {"8 bits in a value", STR(GET "a: \xe9\xff\x80 0123456789\r\n\r\n"), "head:none keep;end;closed;"},
        {"empty value", STR(GET "a:\r\nb: \r\n\r\n"), "head:none keep;end;closed;"},
        {"fold", STR(GET "a: b\r\n c\r\n\td\r\n\r\n"), FLAGGED("obs-fold")},
        {"fold of white space only", STR(GET "a: b\r\n \r\n\r\n"), FLAGGED("obs-fold")},
        {"fold before any field", STR("GET / HTTP/1.1\r\n a: b\r\nHost: a\r\n\r\n"), FLAGGED("bad-field")},
        {"LF only", STR("GET / HTTP/1.1\nHost: a\n\n"), FLAGGED("bare-lf")},
        {"one LF", STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), FLAGGED("bare-lf")},
        {"LF at the end", STR(GET "\n"), FLAGGED("bare-lf")},
        {"CR CR LF is no empty line", STR(GET "\r\r\n\r\n"), FLAGGED("bad-field,bad-value")},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 37. */
static void h1_head_takes_or_refuses_odd_request_lines(void **state)
{
#define LINE(line) STR(line "\r\nHost: a\r\n\r\n")
#define REFUSED(code, line) "error:syntax " code ";partial:" line "\\r\\n;rest:Host: a\\r\\n\\r\\n;"
    static const struct splits_row rows[] = {
        {"no version", STR("GET /\r\n"), "head:close close bad-start;end bad-start;"},
        {"no version but fields", LINE("GET /"), "head:close close bad-start;body:Host: a\\r\\n\\r\\n;end bad-start;"},
        {"no version but a space", LINE("GET / "),
         "head:close close bad-start;body:Host: a\\r\\n\\r\\n;end bad-start;"},
        {"HTTP/0.9", LINE("GET / HTTP/0.9"), "head:none close bad-start;end bad-start;"},
        {"HTTP/1.2", LINE("GET / HTTP/1.2"), FLAGGED("bad-start")},
        {"HTTP/1.9", LINE("GET / HTTP/1.9"), FLAGGED("bad-start")},
        {"small letters", LINE("GET / http/1.1"), FLAGGED("bad-start")},
        {"HTTP/1.10", LINE("GET / HTTP/1.10"), REFUSED("400", "GET / HTTP/1.10")},
        {"HTTP/1", LINE("GET / HTTP/1"), REFUSED("400", "GET / HTTP/1")},
        {"HTTP/01.1", LINE("GET / HTTP/01.1"), REFUSED("400", "GET / HTTP/01.1")},
        {"HTTP/x", LINE("GET / HTTP/x"), REFUSED("400", "GET / HTTP/x")},
        {"HTTP/2.0", LINE("GET / HTTP/2.0"), REFUSED("505", "GET / HTTP/2.0")},
        {"HTTP/3", LINE("GET / HTTP/3"), REFUSED("505", "GET / HTTP/3")},
        {"HTTP/2 preface", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
         "error:syntax 505;partial:PRI * HTTP/2.0\\r\\n;rest:\\r\\nSM\\r\\n\\r\\n;"},
        {"another protocol", LINE("GET / RTSP/1.0"), REFUSED("400", "GET / RTSP/1.0")},
        {"method only", LINE("GET"), REFUSED("400", "GET")},
        {"no target", LINE("GET HTTP/1.1"), REFUSED("400", "GET HTTP/1.1")},
        {"no target, two spaces", LINE("GET  HTTP/1.1"), REFUSED("400", "GET  HTTP/1.1")},
        {"spaces only", LINE("  "), REFUSED("400", "  ")},
        {"two spaces", LINE("GET  / HTTP/1.1"), FLAGGED("bad-start")},
        {"two spaces before the version", LINE("GET /  HTTP/1.1"), FLAGGED("bad-start")},
        {"tabs", LINE("GET\t/\tHTTP/1.1"), FLAGGED("bad-start")},
        {"CR inside", LINE("GET /\rHTTP/1.1"), FLAGGED("bad-start")},
        {"space in the target", LINE("GET /a b HTTP/1.1"), FLAGGED("bad-start")},
        {"NUL in the target", LINE("GET /a\0b HTTP/1.1"), FLAGGED("bad-start")},
        {"8 bits in the target", LINE("GET /\xe3\x81\x82 HTTP/1.1"), "head:none keep;end;closed;"},
        {"space after", LINE("GET / HTTP/1.1 "), FLAGGED("bad-start")},
        {"space before", LINE(" GET / HTTP/1.1"), FLAGGED("bad-start")},
        {"small method", LINE("get / HTTP/1.1"), "head:none keep;end;closed;"},
        {"odd method", LINE("G(T / HTTP/1.1"), FLAGGED("bad-start")},
        {"odd method, no version", LINE("G(T /"), REFUSED("400", "G(T /")},
        {"TLS", STR("\x16\x03\x01\x02\x00\x01\n\x00"),
         "error:syntax 400;partial:\\x16\\x03\\x01\\x02\\x00\\x01\\n;rest:\\x00;"},
        {"ends in the line", STR("GET / HT"), "error:syntax 400 truncated;partial:GET / HT;"},
        {"ends in the fields", STR("GET / HTTP/1.1\r\nHost: a\r\n"),
         "error:syntax 400 truncated;partial:GET / HTTP/1.1\\r\\nHost: a\\r\\n;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 38; what the authorities mean is http/target's. */
static void h1_head_flags_missing_and_repeated_host(void **state)
{
    static const struct splits_row rows[] = {
        {"missing", STR("GET / HTTP/1.1\r\n\r\n"), FLAGGED("host-missing")},
        {"missing in HTTP/1.0", STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "head:none keep;end;closed;"},
        {"twice", STR(GET "host: a\r\n\r\n"), FLAGGED("host-repeated")},
        {"three times", STR(GET "HOST: a\r\nhosT: b\r\n\r\n"), FLAGGED("host-repeated")},
        {"empty", STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "head:none keep;end;closed;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 40. */
static void h1_head_takes_or_refuses_odd_status_lines(void **state)
{
#define BODY_UNTIL_CLOSE(flags) "head:close close " flags ";body:x;end " flags ";"
    static const struct splits_row rows[] = {
        {"status 000", STR("HTTP/1.1 000 x\r\nContent-Length: 1\r\n\r\nx"), BODY_UNTIL_CLOSE("bad-start")},
        {"status 99", STR("HTTP/1.1 99 x\r\nContent-Length: 1\r\n\r\nx"), BODY_UNTIL_CLOSE("bad-start")},
        {"status 1000", STR("HTTP/1.1 1000 x\r\nContent-Length: 1\r\n\r\nx"), BODY_UNTIL_CLOSE("bad-start")},
        {"status abc", STR("HTTP/1.1 abc x\r\nContent-Length: 1\r\n\r\nx"), BODY_UNTIL_CLOSE("bad-start")},
        {"status +20", STR("HTTP/1.1 +20 x\r\nContent-Length: 1\r\n\r\nx"), BODY_UNTIL_CLOSE("bad-start")},
        {"no status", STR("HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"), BODY_UNTIL_CLOSE("bad-start")},
        {"status 600", STR("HTTP/1.1 600 x\r\nContent-Length: 1\r\n\r\nx"),
         "head:length=1 keep bad-start;body:x;end bad-start;closed;"},
        {"two spaces", STR("HTTP/1.1  204 x\r\n\r\n"), FLAGGED("bad-start")},
        {"tab", STR("HTTP/1.1\t204\tx\r\n\r\n"), FLAGGED("bad-start")},
        {"control in the reason", STR("HTTP/1.1 204 a\x1b[0m\r\n\r\n"), FLAGGED("bad-start")},
        {"8 bits in the reason", STR("HTTP/1.1 204 \xe9\r\n\r\n"), "head:none keep;end;closed;"},
        {"HTTP/1.2", STR("HTTP/1.2 204 x\r\n\r\n"), FLAGGED("bad-start")},
        {"small letters", STR("http/1.1 204 x\r\n\r\n"), FLAGGED("bad-start")},
        {"HTTP/2", STR("HTTP/2 204 x\r\n\r\n"), "head:none close bad-start;end bad-start;"},
        {"HTTP/9x", STR("HTTP/9x 204 x\r\n\r\n"), "head:none close bad-start;end bad-start;"},
        {"two status lines", STR("HTTP/1.1 204 x\r\nHTTP/1.1 204 x\r\n\r\n"), FLAGGED("bad-field")},
        {"empty lines before", STR("\r\n\nHTTP/1.1 204 x\r\n\r\n"), FLAGGED("bare-lf,empty-lines")},
        {"LF only", STR("HTTP/1.1 204 x\n\n"), FLAGGED("bare-lf")},
        {"no status line", STR("<html>"), "error:syntax 502;partial:<;rest:html>;"},
        {"no status line after HT", STR("HTML"), "error:syntax 502;partial:HTM;rest:L;"},
        {"no status line but H and a line end", STR("H\nx"), "error:syntax 502;partial:H\\n;rest:x;"},
        {"no status line after empty lines", STR("\r\n\r\n<html>"),
         "error:syntax 502;partial:\\r\\n\\r\\n<;rest:html>;"},
        {"CR and no LF", STR("\rHTTP/1.1"), "error:syntax 502;partial:\\rH;rest:TTP/1.1;"},
        {"CR alone", STR("\r"), "error:syntax 502 truncated;partial:\\r;"},
        {"empty lines alone", STR("\r\n"), "closed;partial:\\r\\n;"},
        {"ends in the line", STR("HTTP/1.1 2"), "error:syntax 502 truncated;partial:HTTP/1.1 2;"},
        {"ICY", STR("ICY 200 OK\r\n\r\n"), "error:syntax 502;partial:I;rest:CY 200 OK\\r\\n\\r\\n;"},
    };

    (void)state;
    SPLITS_CHECK_RESPONSES(rows);
}

static void assert_field(const struct http_field *field, const char *name, const char *value, const char *line)
{
    if (!str_eq(field->name, str_from(name)) || !str_eq(field->value, str_from(value)) ||
        !str_eq(field->line, str_from(line)))
        fail_msg("[%.*s][%.*s][%.*s] is not [%s][%s][%s]", STR_ARG(field->name), STR_ARG(field->value),
                 STR_ARG(field->line), name, value, line);
}

/* Decodes one head; the caller frees. */
static struct http_message decode_head(bool is_request, struct str input, struct arena *arena)
{
    static const struct h1_limits limits = {0};
    struct h1_decoder *decoder = h1_decoder_new(is_request, &limits);
    struct http_message message;
    struct h1_event event;

    arena_init(arena, TRANSCRIPT_BYTES_MAX);
    h1_decoder_next(decoder, arena);
    assert_false(err_is(h1_decoder_step(decoder, &input, &event)));
    message = *h1_decoder_message(decoder);
    h1_decoder_free(&decoder);
    return message;
}

static void h1_head_tells_the_parts_of_a_request(void **state)
{
    struct arena arena;
    struct http_message message = decode_head(
        true, STR("\r\nPUT  /a b\tHTTP/1.2\r\n x: y\r\nno colon\r\nA:\r\nb : c:d \r\nfold: 1\r\n \t2 \r\n\r\n"),
        &arena);

    (void)state;
    assert_true(message.is_request);
    assert_int_equal(message.version, HTTP_VERSION_11);
    assert_true(str_eq(message.version_text, STR("HTTP/1.2")));
    assert_true(str_eq(message.method, STR("PUT")));
    assert_true(str_eq(message.target, STR("/a b")));
    assert_int_equal(message.field_count, 5);
    assert_field(&message.fields[0], " x", "y", " x: y");
    assert_field(&message.fields[1], "", "no colon", "no colon");
    assert_field(&message.fields[2], "A", "", "A:");
    assert_field(&message.fields[3], "b ", "c:d", "b : c:d ");
    assert_field(&message.fields[4], "fold", "1\r\n \t2", "fold: 1\r\n \t2 ");
    arena_deinit(&arena);
}

static void h1_head_tells_the_parts_of_a_response(void **state)
{
    struct arena arena;
    struct http_message message = decode_head(false, STR("HTTP/1.0 404  Not  here \r\n\r\n"), &arena);

    (void)state;
    assert_false(message.is_request);
    assert_int_equal(message.version, HTTP_VERSION_10);
    assert_int_equal(message.status, 404);
    assert_true(str_eq(message.reason, STR(" Not  here ")));
    assert_int_equal(message.field_count, 0);
    arena_deinit(&arena);
}

static void h1_head_keeps_many_fields(void **state)
{
    struct http_message message;
    struct arena arena;
    struct buf buf;

    (void)state;
    message = decode_head(true, splits_make_long(&buf, GET, "name: value\r\n", 999, "\r\n"), &arena);
    assert_int_equal(message.field_count, 1000);
    assert_field(&message.fields[0], "Host", "a", "Host: a");
    for (size_t i = 1; i < 1000; i++)
        assert_field(&message.fields[i], "name", "value", "name: value");
    arena_deinit(&arena);
    buf_deinit(&buf);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_head_flags_odd_fields),
        cmocka_unit_test(h1_head_takes_or_refuses_odd_request_lines),
        cmocka_unit_test(h1_head_flags_missing_and_repeated_host),
        cmocka_unit_test(h1_head_takes_or_refuses_odd_status_lines),
        cmocka_unit_test(h1_head_tells_the_parts_of_a_request),
        cmocka_unit_test(h1_head_tells_the_parts_of_a_response),
        cmocka_unit_test(h1_head_keeps_many_fields),
    };

    return cmocka_run_group_tests_name("h1/head", tests, NULL, NULL);
}
