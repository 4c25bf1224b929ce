/* Covers base/arena: alignment, the cap, and what a reset keeps. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/arena.h"

static void memory_is_aligned_and_does_not_overlap(void **state)
{
    struct arena arena;
    char *pieces[200];

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&arena, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j <= i; j++)
            assert_int_equal((unsigned char)pieces[i][j], i);
    }
    arena_deinit(&arena);
}

static void the_cap_is_exact(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 160);
    assert_null(arena_alloc(&arena, 161));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_non_null(arena_alloc(&arena, 144));
    assert_null(arena_alloc(&arena, 17));
    assert_non_null(arena_alloc(&arena, 16));
    assert_null(arena_alloc(&arena, 1));
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 160));
    arena_deinit(&arena);
}

static void a_reset_gives_the_same_memory_again(void **state)
{
    struct arena arena;
    void *first;

    (void)state;
    arena_init(&arena, 1 << 20);
    first = arena_alloc(&arena, 100);
    assert_non_null(arena_alloc(&arena, 50000));
    assert_non_null(arena_alloc(&arena, 3000));
    arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(first);
    first = arena_alloc(&arena, 100);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    arena_deinit(&arena);
    arena_deinit(&arena);
}

static void zeroed_memory_is_zero_also_after_a_reset(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    memset(arena_alloc(&arena, 300), 0xff, 300);
    arena_reset(&arena);
    for (const char *at = arena_zalloc(&arena, 300), *end = at + 300; at < end; at++)
        assert_int_equal(*at, 0);
    assert_null(arena_zalloc(&arena, 1 << 20));
    arena_deinit(&arena);
}

static void copies_and_formatted_text_end_with_nul_or_fail_untouched(void **state)
{
    struct arena arena;
    struct str text = STR("untouched");

    (void)state;
    arena_init(&arena, 100);
    assert_int_equal(arena_copy(&arena, STR("ab\0cd"), &text).code, ERR_NONE);
    assert_int_equal(text.len, 5);
    assert_memory_equal(text.ptr, "ab\0cd", 6);
    assert_int_equal(arena_copy(&arena, STR_NONE, &text).code, ERR_NONE);
    assert_int_equal(text.len, 0);
    assert_int_equal(arena_format(&arena, &text, "%s-%d", "x", 42).code, ERR_NONE);
    assert_string_equal(text.ptr, "x-42");
    assert_int_equal(text.len, 4);
    assert_int_equal(arena_format(&arena, &text, "%100d", 1).code, ERR_LIMIT);
    assert_string_equal(text.ptr, "x-42");
    arena_deinit(&arena);
}

static void copies_in_lower_case_fold_ascii_letters_only(void **state)
{
    struct arena arena;
    struct str copy;

    (void)state;
    arena_init(&arena, 64);
    assert_false(err_is(arena_copy_lower(&arena, STR("Text/HTML\xc3\x84"), &copy)));
    assert_true(str_eq(copy, STR("text/html\xc3\x84")));
    assert_int_equal(copy.ptr[copy.len], 0);
    assert_int_equal(arena_copy_lower(&arena, (struct str){copy.ptr, 64}, &copy).code, ERR_LIMIT);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_in_lower_case_fold_ascii_letters_only),
        cmocka_unit_test(memory_is_aligned_and_does_not_overlap),
        cmocka_unit_test(the_cap_is_exact),
        cmocka_unit_test(a_reset_gives_the_same_memory_again),
        cmocka_unit_test(zeroed_memory_is_zero_also_after_a_reset),
        cmocka_unit_test(copies_and_formatted_text_end_with_nul_or_fail_untouched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
