/* Covers store/text_builder and store/text_segment: what is written is found, in all three forms of lists, nothing that
 * is there is missed, and damaged files are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/text_builder.h"
#include "store/text_segment.h"

#define DOCUMENTS 600

struct hits {
    bool has[DOCUMENTS + 1];
    size_t count;
};

static void on_id(void *owner, uint64_t id)
{
    struct hits *hits = owner;

    assert_in_range(id, 1, DOCUMENTS);
    hits->has[id] = true;
    hits->count++;
}

static char path[64];

static struct store_text_segment *write_and_open(struct store_text_builder *builder)
{
    struct store_text_segment *segment = NULL;
    struct buf bytes;

    buf_init(&bytes, (size_t)64 * 1024 * 1024);
    assert_false(err_is(store_text_builder_finish(builder, &bytes)));
    assert_false(err_is(os_file_write_all(path, buf_str(&bytes), true)));
    buf_deinit(&bytes);
    assert_false(err_is(store_text_segment_open(path, &segment)));
    return segment;
}

static struct hits find(struct store_text_segment *segment, struct str folded)
{
    struct store_text_blocks blocks;
    struct hits hits = {{false}, 0};

    assert_false(err_is(store_text_segment_find(segment, folded, &blocks)));
    store_text_segment_ids(segment, &blocks, on_id, &hits);
    return hits;
}

/* Text that depends on the document: letters from a small alphabet, with a mark of its own. */
static void make_text(uint64_t id, char *text, size_t len)
{
    uint32_t state = (uint32_t)id * 2654435761u + 1;

    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        text[i] = (char)('a' + (state >> 24) % 20);
    }
    snprintf(text + len / 2, 16, "<%08u>", (unsigned)id);
}

static void fill(struct store_text_builder *builder, uint64_t from, uint64_t to, size_t text_len)
{
    char *text = malloc(text_len + 32);

    for (uint64_t id = from; id <= to; id++) {
        make_text(id, text, text_len);
        store_text_builder_add(builder, (struct str){text, text_len / 3});
        store_text_builder_add(builder, (struct str){text + text_len / 3, text_len - text_len / 3});
        store_text_builder_end_document(builder, id);
    }
    free(text);
}

static void text_segment_finds_every_document_by_its_mark(void **state)
{
    struct store_text_builder *builder = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    struct store_text_segment *segment;

    (void)state;
    fill(builder, 1, DOCUMENTS, 9000);
    assert_false(store_text_builder_is_full(builder));
    segment = write_and_open(builder);
    assert_in_range(store_text_segment_block_count(segment), 70, STORE_TEXT_BLOCK_MAX);
    for (uint64_t id = 1; id <= DOCUMENTS; id++) {
        char needle[16];
        struct hits hits;

        snprintf(needle, sizeof(needle), "<%08u>", (unsigned)id);
        hits = find(segment, str_from(needle));
        assert_true(hits.has[id]);
        /* A block of 64 KiB holds eight of these documents; digits mix between few of them. */
        assert_in_range(hits.count, 1, 200);
    }
    assert_int_equal(find(segment, STR("<9999")).count, 0);
    assert_int_equal(find(segment, STR("\xe5\x80\x8b")).count, 0);
    store_text_segment_close(&segment);
    store_text_builder_free(&builder);
}

static void text_segment_finds_text_across_the_pieces_of_a_document(void **state)
{
    struct store_text_builder *builder = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    struct store_text_segment *segment;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        store_text_builder_add(builder, (struct str){&"secret"[i], 1});
    store_text_builder_end_document(builder, 7);
    store_text_builder_add(builder, STR("sec"));
    store_text_builder_end_document(builder, 8);
    segment = write_and_open(builder);
    assert_true(find(segment, STR("secret")).has[7]);
    store_text_segment_close(&segment);
    store_text_builder_free(&builder);
}

static void text_segment_begins_anew_after_each_finish(void **state)
{
    struct store_text_builder *builder = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    struct store_text_segment *segment;

    (void)state;
    fill(builder, 1, 20, 9000);
    segment = write_and_open(builder);
    store_text_segment_close(&segment);
    assert_true(store_text_builder_is_empty(builder));
    fill(builder, 21, 40, 9000);
    segment = write_and_open(builder);
    assert_int_equal(find(segment, STR("<00000007>")).has[7], false);
    assert_true(find(segment, STR("<00000027>")).has[27]);
    store_text_segment_close(&segment);
    store_text_builder_free(&builder);
}

