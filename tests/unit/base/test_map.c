/* Covers base/map: a bounded map in order of use. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>

#include "base/map.h"

#define KEY_COUNT 5000

static const uint64_t seed[2] = {1, 2};

static struct str key_of(unsigned number, char text[16])
{
    return (struct str){text, (size_t)snprintf(text, 16, "key-%u", number)};
}

static void what_was_put_is_found_until_it_is_removed(void **state)
{
    static int values[KEY_COUNT];
    struct map map;
    char text[16];

    (void)state;
    map_init(&map, KEY_COUNT, seed);
    assert_null(map_get(&map, STR("absent")));
    assert_null(map_remove(&map, STR("absent")));
    for (unsigned i = 0; i < KEY_COUNT; i++)
        assert_int_equal(map_put(&map, key_of(i, text), &values[i]).code, ERR_NONE);
    assert_int_equal(map.count, KEY_COUNT);
    for (unsigned i = 0; i < KEY_COUNT; i += 2)
        assert_ptr_equal(map_remove(&map, key_of(i, text)), &values[i]);
    for (unsigned i = 0; i < KEY_COUNT; i++)
        assert_ptr_equal(map_get(&map, key_of(i, text)), i % 2 ? &values[i] : NULL);
    assert_int_equal(map.count, KEY_COUNT / 2);
    map_deinit(&map);
    assert_int_equal(map.count, 0);
}

static void keys_are_bytes_and_are_copied(void **state)
{
    struct map map;
    char key[3] = {'a', '\0', 'b'};
    int value, empty;

    (void)state;
    map_init(&map, 10, seed);
    assert_int_equal(map_put(&map, (struct str){key, 3}, &value).code, ERR_NONE);
    assert_int_equal(map_put(&map, STR_NONE, &empty).code, ERR_NONE);
    key[2] = 'c';
    assert_null(map_get(&map, (struct str){key, 3}));
    assert_null(map_get(&map, STR("a")));
    assert_ptr_equal(map_get(&map, STR("a\0b")), &value);
    assert_ptr_equal(map_get(&map, STR("")), &empty);
    map_deinit(&map);
}

static void the_maximum_is_exact_and_replacing_needs_no_room(void **state)
{
    struct map map;
    int values[4];

    (void)state;
    map_init(&map, 2, seed);
    assert_int_equal(map_put(&map, STR("a"), &values[0]).code, ERR_NONE);
    assert_int_equal(map_put(&map, STR("b"), &values[1]).code, ERR_NONE);
    assert_int_equal(map_put(&map, STR("c"), &values[2]).code, ERR_LIMIT);
    assert_null(map_get(&map, STR("c")));
    assert_int_equal(map_put(&map, STR("b"), &values[3]).code, ERR_NONE);
    assert_ptr_equal(map_get(&map, STR("b")), &values[3]);
    assert_int_equal(map.count, 2);
    assert_ptr_equal(map_remove(&map, STR("a")), &values[0]);
    assert_int_equal(map_put(&map, STR("c"), &values[2]).code, ERR_NONE);
    map_deinit(&map);
}

static void the_oldest_is_the_least_recently_used(void **state)
{
    struct map map;
    struct str key;
    void *value;
    int a, b, c;

    (void)state;
    map_init(&map, 10, seed);
    assert_false(map_oldest(&map, &key, &value));
    assert_int_equal(map_put(&map, STR("a"), &a).code, ERR_NONE);
    assert_int_equal(map_put(&map, STR("b"), &b).code, ERR_NONE);
    assert_int_equal(map_put(&map, STR("c"), &c).code, ERR_NONE);
    assert_ptr_equal(map_get(&map, STR("a")), &a);
    assert_true(map_oldest(&map, &key, &value));
    assert_true(str_eq(key, STR("b")) && value == &b);
    /* Looking does not use. */
    assert_true(map_oldest(&map, &key, &value));
    assert_true(value == &b);
    assert_int_equal(map_put(&map, STR("b"), &b).code, ERR_NONE);
    assert_true(map_oldest(&map, &key, &value));
    assert_true(value == &c);
    map_deinit(&map);
}

/* With one seed the keys spread; with another they spread otherwise, so nobody can choose them to collide. */
static void the_seed_decides_the_buckets(void **state)
{
    struct map maps[2];
    const uint64_t seeds[2][2] = {{1, 2}, {3, 4}};
    unsigned longest = 0;
    int value;
    char text[16];

    (void)state;
    for (size_t m = 0; m < 2; m++) {
        map_init(&maps[m], 1000, seeds[m]);
        for (unsigned i = 0; i < 1000; i++)
            assert_int_equal(map_put(&maps[m], key_of(i, text), &value).code, ERR_NONE);
    }
    assert_true(maps[0].bucket_count >= 1000);
    for (size_t i = 0; i < maps[0].bucket_count; i++)
        longest += (maps[0].buckets[i] == NULL) != (maps[1].buckets[i] == NULL);
    assert_in_range(longest, 100, maps[0].bucket_count);
    map_deinit(&maps[0]);
    map_deinit(&maps[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_until_it_is_removed),
        cmocka_unit_test(keys_are_bytes_and_are_copied),
        cmocka_unit_test(the_maximum_is_exact_and_replacing_needs_no_room),
        cmocka_unit_test(the_oldest_is_the_least_recently_used),
        cmocka_unit_test(the_seed_decides_the_buckets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
