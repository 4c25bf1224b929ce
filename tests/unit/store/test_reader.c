/* Covers store/reader: lists in every order, cursors, counts, limits, bodies taken apart, notes. */
#include "kit.h"

#include "query/parse.h"
#include "store/notes.h"

#define COUNT 250u

struct fixture {
    struct kit kit;
    struct store_reader *reader;
};

static struct fixture fixture;

static int set_up(void **state)
{
    char path[300];

    (void)state;
    kit_open(&fixture.kit, NULL);
    for (unsigned i = 0; i < COUNT; i++)
        kit_play(&fixture.kit, kit_plan(store_recorder_next_id(fixture.kit.recorder), 3000));
    must(store_recorder_flush(fixture.kit.recorder, 10000));
    kit_project_path(&fixture.kit, path);
    must(store_reader_open(path, false, &fixture.reader));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_reader_close(&fixture.reader);
    kit_close(&fixture.kit);
    return 0;
}

struct collected {
    uint64_t ids[2 * COUNT];
    struct exchange_facts last;
    size_t count;
};

static bool collect(void *owner, const struct store_reader_item *item)
{
    struct collected *collected = owner;

    assert_true(collected->count < 2 * COUNT);
    collected->ids[collected->count++] = item->facts.id;
    return true;
}

/* All pages of a list, one after another. */
static void collect_all(const char *order, struct query_tree *tree, size_t page, struct collected *collected)
{
    struct store_reader_query query = {
        .query = tree, .order = str_from(order), .fraction = -1, .limit = page, .on_item = collect, .owner = collected};
    struct store_reader_result result = {.item_count = 0};

    collected->count = 0;
    do {
        char after[STORE_READER_CURSOR_MAX];

        snprintf(after, sizeof(after), "%s", result.next);
        query.after = str_from(after);
        must(store_reader_list(fixture.reader, &query, &result));
        assert_true(result.item_count <= page);
    } while (result.next[0]);
}

static struct query_tree *parse(const char *text)
{
    struct query_parse_options options = {.now_us = 0};
    struct query_tree *tree;
    struct query_error error;

    must(query_parse(str_from(text), &options, &tree, &error));
    return tree;
}

static void pages_join_to_the_whole_list(void **state)
{
    static const size_t pages[] = {1, 7, 100, 1000};
    struct collected collected;

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        collect_all("", NULL, pages[i], &collected);
        assert_int_equal(collected.count, COUNT);
        for (unsigned k = 0; k < COUNT; k++)
            assert_int_equal(collected.ids[k], COUNT - k);
        collect_all("id", NULL, pages[i], &collected);
        assert_int_equal(collected.count, COUNT);
        for (unsigned k = 0; k < COUNT; k++)
            assert_int_equal(collected.ids[k], k + 1);
    }
}

static void every_column_orders_without_losing_a_row(void **state)
{
    static const char *const orders[] = {"host",     "-host",   "res.len", "-res.len", "status", "-status",
                                         "path",     "-path",   "error",   "-error",   "time",   "-time",
                                         "res.type", "-method", "req_len", "-at"};
    struct collected collected;

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        bool is_seen[COUNT + 1] = {false};

        collect_all(orders[i], NULL, 9, &collected);
        assert_int_equal(collected.count, COUNT);
        for (unsigned k = 0; k < COUNT; k++) {
            assert_false(is_seen[collected.ids[k]]);
            is_seen[collected.ids[k]] = true;
        }
    }
}

static void lengths_come_in_order(void **state)
{
    struct collected collected;
    struct arena arena;
    uint64_t before = UINT64_MAX;

    (void)state;
    arena_init(&arena, 1 << 26);
    collect_all("-res.len", NULL, 10, &collected);
    for (size_t i = 0; i < collected.count; i++) {
        struct store_reader_item item;

        must(store_reader_get(fixture.reader, collected.ids[i], &arena, &item));
        assert_true(item.facts.half[EXCHANGE_RESPONSE].wire_len <= before);
        before = item.facts.half[EXCHANGE_RESPONSE].wire_len;
    }
    arena_deinit(&arena);
}

/* Counts by looking at every plan. */
static unsigned count_plans(bool (*is_wanted)(const struct kit_plan *plan))
{
    unsigned count = 0;

    for (unsigned id = 1; id <= COUNT; id++) {
        struct kit_plan plan = kit_plan(id, 3000);

        count += is_wanted(&plan);
    }
    return count;
}

