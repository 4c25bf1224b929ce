/* Covers base/buf: a queue of bytes that behaves as a plain string would, up to its maximum. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/buf.h"

static void the_maximum_is_exact_and_a_failed_append_appends_nothing(void **state)
{
    struct buf buf;
    char *room;

    (void)state;
    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, STR("01234567")).code, ERR_NONE);
    assert_int_equal(buf_append(&buf, STR("890")).code, ERR_LIMIT);
    assert_int_equal(buf.len, 8);
    assert_int_equal(buf_append(&buf, STR("89")).code, ERR_NONE);
    assert_int_equal(buf_append_char(&buf, 'x').code, ERR_LIMIT);
    assert_int_equal(buf_append(&buf, STR_NONE).code, ERR_NONE);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX, &room).code, ERR_LIMIT);
    assert_true(str_eq(buf_str(&buf), STR("0123456789")));
    buf_take(&buf, 3);
    assert_int_equal(buf_append(&buf, STR("abc")).code, ERR_NONE);
    assert_true(str_eq(buf_str(&buf), STR("3456789abc")));
    buf_deinit(&buf);
}

static void any_mix_of_appending_and_taking_keeps_the_order(void **state)
{
    struct buf buf;
    uint32_t random = 1;
    size_t written = 0, taken = 0;

    (void)state;
    buf_init(&buf, 100000);
    for (int round = 0; round < 20000; round++) {
        char piece[700];
        size_t len;

        random = random * 1664525u + 1013904223u;
        len = (random >> 8) % sizeof(piece);
        if (random >> 31 && written - taken + len <= 100000) {
            for (size_t i = 0; i < len; i++)
                piece[i] = (char)((written + i) * 7);
            assert_int_equal(buf_append(&buf, (struct str){piece, len}).code, ERR_NONE);
            written += len;
        } else {
            len = len < buf.len ? len : buf.len;
            for (size_t i = 0; i < len; i++)
                assert_int_equal(buf_str(&buf).ptr[i], (char)((taken + i) * 7));
            buf_take(&buf, len);
            taken += len;
        }
        assert_int_equal(buf.len, written - taken);
    }
    assert_true(written > 1000000);
    buf_deinit(&buf);
}

static void an_empty_buffer_gives_its_memory_back_when_it_had_grown(void **state)
{
    struct buf buf;
    static char bytes[20000];

    (void)state;
    buf_init(&buf, 1 << 20);
    assert_null(buf.bytes);
    assert_int_equal(buf_append(&buf, STR("small")).code, ERR_NONE);
    buf_take(&buf, 5);
    assert_non_null(buf.bytes);
    assert_int_equal(buf_append(&buf, (struct str){bytes, sizeof(bytes)}).code, ERR_NONE);
    buf_take(&buf, sizeof(bytes) - 1);
    assert_non_null(buf.bytes);
    buf_take(&buf, 1);
    assert_null(buf.bytes);
    assert_int_equal(buf_str(&buf).len, 0);
    buf_deinit(&buf);
}

static void reserved_room_counts_only_once_committed(void **state)
{
    struct buf buf;
    char *room;

    (void)state;
    buf_init(&buf, 100);
    assert_int_equal(buf_reserve(&buf, 50, &room).code, ERR_NONE);
    memcpy(room, "abc", 3);
    assert_int_equal(buf.len, 0);
    buf_commit(&buf, 3);
    assert_true(str_eq(buf_str(&buf), STR("abc")));
    assert_int_equal(buf_format(&buf, "%d%s", 7, "x").code, ERR_NONE);
    assert_true(str_eq(buf_str(&buf), STR("abc7x")));
    assert_int_equal(buf_format(&buf, "%200d", 7).code, ERR_LIMIT);
    assert_true(str_eq(buf_str(&buf), STR("abc7x")));
    buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_maximum_is_exact_and_a_failed_append_appends_nothing),
        cmocka_unit_test(any_mix_of_appending_and_taking_keeps_the_order),
        cmocka_unit_test(an_empty_buffer_gives_its_memory_back_when_it_had_grown),
        cmocka_unit_test(reserved_room_counts_only_once_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
