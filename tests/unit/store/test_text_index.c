/* Covers store/text_indexer, store/text_index, store/text_set and the reader's use of them: with an index that is
 * absent, half made, complete, stale, damaged or foreign a query gives the same answer, and a complete one spares work.
 */
#include "kit.h"

#include "query/fold.h"
#include "query/parse.h"
#include "store/text_index.h"
#include "store/text_indexer.h"
#include "store/text_segment.h"

#define COUNT 60u
#define BODIES 25u

static struct kit kit;
static char project[300];

/* A page whose text depends on its number; several exchanges have the same. */
static struct str make_body(unsigned number, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "<html><p>Page%u of the Catalogue</p>", number);

    for (unsigned i = 0; i < 60; i++)
        len += (size_t)snprintf(text + len, size - len, " word%u", (number * 7919 + i * 104729) % 5000);
    len += (size_t)snprintf(text + len, size - len, " \xe5\x80\x8b\xe4\xba\xba%u", number % 10);
    return (struct str){text, len};
}

static void play_one(uint64_t id)
{
    struct kit_plan plan = {.id = id};
    struct kit_exchange going;
    struct exchange *exchange = &going.exchange;
    char body_text[4096];
    struct str body = make_body((unsigned)id % BODIES, body_text, sizeof(body_text)), head;

    kit_begin(&kit, &going, plan);
    kit_send_head(&going, EXCHANGE_REQUEST);
    exchange_half_end(exchange, EXCHANGE_REQUEST, true);
    exchange->facts.status = 200;
    must(arena_format(&exchange->arena, &head, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nETag: \"tag-%llu\"\r\n\r\n",
                      id % 9 == 0 ? "image/png" : "text/html; charset=utf-8", (unsigned long long)id));
    exchange_head(exchange, EXCHANGE_RESPONSE, head, NULL);
    exchange_bytes(exchange, EXCHANGE_RESPONSE, body, body.len);
    exchange_half_end(exchange, EXCHANGE_RESPONSE, true);
    kit_end(&going);
}

static void play(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        play_one(store_recorder_next_id(kit.recorder));
    must(store_recorder_flush(kit.recorder, 10000));
}

static const char *const queries[] = {
    "Catalogue",
    "page17",
    ("\"\xe5\x80\x8b\xe4\xba\xba"
     "3\""),
    "res.body : \"WORD4\"",
    "res.body : \"nowhere to be found\"",
    "res.header[etag] : \"tag-7\"",
    "res.headers : \"TAG-11\"",
    "req.url : \"/item/5\"",
    "\"/item/17?\"",
    "res.body =~ /Page(1|2)7 of/",
    "res.body =~ /page1\\d of/i",
    "res.body =~ /Page[0-9]+/",
    "page1 page17",
    "page1 AND NOT page17",
    "page3 OR \"tag-5\"",
    "page3 OR host = \"host-3.example\"",
    "page3 OR NOT (status = 200 host = \"host-3.example\")",
    "NOT Catalogue",
    "res.raw : \"Catalogue\"",
    "host = \"host-3.example\" page",
    "image/png",
    "og",
};

#define QUERY_COUNT (sizeof(queries) / sizeof(queries[0]))

struct answer {
    uint64_t ids[4 * COUNT];
    size_t count;
};

static bool on_item(void *owner, const struct store_reader_item *item)
{
    struct answer *answer = owner;

    assert_true(answer->count < 4 * COUNT);
    answer->ids[answer->count++] = item->facts.id;
    return true;
}

/* In pages, by id or by another column, which must make no difference to what is in it. */
static void ask(struct store_reader *reader, const char *text, const char *order, struct answer *answer)
{
    struct query_parse_options options = {.now_us = 0};
    struct store_reader_query query = {
        .order = str_from(order), .fraction = -1, .limit = 25, .on_item = on_item, .owner = answer};
    struct store_reader_result result = {.item_count = 0};
    struct store_reader_count count;
    struct query_error error;
    struct query_tree *tree;

    must(query_parse(str_from(text), &options, &tree, &error));
    query.query = tree;
    answer->count = 0;
    do {
        char after[STORE_READER_CURSOR_MAX];

        snprintf(after, sizeof(after), "%s", result.next);
        query.after = str_from(after);
        must(store_reader_list(reader, &query, &result));
    } while (result.next[0]);
    must(store_reader_count(reader, &query, &count));
    assert_int_equal(count.count, answer->count);
    query_tree_free(&tree);
}

static struct answer expected[QUERY_COUNT][3];
static const char *const orders[3] = {"", "id", "-res.len"};