static void on_repeat(void *owner, uint64_t id, uint64_t first)
{
    uint64_t *sum = owner;

    assert_int_equal(first, id / 2);
    *sum += id;
}

static void text_segment_keeps_repeats(void **state)
{
    struct store_text_builder *builder = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    struct store_text_segment *segment;
    uint64_t sum = 0;

    (void)state;
    for (uint64_t id = 2; id <= 200; id += 2)
        store_text_builder_repeat(builder, id, id / 2);
    segment = write_and_open(builder);
    store_text_segment_repeats(segment, on_repeat, &sum);
    assert_int_equal(sum, 10100);
    store_text_segment_close(&segment);
    store_text_builder_free(&builder);
}

/* A single document with more distinct trigrams than a segment keeps: it must be found by any text. */
static void text_segment_misses_nothing_in_an_overfull_block(void **state)
{
    struct store_text_builder *builder = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    struct store_text_segment *segment;
    size_t len = STORE_TEXT_ENTRY_MAX * 2;
    char *text = malloc(len);
    uint64_t random = 1;

    (void)state;
    for (size_t i = 0; i < len; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        text[i] = (char)(unsigned char)(random >> 56);
    }
    store_text_builder_add(builder, (struct str){text, len});
    store_text_builder_end_document(builder, 3);
    assert_true(store_text_builder_is_full(builder));
    segment = write_and_open(builder);
    for (size_t at = 0; at + 8 < len; at += len / 50)
        assert_true(find(segment, (struct str){text + at, 8}).has[3]);
    store_text_segment_close(&segment);
    store_text_builder_free(&builder);
    free(text);
}

static void text_segment_never_answers_wrongly_from_damaged_bytes(void **state)
{
    struct store_text_builder *builder = store_text_builder_new(STORE_TEXT_BLOCK_BYTES);
    struct store_text_segment *segment;
    struct buf bytes, copy;

    (void)state;
    buf_init(&bytes, (size_t)64 * 1024 * 1024);
    buf_init(&copy, (size_t)64 * 1024 * 1024);
    for (uint64_t id = 1; id <= 3; id++) {
        store_text_builder_add(builder, STR("the quick brown fox"));
        store_text_builder_end_document(builder, id);
    }
    assert_false(err_is(store_text_builder_finish(builder, &bytes)));
    for (size_t i = 0; i < bytes.len; i++) {
        struct store_text_blocks blocks;
        uint64_t sum = 0;

        buf_clear(&copy);
        assert_false(err_is(buf_append(&copy, buf_str(&bytes))));
        copy.bytes[copy.start + i] = (char)(copy.bytes[copy.start + i] ^ 0x91);
        assert_false(err_is(os_file_write_all(path, buf_str(&copy), true)));
        if (err_is(store_text_segment_open(path, &segment)))
            continue;
        if (!err_is(store_text_segment_find(segment, STR("brown"), &blocks)))
            assert_int_equal(blocks.bits[0], 1);
        else
            assert_int_equal(store_text_segment_check(segment).code, ERR_DAMAGED);
        store_text_segment_repeats(segment, on_repeat, &sum);
        store_text_segment_close(&segment);
    }
    buf_deinit(&bytes);
    buf_deinit(&copy);
    store_text_builder_free(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_segment_finds_every_document_by_its_mark),
        cmocka_unit_test(text_segment_finds_text_across_the_pieces_of_a_document),
        cmocka_unit_test(text_segment_begins_anew_after_each_finish),
        cmocka_unit_test(text_segment_keeps_repeats),
        cmocka_unit_test(text_segment_misses_nothing_in_an_overfull_block),
        cmocka_unit_test(text_segment_never_answers_wrongly_from_damaged_bytes),
    };
    int failed;

    snprintf(path, sizeof(path), "/tmp/sekisho-segment-%d", (int)getpid());
    failed = cmocka_run_group_tests_name("store/text_segment", tests, NULL, NULL);
    unlink(path);
    return failed;
}
