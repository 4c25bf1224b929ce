/* Covers base/str: comparing, finding, cutting and reading numbers. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/str.h"

static void equality_is_of_bytes_or_of_folded_ascii(void **state)
{
    (void)state;
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("a"), STR("ab")));
    assert_true(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")));
    /* Only letters fold: neither the neighbours of A to Z nor what other character sets call letters. */
    assert_false(str_eq_nocase(STR("@["), STR("`{")));
    assert_false(str_eq_nocase(STR("\xc4"), STR("\xe4")));
}

static void order_is_of_bytes_then_of_length(void **state)
{
    (void)state;
    assert_true(str_compare(STR("a"), STR("b")) < 0);
    assert_true(str_compare(STR("ab"), STR("a")) > 0);
    assert_true(str_compare(STR(""), STR("a")) < 0);
    assert_true(str_compare(STR("\xff"), STR("a")) > 0);
    assert_int_equal(str_compare(STR("a\0"), STR("a\0")), 0);
    assert_int_equal(str_compare(STR_NONE, STR("")), 0);
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR("abc"), STR("ab")) && str_ends(STR("abc"), STR("bc")));
    assert_true(str_starts(STR("abc"), STR_NONE) && str_ends(STR("abc"), STR_NONE));
    assert_false(str_starts(STR("abc"), STR("abcd")) || str_ends(STR("abc"), STR("xabc")));
    assert_false(str_starts(STR("abc"), STR("AB")) || str_ends(STR("abc"), STR("BC")));
    assert_true(str_starts_nocase(STR("abc"), STR("AB")) && str_ends_nocase(STR("abc"), STR("BC")));
    assert_true(str_starts(STR_NONE, STR_NONE));
}

static void finding_tells_the_first_or_the_last_or_absent(void **state)
{
    (void)state;
    assert_int_equal(str_find_char(STR("abcb"), 'b'), 1);
    assert_int_equal(str_find_last_char(STR("abcb"), 'b'), 3);
    assert_true(str_find_char(STR("abc"), 'x') == STR_ABSENT && str_find_last_char(STR_NONE, 'x') == STR_ABSENT);
    assert_int_equal(str_find(STR("ababc"), STR("abc")), 2);
    assert_true(str_find(STR("abab"), STR("abc")) == STR_ABSENT);
    assert_int_equal(str_find(STR("abc"), STR_NONE), 0);
    assert_int_equal(str_find_nocase(STR("abABC"), STR("aBc")), 2);
    assert_true(str_find_nocase(STR("ab"), STR("abc")) == STR_ABSENT);
    assert_int_equal(str_find(STR("a\0b"), STR("\0b")), 1);
}

static void parts_never_leave_the_string(void **state)
{
    struct str s = STR("abc"), head, tail;

    (void)state;
    assert_true(str_eq(str_skip(s, 1), STR("bc")));
    assert_int_equal(str_skip(s, 3).len + str_skip(s, 1000).len + str_skip(STR_NONE, 5).len, 0);
    assert_true(str_eq(str_head(s, 2), STR("ab")) && str_eq(str_head(s, 1000), s));
    assert_true(str_cut(STR("k=v=w"), '=', &head, &tail));
    assert_true(str_eq(head, STR("k")) && str_eq(tail, STR("v=w")));
    assert_true(str_cut(STR("k="), '=', &head, &tail));
    assert_true(str_eq(head, STR("k")) && tail.len == 0);
    assert_false(str_cut(STR("k"), '=', &head, &tail));
    assert_true(str_eq(head, STR("k")) && tail.len == 0);
    assert_true(str_eq(str_trim(STR(" \t a b\t ")), STR("a b")));
    assert_int_equal(str_trim(STR(" \t ")).len, 0);
    assert_true(str_eq(str_trim(STR("\r\n")), STR("\r\n")));
}

static void numbers_are_all_digits_and_fit(void **state)
{
    static const char *const wrong[] = {
        "", "+1", "-1", " 1", "1 ", "1_0", "0x1", "1e3", "18446744073709551616", "99999999999999999999999", "\xd9\xa1"};
    static const char *const wrong_hex[] = {"", "g", "0x1", "+1", "10000000000000000", " 1", "1 "};
    uint64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(str_to_u64(str_from(wrong[i]), &value));
    for (size_t i = 0; i < sizeof(wrong_hex) / sizeof(wrong_hex[0]); i++)
        assert_false(str_to_u64_hex(str_from(wrong_hex[i]), &value));
    assert_int_equal(value, 7);
    assert_true(str_to_u64(STR("18446744073709551615"), &value) && value == UINT64_MAX);
    assert_true(str_to_u64(STR("00000000000000000000000000012"), &value) && value == 12);
    assert_true(str_to_u64_hex(STR("fFfFfFfFfFfFfFfF"), &value) && value == UINT64_MAX);
    assert_true(str_to_u64_hex(STR("0000000000000000000000000001a"), &value) && value == 26);
}

static void c_strings_fit_and_hold_no_nul(void **state)
{
    char text[4] = "xyz";

    (void)state;
    assert_false(str_to_c(STR("abcd"), text, sizeof(text)));
    assert_false(str_to_c(STR("a\0b"), text, sizeof(text)));
    assert_false(str_to_c(STR_NONE, text, 0));
    assert_string_equal(text, "xyz");
    assert_true(str_to_c(STR("abc"), text, sizeof(text)));
    assert_string_equal(text, "abc");
    assert_true(str_to_c(STR_NONE, text, 1));
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_is_of_bytes_or_of_folded_ascii),
        cmocka_unit_test(order_is_of_bytes_then_of_length),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(finding_tells_the_first_or_the_last_or_absent),
        cmocka_unit_test(parts_never_leave_the_string),
        cmocka_unit_test(numbers_are_all_digits_and_fit),
        cmocka_unit_test(c_strings_fit_and_hold_no_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