static void ask_all(struct answer answers[QUERY_COUNT][3])
{
    struct store_reader *reader;

    must(store_reader_open(project, false, &reader));
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        for (size_t k = 0; k < 3; k++)
            ask(reader, queries[i], orders[k], &answers[i][k]);
    }
    store_reader_close(&reader);
}

static void answers_are_the_same(void)
{
    static struct answer answers[QUERY_COUNT][3];

    ask_all(answers);
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        for (size_t k = 0; k < 3; k++) {
            if (answers[i][k].count != expected[i][k].count)
                fail_msg("%s: %zu instead of %zu", queries[i], answers[i][k].count, expected[i][k].count);
            assert_memory_equal(answers[i][k].ids, expected[i][k].ids, expected[i][k].count * sizeof(uint64_t));
        }
    }
}

static bool remove_file(void *owner, const char *name)
{
    char path[700];

    (void)owner;
    snprintf(path, sizeof(path), "%s/text/%s", project, name);
    must(os_file_remove(path));
    return true;
}

static void remove_index(void)
{
    char path[400];

    snprintf(path, sizeof(path), "%s/text", project);
    if (os_file_exists(path))
        must(os_file_list(path, remove_file, NULL));
}

static bool covers_all(struct store_text_index *index)
{
    uint64_t count, last_id;
    struct store_reader *reader;

    must(store_reader_open(project, false, &reader));
    must(store_reader_total(reader, &count, &last_id));
    store_reader_close(&reader);
    store_text_index_refresh(index, false);
    for (uint64_t id = 1; id <= last_id; id++) {
        if (!store_text_index_covers(index, STORE_TEXT_HEADS, id) ||
            !store_text_index_covers(index, STORE_TEXT_BODIES, id))
            return false;
    }
    return true;
}

/* Until nothing is left to be done; with 1 as the minimum, all of it is in segments then. */
static void make_index(size_t idle_documents_min)
{
    struct store_text_indexer_options options = {.idle_ms = 1, .idle_documents_min = idle_documents_min, .nap_ms = 2};
    struct store_text_indexer_status status;
    struct store_text_indexer *indexer;
    struct store_text_index *index;

    must(store_text_indexer_start(project, &options, &indexer));
    must(store_text_index_open(project, &index));
    do {
        usleep(10000);
        store_text_indexer_status(indexer, &status);
    } while (!status.is_idle || (idle_documents_min == 1 && !covers_all(index)));
    store_text_index_close(&index);
    store_text_indexer_stop(&indexer);
}