static bool is_post(const struct kit_plan *plan) { return plan->request_body_len > 0; }
static bool is_failed(const struct kit_plan *plan) { return plan->has_no_response; }
static bool is_host_3(const struct kit_plan *plan) { return plan->id % 7 == 3; }
static bool is_17(const struct kit_plan *plan) { return plan->id == 17; }
static bool has_x_id_17(const struct kit_plan *plan) { return plan->id == 17 && !plan->has_no_response; }

static void queries_find_what_the_plans_say(void **state)
{
    static const struct {
        const char *text;
        bool (*is_wanted)(const struct kit_plan *plan);
    } cases[] = {
        {"req.method = \"POST\"", is_post},
        {"has:error", is_failed},
        {"host = \"HOST-3.example\"", is_host_3},
        {"res.header[x-id] = \"17\"", has_x_id_17},
        {"req.path =~ /^\\/item\\/17$/", is_17},
        {"req.raw : \"GET /item/17?\" OR req.raw : \"POST /item/17?\"", is_17},
        {"\"/item/17?\"", is_17},
    };
    struct collected collected;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct query_tree *tree = parse(cases[i].text);
        struct store_reader_query query = {.query = tree, .fraction = -1};
        struct store_reader_count count;
        unsigned expected = count_plans(cases[i].is_wanted);

        assert_true(expected > 0 || cases[i].is_wanted == has_x_id_17);
        collect_all("", tree, 11, &collected);
        assert_int_equal(collected.count, expected);
        collect_all("res.len", tree, 11, &collected);
        assert_int_equal(collected.count, expected);
        must(store_reader_count(fixture.reader, &query, &count));
        assert_true(count.is_exact);
        assert_int_equal(count.count, expected);
        query_tree_free(&tree);
    }
}

static void a_cursor_stays_while_rows_arrive(void **state)
{
    struct collected collected = {.count = 0};
    struct store_reader_query query = {.fraction = -1, .limit = 100, .on_item = collect, .owner = &collected};
    struct store_reader_result result;
    char after[STORE_READER_CURSOR_MAX];
    struct kit_plan plan;

    (void)state;
    must(store_reader_list(fixture.reader, &query, &result));
    assert_int_equal(collected.ids[99], COUNT - 99);
    plan = kit_plan(store_recorder_next_id(fixture.kit.recorder), 3000);
    kit_play(&fixture.kit, plan);
    must(store_recorder_flush(fixture.kit.recorder, 10000));
    snprintf(after, sizeof(after), "%s", result.next);
    query.after = str_from(after);
    must(store_reader_list(fixture.reader, &query, &result));
    assert_int_equal(collected.ids[100], COUNT - 100);
}

static void places_by_rank_and_fraction(void **state)
{
    struct collected collected = {.count = 0};
    struct store_reader_query query = {
        .order = STR("id"), .fraction = -1, .limit = 1, .on_item = collect, .owner = &collected};
    struct store_reader_result result;

    (void)state;
    query.skip = 41;
    must(store_reader_list(fixture.reader, &query, &result));
    assert_int_equal(collected.ids[0], 42);
    query.skip = 0;
    query.fraction = 0.5;
    must(store_reader_list(fixture.reader, &query, &result));
    assert_in_range(collected.ids[1], COUNT / 2 - 2, COUNT / 2 + 2);
    query.fraction = 1;
    must(store_reader_list(fixture.reader, &query, &result));
    assert_true(collected.ids[2] >= COUNT);
}

static void bad_orders_and_cursors_are_refused(void **state)
{
    static const char *const cursors[] = {
        "x", "-id:", "-id:x", "id:1", "-id:1:i2", "-id:99999999999999999999", "-id:1;DROP TABLE exchange"};
    struct collected collected = {.count = 0};
    struct store_reader_query query = {.fraction = -1, .on_item = collect, .owner = &collected};
    struct store_reader_result result;

    (void)state;
    for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
        query.after = str_from(cursors[i]);
        assert_int_equal(store_reader_list(fixture.reader, &query, &result).code, ERR_SYNTAX);
    }
    query.after = STR_NONE;
    query.order = STR("body");
    assert_int_equal(store_reader_list(fixture.reader, &query, &result).code, ERR_SYNTAX);
    query.order = STR("id; DELETE FROM exchange");
    assert_int_equal(store_reader_list(fixture.reader, &query, &result).code, ERR_SYNTAX);
    assert_int_equal(collected.count, 0);
}

