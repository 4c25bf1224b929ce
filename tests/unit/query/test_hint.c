/* Covers query/hint: what is offered where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "query/hint.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool offers(const struct query_hints *hints, const char *text)
{
    for (size_t i = 0; i < hints->count; i++) {
        if (str_eq(hints->hints[i].text, str_from(text)))
            return true;
    }
    return false;
}

static void query_hint_offers_what_may_come(void **state)
{
    static const struct {
        const char *text; /* up to the cursor */
        const char *offered, *not_offered;
        size_t start;
    } cases[] = {
        {"", "req.host", "AND", 0},
        {"", "NOT", "OR", 0},
        {"ho", "host", "path", 0},
        {"req.me", "req.method", "req.path", 0},
        {"i", "is:", "req.host", 0},
        {"id = 1 AND ho", "host", "path", 11},
        {"(req.p", "req.port", "AND", 1},
        {"id = 1 ", "AND", "=", 7},
        {"id = 1 A", "AND", "OR", 7},
        {"status ", ">=", "=~", 7},
        {"host ", "=~", ">=", 5},
        {"host =", "", "AND", 6},
        {"res.complete = ", "true", "AND", 15},
        {"kind = web", "websocket", "http", 7},
        {"kind IN (http, tu", "tunnel", "http", 15},
        {"is:", "tunnel", "sender", 3},
        {"from:se", "sender", "tunnel", 5},
        {"has:", "response", "AND", 4},
        {"at > ", "today", "true", 5},
        {"NOT ", "req.host", "AND", 4},
        {"note = \"abc", "", "AND", 11},
        {"path =~ /a", "", "AND", 10},
        {"id = 1 // com", "AND", "=", 13},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct query_hints hints;

        query_hint(str_from(cases[i].text), strlen(cases[i].text), &hints);
        if (cases[i].offered[0] && !offers(&hints, cases[i].offered))
            fail_msg("%s: %s is not offered", cases[i].text, cases[i].offered);
        if (offers(&hints, cases[i].not_offered))
            fail_msg("%s: %s is offered", cases[i].text, cases[i].not_offered);
        if (hints.start != cases[i].start || hints.start + hints.len != strlen(cases[i].text))
            fail_msg("%s: replaces %zu from %zu", cases[i].text, hints.len, hints.start);
    }
}

static void query_hint_names_the_field_whose_value_is_typed(void **state)
{
    struct query_hints hints;

    (void)state;
    query_hint(STR("status = 200 host : exa"), 23, &hints);
    assert_true(str_eq(hints.field, STR("req.host")));
    assert_int_equal(hints.start, 20);
    query_hint(STR("status = 200 host : exa"), 12, &hints);
    assert_true(str_eq(hints.field, STR("res.status")));
    query_hint(STR("host"), 4, &hints);
    assert_int_equal(hints.field.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_hint_offers_what_may_come),
        cmocka_unit_test(query_hint_names_the_field_whose_value_is_typed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
