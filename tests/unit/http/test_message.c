/* Covers http/message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http/message.h"

static struct http_field fields[] = {
    {.name = {"Accept", 6}, .value = {"a", 1}},
    {.name = {"CONNECTION", 10}, .value = {"x, \"close\" ,", 12}},
    {.name = {"", 0}, .value = {"no field", 8}},
    {.name = {"accept", 6}, .value = {"b", 1}},
    {.name = {"connection", 10}, .value = {"y;close,Keep-Alive", 18}},
};

static const struct http_message message = {.fields = fields, .field_count = 5};

static void http_message_finds_fields_without_case(void **state)
{
    (void)state;
    assert_ptr_equal(http_message_field(&message, STR("ACCEPT")), &fields[0]);
    assert_ptr_equal(http_message_field(&message, STR("connection")), &fields[1]);
    assert_null(http_message_field(&message, STR("Accept-")));
    assert_null(http_message_field(&message, STR("Accep")));
}

static void http_message_walks_all_fields_of_a_name(void **state)
{
    const struct http_field *field = http_message_next(&message, STR("Accept"), NULL);

    (void)state;
    assert_ptr_equal(field, &fields[0]);
    field = http_message_next(&message, STR("Accept"), field);
    assert_ptr_equal(field, &fields[3]);
    assert_null(http_message_next(&message, STR("Accept"), field));
    assert_int_equal(http_message_count(&message, STR("accept")), 2);
    assert_int_equal(http_message_count(&message, STR("Host")), 0);
}

static void http_message_finds_tokens_over_all_lines(void **state)
{
    (void)state;
    assert_true(http_message_has_token(&message, STR("Connection"), STR("keep-alive")));
    assert_true(http_message_has_token(&message, STR("Connection"), STR("X")));
    assert_false(http_message_has_token(&message, STR("Connection"), STR("close")));
    assert_false(http_message_has_token(&message, STR("Host"), STR("x")));
}

static void http_message_names_versions(void **state)
{
    (void)state;
    assert_true(str_eq(http_message_version_name(HTTP_VERSION_09), STR("HTTP/0.9")));
    assert_true(str_eq(http_message_version_name(HTTP_VERSION_10), STR("HTTP/1.0")));
    assert_true(str_eq(http_message_version_name(HTTP_VERSION_11), STR("HTTP/1.1")));
    assert_true(str_eq(http_message_version_name(HTTP_VERSION_2), STR("HTTP/2")));
    assert_true(str_eq(http_message_version_name(HTTP_VERSION_UNKNOWN), STR("")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_message_finds_fields_without_case),
        cmocka_unit_test(http_message_walks_all_fields_of_a_name),
        cmocka_unit_test(http_message_finds_tokens_over_all_lines),
        cmocka_unit_test(http_message_names_versions),
    };

    return cmocka_run_group_tests_name("http/message", tests, NULL, NULL);
}