static void a_cancelled_list_says_so_and_a_deadline_gives_a_cursor(void **state)
{
    atomic_bool is_cancelled = true;
    struct collected collected = {.count = 0};
    struct store_reader_query query = {
        .fraction = -1, .on_item = collect, .owner = &collected, .is_cancelled = &is_cancelled};
    struct store_reader_result result;
    struct query_tree *tree = parse("res.body : \"no body holds this\"");

    (void)state;
    query.query = tree;
    assert_int_equal(store_reader_list(fixture.reader, &query, &result).code, ERR_CANCELLED);
    query.is_cancelled = NULL;
    query.deadline_us = 1; /* long ago */
    must(store_reader_list(fixture.reader, &query, &result));
    assert_true(result.is_stopped);
    query_tree_free(&tree);
}

static void ranges_of_raw_bytes_are_exact(void **state)
{
    struct kit_random random = kit_random(5);

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct store_reader_range range = {.id = 1 + kit_next(&random) % COUNT, .side = kit_next(&random) % 2};
        char *whole, bytes[4096];
        size_t len, got, expected;

        whole = kit_raw(fixture.reader, range.id, range.side, &len);
        range.offset = kit_next(&random) % (len + 20);
        range.len = kit_next(&random) % sizeof(bytes);
        must(store_reader_raw(fixture.reader, &range, bytes, &got));
        expected = range.offset >= len ? 0 : len - range.offset < range.len ? len - range.offset : range.len;
        assert_int_equal(got, expected);
        if (got)
            assert_memory_equal(bytes, whole + range.offset, got);
        free(whole);
    }
}

static void absent_exchanges_are_absent(void **state)
{
    static const uint64_t ids[] = {0, 99999, INT64_MAX, UINT64_MAX};
    struct store_reader_item item;
    struct arena arena;
    uint64_t len;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_int_equal(store_reader_get(fixture.reader, ids[i], &arena, &item).code, ERR_ABSENT);
        assert_int_equal(store_reader_raw_len(fixture.reader, ids[i], EXCHANGE_REQUEST, &len).code, ERR_ABSENT);
    }
    arena_deinit(&arena);
}

/* Records a response of given bytes and gives its id. */
static uint64_t record_response(const char *head, struct str body, bool is_chunked)
{
    struct kit_plan plan = {.id = store_recorder_next_id(fixture.kit.recorder)};
    struct kit_exchange going;
    struct str copy;

    kit_begin(&fixture.kit, &going, plan);
    kit_send_head(&going, EXCHANGE_REQUEST);
    kit_end_half(&going, EXCHANGE_REQUEST);
    must(arena_copy(&going.exchange.arena, str_from(head), &copy));
    going.exchange.facts.half[EXCHANGE_RESPONSE].is_chunked = is_chunked;
    going.exchange.facts.status = 200;
    exchange_head(&going.exchange, EXCHANGE_RESPONSE, copy, NULL);
    exchange_bytes(&going.exchange, EXCHANGE_RESPONSE, body, body.len);
    kit_end_half(&going, EXCHANGE_RESPONSE);
    kit_end(&going);
    must(store_recorder_flush(fixture.kit.recorder, 10000));
    return plan.id;
}

static void bodies_are_taken_apart(void **state)
{
    static const char chunked[] = "5;x=1\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n";
    struct store_reader_body about;
    struct buf body;
    uint64_t id;

    (void)state;
    buf_init(&body, 1000);
    id = record_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", STR(chunked), true);
    must(store_reader_payload(fixture.reader, id, EXCHANGE_RESPONSE, &body, &about));
    assert_true(str_eq(buf_str(&body), STR("hello world")));
    assert_false(about.is_malformed || about.is_truncated || about.is_incomplete);
    buf_clear(&body);
    id = record_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", STR("5\r\nhelloXX"), true);
    must(store_reader_payload(fixture.reader, id, EXCHANGE_RESPONSE, &body, &about));
    assert_true(str_eq(buf_str(&body), STR("hello")));
    assert_true(about.is_malformed);
    buf_clear(&body);
    id = record_response("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=shift_jis\r\n\r\n",
                         STR("\x8c\xc2\x90\x6c\x8f\xee\x95\xf1"), false);
    must(store_reader_text(fixture.reader, id, EXCHANGE_RESPONSE, &body, &about));
    assert_true(str_eq(buf_str(&body), STR("\xe5\x80\x8b\xe4\xba\xba\xe6\x83\x85\xe5\xa0\xb1")));
    assert_string_equal(about.charset, "shift_jis");
    buf_deinit(&body);
    buf_init(&body, 3);
    must(store_reader_decoded(fixture.reader, id, EXCHANGE_RESPONSE, &body, &about));
    assert_true(about.is_truncated);
    assert_int_equal(body.len, 3);
    buf_deinit(&body);
}

