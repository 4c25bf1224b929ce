/* Covers query/field and query/column: names lead to their fields, and the manual knows every one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "query/field.h"

static void check_name(struct str name, const struct query_field *field)
{
    struct query_field_match match;

    if (!query_field_find(name, &match) || match.count != 1 || match.fields[0] != field)
        fail_msg("%.*s is not %s", STR_ARG(name), field->name);
}

static void query_field_finds_every_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < query_field_count(); i++) {
        const struct query_field *field = query_field_at(i);
        struct str rest = str_from(field->aliases);
        struct query_field_match match;
        char original[80];

        check_name(str_from(field->name), field);
        if (field->json[0])
            check_name(str_from(field->json), field);
        while (rest.len) {
            struct str alias;

            str_cut(rest, ' ', &alias, &rest);
            check_name(alias, field);
        }
        snprintf(original, sizeof(original), "orig.%s", field->name);
        assert_int_equal(query_field_find(str_from(original), &match), (field->traits & QUERY_FIELD_ORIGINAL) != 0);
    }
}

static void query_field_nearest_knows_slips(void **state)
{
    static const char *const slips[][2] = {
        {"req.hots", "req.host"}, {"res.stauts", "res.status"},
        {"methd", "method"},      {"client.tls.versoin", "client.tls.version"},
        {"HSOT", "host"},         {"resp.staus", "res.status"},
        {"zzzzzzzz", ""},         {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(slips) / sizeof(slips[0]); i++) {
        struct str nearest = query_field_nearest(str_from(slips[i][0]));

        if (!str_eq(nearest, str_from(slips[i][1])))
            fail_msg("%s: %.*s", slips[i][0], STR_ARG(nearest));
    }
}

/* The manual, whole; the test runs at the top of the source. */
static struct str read_manual(char *text, size_t size)
{
    FILE *file = fopen("docs/query.md", "rb");
    size_t len;

    CHECK(file);
    len = fread(text, 1, size, file);
    fclose(file);
    CHECK(len < size);
    return (struct str){text, len};
}

static void check_manual(struct str manual, struct str name, const char *after)
{
    char quoted[96];

    snprintf(quoted, sizeof(quoted), "`%.*s%s`", STR_ARG(name), after);
    if (str_find(manual, str_from(quoted)) == STR_ABSENT)
        fail_msg("docs/query.md does not have %s", quoted);
}

static void query_field_table_is_in_the_manual(void **state)
{
    static char text[65536];
    struct str manual = read_manual(text, sizeof(text));

    (void)state;
    for (size_t i = 0; i < query_field_count(); i++) {
        const struct query_field *field = query_field_at(i);
        struct str rest = str_from(field->aliases);

        check_manual(manual, str_from(field->name), field->traits & QUERY_FIELD_NAMED ? "[name]" : "");
        if (field->json[0])
            check_manual(manual, str_from(field->json), "");
        while (rest.len) {
            struct str alias;

            str_cut(rest, ' ', &alias, &rest);
            check_manual(manual, alias, "");
        }
    }
}

static void query_column_values_are_absent_until_known(void **state)
{
    struct exchange_facts facts = {.at_us = -5,
                                   .time_us = FACTS_UNKNOWN_US,
                                   .first_byte_us = FACTS_UNKNOWN_US,
                                   .dns_us = FACTS_UNKNOWN_US,
                                   .connect_us = FACTS_UNKNOWN_US,
                                   .tls_us = FACTS_UNKNOWN_US};

    (void)state;
    for (int column = 0; column < QUERY_COLUMN_COUNT; column++) {
        struct query_column_value value = query_column_value(&facts, (enum query_column)column);
        bool is_always_there =
            column == QUERY_COLUMN_AT_US || column == QUERY_COLUMN_SOURCE || column == QUERY_COLUMN_KIND;

        if (value.is_present != is_always_there)
            fail_msg("%s", query_column_name((enum query_column)column));
        assert_int_equal(value.type, query_column_type((enum query_column)column));
    }
    assert_int_equal(query_column_value(&facts, QUERY_COLUMN_AT_US).integer, -5);
}

static void query_column_text_is_utf8_without_nul(void **state)
{
    (void)state;
    assert_true(query_column_is_text(STR("")));
    assert_true(query_column_is_text(STR("a\xc3\xa4\xf0\x90\x90\x80")));
    assert_false(query_column_is_text(STR("a\0b")));
    assert_false(query_column_is_text(STR("\xff")));
    assert_false(query_column_is_text(STR("\xc0\xaf")));
    assert_false(query_column_is_text(STR("\xed\xa0\x80")));
    assert_false(query_column_is_text(STR("\xf4\x90\x80\x80")));
    assert_false(query_column_is_text(STR("\xe3\x81")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_field_finds_every_name),
        cmocka_unit_test(query_field_nearest_knows_slips),
        cmocka_unit_test(query_field_table_is_in_the_manual),
        cmocka_unit_test(query_column_values_are_absent_until_known),
        cmocka_unit_test(query_column_text_is_utf8_without_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
