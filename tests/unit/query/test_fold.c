/* Covers query/fold: what folds to what, and that searching in pieces is searching. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "query/fold.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void query_fold_is_simple_case_folding(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"ABC xyz 019 @[`{", "abc xyz 019 @[`{"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"},
        {"\xc3\x84\xc3\x96", "\xc3\xa4\xc3\xb6"}, /* umlauts */
        {"\xc3\x9f", "\xc3\x9f"},                 /* sharp s: no simple folding */
        {"\xe1\xba\x9e", "\xc3\x9f"},             /* capital sharp s */
        {"\xe2\x84\xaa", "k"},                    /* Kelvin */
        {"\xc5\xbf", "s"},                        /* long s */
        {"\xc8\xba", "\xe2\xb1\xa5"},             /* grows from two bytes to three */
        {"\xce\xa3\xcf\x82", "\xcf\x83\xcf\x83"}, /* both sigmas */
        {"\xc4\xb0\xc4\xb1", "\xc4\xb0\xc4\xb1"}, /* dotted and dotless i stay */
        {"\xd0\x96", "\xd0\xb6"},                 /* Cyrillic */
        {"\xef\xbc\xa1", "\xef\xbd\x81"},         /* full-width A */
        {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"}, /* Deseret */
        {"\xe6\x97\xa5\xe3\x82\xab\xe3\x83\xbc", "\xe6\x97\xa5\xe3\x82\xab\xe3\x83\xbc"},
        {"\xff\xc3"
         "A\xed\xa0\x80\xc0\xaf",
         "\xff\xc3"
         "a\xed\xa0\x80\xc0\xaf"}, /* not UTF-8 */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct str text = str_from(pairs[i][0]);
        struct str expected = str_from(pairs[i][1]);
        char folded[128];
        size_t len = query_fold(text, folded);

        assert_true(len <= query_fold_max_len(text.len));
        assert_true(str_eq((struct str){folded, len}, expected));
        assert_true(query_fold_equals(text, expected));
        assert_true(query_fold_contains(text, expected));
        /* Folding what is folded changes nothing. */
        assert_true(query_fold_equals(expected, expected));
    }
    assert_false(query_fold_equals(STR("abc"), STR("abcd")));
    assert_false(query_fold_equals(STR("abcd"), STR("abc")));
    assert_true(query_fold_contains(STR(""), STR("")));
    assert_false(query_fold_contains(STR(""), STR("a")));
}

/* The window's edge may fall anywhere into the part that is looked for. */
static void query_fold_contains_finds_across_windows(void **state)
{
    static const char *const parts[] = {"x", "needle", "\xc3\xa4\xe2\xb1\xa5z"};
    static const char *const written[] = {"X", "NeedLE", "\xc3\x84\xc8\xbaZ"};
    static const size_t edges[] = {0, 1, 2040, 2048, 8192, 65536, 65536 + 2048, 131072};
    enum { LEN = 200000 };
    char *text = malloc(LEN);

    (void)state;
    CHECK(text);
    for (size_t i = 0; i < COUNT(parts) * COUNT(edges) * 24; i++) {
        struct str part = str_from(parts[i % COUNT(parts)]);
        struct str hidden = str_from(written[i % COUNT(parts)]);
        size_t at = edges[i / COUNT(parts) % COUNT(edges)] + i / COUNT(parts) / COUNT(edges);
        size_t len = at + hidden.len + i % 7;

        memset(text, '-', len);
        assert_false(query_fold_contains((struct str){text, len}, part));
        memcpy(text + at, hidden.ptr, hidden.len);
        assert_true(query_fold_contains((struct str){text, len}, part));
        assert_false(query_fold_contains((struct str){text, at + hidden.len - 1}, part));
    }
    free(text);
}

static void query_fold_contains_takes_parts_longer_than_its_window(void **state)
{
    enum { LEN = 300000 };
    char *text = malloc(LEN);

    (void)state;
    CHECK(text);
    memset(text, 'A', LEN);
    for (size_t part_len = 1; part_len < LEN; part_len *= 3) {
        char *part = malloc(part_len);

        CHECK(part);
        memset(part, 'a', part_len);
        assert_true(query_fold_contains((struct str){text, part_len}, (struct str){part, part_len}));
        assert_false(query_fold_contains((struct str){text, part_len - 1}, (struct str){part, part_len}));
        part[part_len - 1] = 'b';
        assert_false(query_fold_contains((struct str){text, LEN}, (struct str){part, part_len}));
        free(part);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_fold_is_simple_case_folding),
        cmocka_unit_test(query_fold_contains_finds_across_windows),
        cmocka_unit_test(query_fold_contains_takes_parts_longer_than_its_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
