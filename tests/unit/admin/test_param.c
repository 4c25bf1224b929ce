#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "admin/param.h"

static const struct str names[] = {{"query", 5}, {"limit", 5}};

struct read {
    struct err err;
    char query[64], limit[64], wrong[64];
    bool has_query;
};

static struct read read_params(const char *text)
{
    struct arena arena;
    struct str values[2], wrong = STR_NONE;
    struct read read = {0};

    arena_init(&arena, 4096);
    read.err = admin_param_read(str_from(text), &arena, &(struct admin_param_table){names, values, 2}, &wrong);
    if (!err_is(read.err)) {
        read.has_query = values[0].ptr != NULL;
        assert_true(str_to_c(values[0], read.query, sizeof(read.query)));
        assert_true(str_to_c(values[1], read.limit, sizeof(read.limit)));
    } else {
        assert_true(str_to_c(wrong, read.wrong, sizeof(read.wrong)));
    }
    arena_deinit(&arena);
    return read;
}

static void param_decodes(void **state)
{
    struct read read = read_params("query=a+b%2Bc%26%e9%96%a2&limit=10");

    (void)state;
    assert_int_equal(read.err.code, ERR_NONE);
    assert_string_equal(read.query, "a b+c&\xe9\x96\xa2");
    assert_string_equal(read.limit, "10");
    assert_int_equal(read_params("").err.code, ERR_NONE);
    assert_int_equal(read_params("&&limit=1&").err.code, ERR_NONE);
}

static void param_tells_empty_from_absent(void **state)
{
    (void)state;
    assert_true(read_params("query=").has_query);
    assert_true(read_params("query").has_query);
    assert_false(read_params("limit=1").has_query);
}

static void param_names_what_is_wrong(void **state)
{
    (void)state;
    assert_string_equal(read_params("limit=1&qurey=x").wrong, "qurey");
    assert_string_equal(read_params("limit=1&limit=2").wrong, "limit");
    assert_string_equal(read_params("limit=&limit=").wrong, "limit");
    assert_string_equal(read_params("query=%").wrong, "query");
    assert_string_equal(read_params("query=%4").wrong, "query");
    assert_string_equal(read_params("query=%zz").wrong, "query");
    assert_string_equal(read_params("query=%+1").wrong, "query");
    assert_string_equal(read_params("%71uery=x").wrong, "%71uery");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(param_decodes),
        cmocka_unit_test(param_tells_empty_from_absent),
        cmocka_unit_test(param_names_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
