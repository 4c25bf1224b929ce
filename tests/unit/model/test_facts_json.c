#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <jansson.h>
#include <cmocka.h>

#include "model/facts_json.h"
#include "model/facts_url.h"

static struct exchange_facts example(void)
{
    return (struct exchange_facts){.id = 7,
                                   .at_us = 1709210096000789,
                                   .method = STR("GET"),
                                   .scheme = STR("https"),
                                   .host = STR("example.com"),
                                   .port = 443,
                                   .target = STR("/a?b=1"),
                                   .path = STR("/a"),
                                   .query = STR("b=1"),
                                   .client_version = HTTP_VERSION_11,
                                   .origin_version = HTTP_VERSION_11,
                                   .status = 200,
                                   .reason = STR("OK"),
                                   .type = STR("text/html"),
                                   .half = {{.wire_len = 40, .head_len = 40, .is_complete = true},
                                            {.wire_len = 120, .head_len = 100, .body_len = 20, .is_complete = true}},
                                   .dns_us = FACTS_UNKNOWN_US,
                                   .connect_us = 12,
                                   .tls_us = FACTS_UNKNOWN_US,
                                   .first_byte_us = 900,
                                   .time_us = 1000,
                                   .client = {"127.0.0.1", 4000},
                                   .flags = STR("ambiguous,truncated")};
}

static json_t *written(const struct exchange_facts *facts, const struct facts_marks *marks)
{
    struct buf text;
    json_t *object;

    buf_init(&text, 1024 * 1024);
    assert_int_equal(facts_json_write(facts, marks, &text).code, ERR_NONE);
    object = json_loadb(buf_str(&text).ptr, buf_str(&text).len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(object);
    buf_deinit(&text);
    return object;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_non_null(text);
    return text;
}

static void facts_json_has_the_documented_keys(void **state)
{
    static const char *const keys[] = {"id",           "at",           "source",        "method", "scheme",
                                       "host",         "port",         "path",          "query",  "url",
                                       "client_proto", "origin_proto", "status",        "type",   "req_len",
                                       "res_len",      "time_us",      "first_byte_us", "error",  "flags"};
    struct exchange_facts facts = example();
    struct exchange_facts nothing = {.dns_us = -1, .connect_us = -1, .tls_us = -1, .first_byte_us = -1, .time_us = -1};
    json_t *full = written(&facts, NULL);
    json_t *empty = written(&nothing, NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_non_null(json_object_get(full, keys[i]));
        assert_non_null(json_object_get(empty, keys[i]));
    }
    assert_int_equal(json_object_size(full), json_object_size(empty));
    json_decref(full);
    json_decref(empty);
}

static void facts_json_values_are_the_facts(void **state)
{
    struct exchange_facts facts = example();
    struct facts_marks marks = {.note = STR("odd \"one\""), .tags = STR("a,b"), .color = STR("red")};
    json_t *object = written(&facts, &marks);

    (void)state;
    assert_int_equal(json_integer_value(json_object_get(object, "id")), 7);
    assert_string_equal(text_of(object, "at"), "2024-02-29T12:34:56.000789Z");
    assert_string_equal(text_of(object, "url"), "https://example.com/a?b=1");
    assert_string_equal(text_of(object, "client_proto"), "HTTP/1.1");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 200);
    assert_int_equal(json_integer_value(json_object_get(object, "res_body_len")), 20);
    assert_true(json_is_null(json_object_get(object, "dns_us")));
    assert_int_equal(json_integer_value(json_object_get(object, "connect_us")), 12);
    assert_true(json_is_null(json_object_get(object, "error")));
    assert_true(json_is_null(json_object_get(object, "origin_tls")));
    assert_int_equal(json_array_size(json_object_get(object, "flags")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(object, "flags"), 1)), "truncated");
    assert_string_equal(text_of(object, "note"), "odd \"one\"");
    assert_int_equal(json_array_size(json_object_get(object, "tags")), 2);
    json_decref(object);
}

static void facts_json_keeps_bytes_that_are_not_utf8(void **state)
{
    struct exchange_facts facts = example();
    json_t *object;

    (void)state;
    facts.path = STR("/\xff\0");
    facts.reason = STR("\"</script>\x1b]0;x");
    object = written(&facts, NULL);
    assert_string_equal(text_of(object, "path_base64"), "L/8A");
    assert_string_equal(text_of(object, "reason"), "\"</script>\x1b]0;x");
    assert_null(json_object_get(object, "reason_base64"));
    json_decref(object);
}

static void assert_url(const struct exchange_facts *facts, const char *expected)
{
    struct buf text;

    buf_init(&text, FACTS_URL_BYTES_MAX);
    assert_int_equal(facts_url_write(facts, &text).code, ERR_NONE);
    assert_int_equal(buf_append_char(&text, '\0').code, ERR_NONE);
    assert_string_equal(buf_str(&text).ptr, expected);
    buf_deinit(&text);
}

static void facts_url_leaves_out_the_schemes_own_port(void **state)
{
    struct exchange_facts facts = example();

    (void)state;
    facts.port = 8443;
    assert_url(&facts, "https://example.com:8443/a?b=1");
    facts.scheme = STR("http");
    facts.port = 80;
    assert_url(&facts, "http://example.com/a?b=1");
    facts.host = STR("::1");
    facts.query = STR_NONE;
    assert_url(&facts, "http://[::1]/a");
    facts.path = STR("*");
    assert_url(&facts, "http://[::1]");
    facts.scheme = STR("tcp");
    facts.path = STR_NONE;
    facts.port = 22;
    assert_url(&facts, "tcp://[::1]:22");
    facts.host = STR_NONE;
    assert_url(&facts, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_json_has_the_documented_keys),
        cmocka_unit_test(facts_json_values_are_the_facts),
        cmocka_unit_test(facts_json_keeps_bytes_that_are_not_utf8),
        cmocka_unit_test(facts_url_leaves_out_the_schemes_own_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