static void titles_are_found_by_the_recorder(void **state)
{
    struct store_reader_item item;
    struct arena arena;
    uint64_t id = record_response("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
                                  STR("<html><TITLE >\n  A &amp; B &#x5546;\t</Title><body>"), false);

    (void)state;
    arena_init(&arena, 1 << 20);
    must(store_reader_get(fixture.reader, id, &arena, &item));
    assert_true(str_eq(item.facts.title, STR("A & B \xe5\x95\x86")));
    arena_deinit(&arena);
}

static void notes_tags_and_colours_are_kept(void **state)
{
    struct store_project *project = fixture.kit.project;
    struct store_reader_item item;
    struct query_tree *tree = parse("tag = \"later\"");
    struct collected collected;
    struct arena arena;

    (void)state;
    must(store_notes_text_set(project, 5, STR("look at this")));
    must(store_notes_tag_add(project, 5, STR("later")));
    must(store_notes_tag_add(project, 5, STR("auth")));
    must(store_notes_tag_add(project, 5, STR("auth")));
    must(store_notes_color_set(project, 5, STR("red")));
    assert_int_equal(store_notes_tag_add(project, 5, STR("a,b")).code, ERR_SYNTAX);
    assert_int_equal(store_notes_tag_add(project, 5, STR("\xff")).code, ERR_SYNTAX);
    arena_init(&arena, 1 << 20);
    must(store_reader_get(fixture.reader, 5, &arena, &item));
    assert_true(str_eq(item.marks.note, STR("look at this")));
    assert_true(str_eq(item.marks.tags, STR("auth,later")));
    assert_true(str_eq(item.marks.color, STR("red")));
    collect_all("", tree, 10, &collected);
    assert_int_equal(collected.count, 1);
    assert_int_equal(collected.ids[0], 5);
    must(store_notes_text_set(project, 5, STR("")));
    must(store_notes_tag_remove(project, 5, STR("later")));
    must(store_reader_get(fixture.reader, 5, &arena, &item));
    assert_int_equal(item.marks.note.len, 0);
    assert_true(str_eq(item.marks.tags, STR("auth")));
    arena_deinit(&arena);
    query_tree_free(&tree);
}

/* A body seen before is stored once, and reads as if it were stored twice. */
static void a_repeated_body_is_a_revisit(void **state)
{
    struct kit_plan plan = {.response_body_len = 200000, .body_seed = 4711};
    struct store_recorder_status before, after;

    (void)state;
    plan.id = store_recorder_next_id(fixture.kit.recorder);
    kit_play(&fixture.kit, plan);
    must(store_recorder_flush(fixture.kit.recorder, 10000));
    store_recorder_status(fixture.kit.recorder, &before);
    for (int i = 0; i < 10; i++) {
        plan.id = store_recorder_next_id(fixture.kit.recorder);
        kit_play(&fixture.kit, plan);
    }
    must(store_recorder_flush(fixture.kit.recorder, 10000));
    store_recorder_status(fixture.kit.recorder, &after);
    assert_true(after.recorded_bytes - before.recorded_bytes < 50000);
    kit_check(fixture.reader, &plan);
}

static void the_total_is_exact(void **state)
{
    uint64_t count, last_id;

    (void)state;
    must(store_reader_total(fixture.reader, &count, &last_id));
    assert_int_equal(count, last_id);
    assert_int_equal(last_id + 1, store_recorder_next_id(fixture.kit.recorder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_join_to_the_whole_list),
        cmocka_unit_test(every_column_orders_without_losing_a_row),
        cmocka_unit_test(lengths_come_in_order),
        cmocka_unit_test(queries_find_what_the_plans_say),
        cmocka_unit_test(bad_orders_and_cursors_are_refused),
        cmocka_unit_test(a_cancelled_list_says_so_and_a_deadline_gives_a_cursor),
        cmocka_unit_test(ranges_of_raw_bytes_are_exact),
        cmocka_unit_test(absent_exchanges_are_absent),
        cmocka_unit_test(places_by_rank_and_fraction),
        cmocka_unit_test(a_cursor_stays_while_rows_arrive),
        cmocka_unit_test(notes_tags_and_colours_are_kept),
        cmocka_unit_test(bodies_are_taken_apart),
        cmocka_unit_test(titles_are_found_by_the_recorder),
        cmocka_unit_test(a_repeated_body_is_a_revisit),
        cmocka_unit_test(the_total_is_exact),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