static int set_up(void **state)
{
    (void)state;
    kit_open(&kit, NULL);
    kit_project_path(&kit, project);
    play(COUNT);
    ask_all(expected);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static void the_queries_find_something(void **state)
{
    size_t empty = 0;

    (void)state;
    for (size_t i = 0; i < QUERY_COUNT; i++)
        empty += expected[i][0].count == 0;
    assert_int_equal(empty, 1);
    /* A picture's bytes are no text. */
    assert_int_equal(expected[0][0].count, COUNT - COUNT / 9);
}

static uint64_t candidate_count(const char *text)
{
    struct query_literals literal = {.folded = str_from(text), .in_heads = true, .in_bodies = true};
    struct store_text_index *index;
    struct store_text_set set;
    uint64_t count;

    must(store_text_index_open(project, &index));
    store_text_index_refresh(index, false);
    store_text_index_set(index, false, &set);
    store_text_index_find(index, &literal, &set);
    count = store_text_set_count(&set, 1, COUNT);
    store_text_set_deinit(&set);
    store_text_index_close(&index);
    return count;
}

static void a_complete_index_answers_the_same_and_spares_work(void **state)
{
    (void)state;
    remove_index();
    assert_int_equal(candidate_count("nowhere to be found"), COUNT);
    make_index(1);
    answers_are_the_same();
    assert_int_equal(candidate_count("nowhere to be found"), 0);
    assert_int_equal(candidate_count("catalogue"), COUNT);
}

static void an_index_of_some_exchanges_answers_the_same(void **state)
{
    (void)state;
    remove_index();
    make_index(1);
    play(COUNT);
    ask_all(expected);
    remove_index();
    answers_are_the_same();
    make_index(100000);
    answers_are_the_same();
    make_index(1);
    play(20);
    {
        static struct answer with[QUERY_COUNT][3];

        ask_all(with);
        remove_index();
        ask_all(expected);
        assert_memory_equal(with, expected, sizeof(with));
    }
}

static bool damage(void *owner, const char *name)
{
    uint64_t *seed = owner;
    struct kit_random random = kit_random(++*seed);
    char path[700];
    struct buf bytes;

    snprintf(path, sizeof(path), "%s/text/%s", project, name);
    buf_init(&bytes, 1 << 26);
    must(os_file_read_all(path, &bytes));
    for (unsigned i = 0; i < 1 + *seed % 3; i++) {
        size_t at = (size_t)(kit_next(&random) % bytes.len);

        bytes.bytes[bytes.start + at] ^= (char)(1 + kit_next(&random) % 255);
    }
    if (*seed % 5 == 0)
        bytes.len = (size_t)(kit_next(&random) % bytes.len);
    must(os_file_write_all(path, buf_str(&bytes), true));
    buf_deinit(&bytes);
    return true;
}

static void a_damaged_index_answers_the_same_and_is_made_anew(void **state)
{
    uint64_t seed = 0;
    char folder[400];

    (void)state;
    snprintf(folder, sizeof(folder), "%s/text", project);
    remove_index();
    for (unsigned round = 0; round < 5; round++) {
        make_index(1);
        must(os_file_list(folder, damage, &seed));
        answers_are_the_same();
    }
    make_index(1);
    answers_are_the_same();
    assert_int_equal(candidate_count("nowhere to be found"), 0);
}

static void foreign_files_are_left_alone(void **state)
{
    char path[400];

    (void)state;
    remove_index();
    make_index(1);
    snprintf(path, sizeof(path), "%s/text/notes.txt", project);
    must(os_file_write_all(path, STR("mine"), true));
    snprintf(path, sizeof(path), "%s/text/bodies-000777.seg", project);
    must(os_file_write_all(path, STR("not a segment"), true));
    answers_are_the_same();
    make_index(1);
    assert_false(os_file_exists(path));
    snprintf(path, sizeof(path), "%s/text/notes.txt", project);
    assert_true(os_file_exists(path));
    answers_are_the_same();
}

static void a_paused_indexer_does_nothing(void **state)
{
    struct store_text_indexer_options options = {.idle_ms = 1, .idle_documents_min = 1, .nap_ms = 2};
    struct store_text_indexer_status status;
    struct store_text_indexer *indexer;

    (void)state;
    remove_index();
    must(store_text_indexer_start(project, &options, &indexer));
    store_text_indexer_pause(indexer, true);
    usleep(20000);
    store_text_indexer_status(indexer, &status);
    if (status.exchange_count < COUNT)
        assert_false(status.is_idle);
    store_text_indexer_pause(indexer, false);
    do {
        usleep(2000);
        store_text_indexer_status(indexer, &status);
    } while (!status.is_idle);
    store_text_indexer_stop(&indexer);
    answers_are_the_same();
}

static void a_set_walks_both_ways(void **state)
{
    struct store_text_set set;
    uint64_t id;

    (void)state;
    store_text_set_init(&set, 1000, false);
    store_text_set_add(&set, 3);
    store_text_set_add(&set, 700);
    store_text_set_add(&set, 5000);
    assert_true(store_text_set_next(&set, 1, 2000, &id) && id == 3);
    assert_true(store_text_set_next(&set, 4, 2000, &id) && id == 700);
    assert_true(store_text_set_next(&set, 701, 2000, &id) && id == 1000);
    assert_false(store_text_set_next(&set, 701, 999, &id));
    assert_true(store_text_set_next(&set, 999, 1, &id) && id == 700);
    assert_true(store_text_set_next(&set, 699, 1, &id) && id == 3);
    assert_false(store_text_set_next(&set, 2, 0, &id));
    assert_true(store_text_set_next(&set, 2000, 1, &id) && id == 2000);
    assert_int_equal(store_text_set_count(&set, 1, 999), 2);
    assert_int_equal(store_text_set_count(&set, 0, 1009), 12);
    assert_int_equal(store_text_set_count(&set, 700, 700), 1);
    store_text_set_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_walks_both_ways),
        cmocka_unit_test(the_queries_find_something),
        cmocka_unit_test(a_complete_index_answers_the_same_and_spares_work),
        cmocka_unit_test(an_index_of_some_exchanges_answers_the_same),
        cmocka_unit_test(a_damaged_index_answers_the_same_and_is_made_anew),
        cmocka_unit_test(foreign_files_are_left_alone),
        cmocka_unit_test(a_paused_indexer_does_nothing),
    };

    return cmocka_run_group_tests_name("store/text_index", tests, set_up, tear_down);
}
