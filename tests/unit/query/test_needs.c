/* Covers query/needs: when a query can be answered, and what must be loaded for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "query/needs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct query_tree *parse(const char *text)
{
    static const struct query_parse_options options = {.now_us = 0};
    struct query_tree *tree = NULL;
    struct query_error error = {0};

    if (err_is(query_parse(str_from(text), &options, &tree, &error)))
        fail_msg("%s: %s", text, error.message);
    return tree;
}

static void query_needs_is_the_latest_of_all_conditions(void **state)
{
    static const struct {
        const char *text;
        struct query_needs needs;
    } cases[] = {
        {"", {.phase = QUERY_AT_BEGIN}},
        {"client.ip = ::1 id > 5", {.phase = QUERY_AT_BEGIN}},
        {"host = a client.ip = b", {.phase = QUERY_AT_REQUEST_HEAD}},
        {"in:scope", {.phase = QUERY_AT_REQUEST_HEAD, .scope = true}},
        {"req.header[a] = b", {.phase = QUERY_AT_REQUEST_HEAD, .head = true}},
        {"req.body : a", {.phase = QUERY_AT_REQUEST_END, .request_body = true}},
        {"NOT param[a] = b", {.phase = QUERY_AT_REQUEST_END, .request_body = true, .head = true}},
        {"host = a OR status = 200", {.phase = QUERY_AT_RESPONSE_HEAD}},
        {"res.body : a", {.phase = QUERY_AT_RESPONSE_END, .response_body = true}},
        {"body : a", {.phase = QUERY_AT_RESPONSE_END, .request_body = true, .response_body = true}},
        {"orig.req.method = a", {.phase = QUERY_AT_REQUEST_HEAD, .head = true}},
        {"tag = a", {.phase = QUERY_AT_END, .marks = true}},
        {"text", {.phase = QUERY_AT_END, .request_body = true, .response_body = true, .head = true}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct query_tree *tree = parse(cases[i].text);
        struct query_needs needs = query_needs(tree);
        const struct query_needs *expected = &cases[i].needs;

        if (needs.phase != expected->phase || needs.request_body != expected->request_body ||
            needs.response_body != expected->response_body || needs.head != expected->head ||
            needs.marks != expected->marks || needs.scope != expected->scope)
            fail_msg("%s", cases[i].text);
        query_tree_free(&tree);
    }
}

static void query_needs_check_points_at_the_first_condition_that_is_too_late(void **state)
{
    struct query_tree *tree = parse("res.body : a\nOR (host = b status = 200)");
    struct query_error error;

    (void)state;
    assert_false(err_is(query_needs_check(tree, QUERY_AT_RESPONSE_END, &error)));
    assert_int_equal(query_needs_check(tree, QUERY_AT_RESPONSE_HEAD, &error).code, ERR_DENIED);
    assert_int_equal(error.position, 0);
    assert_int_equal(error.len, 12);
    assert_string_equal(error.message,
                        "res.body is known at the response's end, and this is asked with the response's head");
    query_tree_free(&tree);
    tree = parse("host = b\n  status = 200 res.body : a");
    assert_int_equal(query_needs_check(tree, QUERY_AT_REQUEST_HEAD, &error).code, ERR_DENIED);
    assert_int_equal(error.position, 11);
    assert_int_equal(error.line, 2);
    assert_int_equal(error.column, 3);
    query_tree_free(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_needs_is_the_latest_of_all_conditions),
        cmocka_unit_test(query_needs_check_points_at_the_first_condition_that_is_too_late),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
