/* Covers cli/columns and cli/cells: tables fit, wide characters count twice, and the terminal gets nothing raw. */
#include "cli/columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "cli/cells.h"

static struct store_reader_item an_item(void)
{
    struct store_reader_item item = {0};

    item.facts.id = 7;
    item.facts.at_us = 1000000;
    item.facts.method = STR("GET");
    item.facts.scheme = STR("https");
    item.facts.host = STR("example.com");
    item.facts.port = 443;
    item.facts.path = STR("/a");
    item.facts.status = 404;
    item.facts.time_us = 1234;
    item.facts.half[EXCHANGE_RESPONSE].wire_len = 5000;
    return item;
}

static struct cli_columns choose(const char *names)
{
    struct cli_columns columns;
    char problem[200];

    if (!cli_columns_choose(&columns, names, problem, sizeof(problem)))
        fail_msg("%s", problem);
    return columns;
}

static void assert_row(const struct cli_columns *columns, const struct store_reader_item *item, const char *expected)
{
    struct buf line;

    buf_init(&line, 65536);
    assert_false(err_is(cli_columns_row(columns, item, &line)));
    if (!str_eq(buf_str(&line), str_from(expected)))
        fail_msg("got  %.*swant %s", STR_ARG(buf_str(&line)), expected);
    buf_deinit(&line);
}

static void cli_columns_piped_are_exact(void **state)
{
    struct cli_columns columns = choose("id,at,method,status,url,res_len,time_us,title,tags");
    struct store_reader_item item = an_item();

    (void)state;
    assert_row(&columns, &item, "7\t1970-01-01T00:00:01.000000Z\tGET\t404\thttps://example.com/a\t5000\t1234\t\t\n");
}

static void cli_columns_for_a_person_fit(void **state)
{
    struct cli_columns columns = choose("id,method,status,url,res_len,time_us");
    struct store_reader_item item = an_item();

    (void)state;
    cli_columns_fit(&columns, 60, false);
    assert_row(&columns, &item, "     7 GET     404     https://example.com…  5.0 kB   1.2 ms\n");
    cli_columns_fit(&columns, 70, true);
    assert_row(&columns, &item,
               "\x1b[2m     7\x1b[0m GET     \x1b[33m404    \x1b[0m https://example.com/a           5.0 kB   1.2 ms\n");
}

static void cli_columns_show_why_there_is_no_answer(void **state)
{
    struct cli_columns columns = choose("status,path");
    struct store_reader_item item = an_item();

    (void)state;
    cli_columns_fit(&columns, 30, false);
    item.facts.status = 0;
    item.is_open = true;
    assert_row(&columns, &item, "...     /a                    \n");
    item.is_open = false;
    assert_row(&columns, &item, "-       /a                    \n");
    item.facts.error = STR("refused");
    assert_row(&columns, &item, "refused /a                    \n");
    item.facts.error = STR_NONE;
    item.facts.kind = EXCHANGE_TUNNEL;
    assert_row(&columns, &item, "tunnel  /a                    \n");
}

static void cli_columns_keep_escapes_from_the_terminal(void **state)
{
    struct cli_columns columns = choose("method,path");
    struct store_reader_item item = an_item();

    (void)state;
    item.facts.method = STR("G\x1b[2J\nT\t");
    item.facts.path = STR("/\xff\xe2\x80\xae");
    assert_row(&columns, &item, "G\\x1b[2J\\x0aT\\x09\t/\\xff\\xe2\\x80\\xae\n");
}

static void cli_columns_know_every_key_and_suggest(void **state)
{
    struct cli_columns columns;
    char problem[200], names[2000];

    (void)state;
    cli_columns_names(names, sizeof(names));
    assert_true(cli_columns_choose(&columns, "client_ip,origin_tls_version,flags,note", problem, sizeof(problem)));
    assert_false(cli_columns_choose(&columns, "id,stauts", problem, sizeof(problem)));
    assert_string_equal(problem, "there is no column 'stauts'; did you mean 'status'?");
    assert_non_null(strstr(names, "id, at, method"));
    assert_non_null(strstr(names, ", client_tls_ja4"));
    assert_false(cli_columns_choose(&columns,
                                    "id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id,id",
                                    problem, sizeof(problem)));
}

static void assert_cells(const char *text, unsigned width, bool is_right, const char *expected)
{
    struct buf line;

    buf_init(&line, 4096);
    assert_false(err_is(cli_cells_append(&line, str_from(text), width, is_right)));
    if (!str_eq(buf_str(&line), str_from(expected)))
        fail_msg("'%.*s' is not '%s'", STR_ARG(buf_str(&line)), expected);
    buf_deinit(&line);
}

static void cli_cells_count_as_a_terminal_does(void **state)
{
    (void)state;
    assert_int_equal(cli_cells_width(STR("abc")), 3);
    assert_int_equal(cli_cells_width(STR("関所")), 4);
    assert_int_equal(cli_cells_width(STR("e\xcc\x81")), 1);
    assert_int_equal(cli_cells_width(STR("🙂")), 2);
    assert_cells("ab", 4, false, "ab  ");
    assert_cells("ab", 4, true, "  ab");
    assert_cells("abcd", 4, false, "abcd");
    assert_cells("abcde", 4, false, "abc…");
    assert_cells("関所", 4, false, "関所");
    assert_cells("関所", 3, false, "関…");
    assert_cells("a関所", 4, false, "a関…");
    assert_cells("関所x", 4, false, "関… ");
    assert_cells("abc", 0, false, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(cli_columns_piped_are_exact),
        cmocka_unit_test(cli_columns_for_a_person_fit),
        cmocka_unit_test(cli_columns_show_why_there_is_no_answer),
        cmocka_unit_test(cli_columns_keep_escapes_from_the_terminal),
        cmocka_unit_test(cli_columns_know_every_key_and_suggest),
        cmocka_unit_test(cli_cells_count_as_a_terminal_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
