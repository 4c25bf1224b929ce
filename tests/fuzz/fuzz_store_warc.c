/* Bytes of a capture file: the reader of records, the metadata, stream frames and chunks take anything. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "os/file.h"
#include "store/content.h"
#include "store/fields.h"
#include "store/stream.h"
#include "store/warc_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

static void read_blocks(struct store_warc_reader *reader, const struct store_warc_record *record, struct arena *arena)
{
    struct store_fields fields;
    struct buf block;
    uint64_t len[2];

    buf_init(&block, 1 << 20);
    if (!err_is(store_warc_reader_block(reader, record, &block))) {
        arena_reset(arena);
        IGNORE(store_fields_parse(buf_str(&block), arena, &fields));
        IGNORE(store_stream_measure(buf_str(&block), len));
    }
    buf_deinit(&block);
}

static void read_file(const char *path, struct arena *arena)
{
    struct store_warc_reader *reader;
    struct store_warc_record record;
    struct err err;

    if (err_is(store_warc_reader_open(path, 0, &reader)))
        return;
    do {
        err = store_warc_reader_next(reader, true, &record);
        if (!err_is(err))
            read_blocks(reader, &record, arena);
        if (err.code == ERR_DAMAGED)
            err = store_warc_reader_resync(reader);
    } while (!err_is(err));
    store_warc_reader_close(&reader);
}

/* What was formatted from parsed metadata parses to the same again. */
static void check_fields(struct str bytes, struct arena *arena)
{
    struct store_fields fields, again;
    struct store_out out;

    arena_reset(arena);
    if (err_is(store_fields_parse(bytes, arena, &fields)))
        return;
    store_out_init(&out, 2 * STORE_FIELDS_BLOCK_MAX);
    store_fields_format(&fields, &out);
    CHECK(!err_is(store_fields_parse(store_out_str(&out), arena, &again)));
    CHECK(str_eq(fields.facts.target, again.facts.target) && fields.facts.at_us == again.facts.at_us);
    store_out_deinit(&out);
}

static void check_chunks(struct str bytes)
{
    struct store_content_chunks whole, pieces;
    struct buf from_whole, from_pieces;

    buf_init(&from_whole, 1 << 20);
    buf_init(&from_pieces, 1 << 20);
    store_content_chunks_init(&whole);
    store_content_chunks_init(&pieces);
    IGNORE(store_content_chunks_feed(&whole, bytes, http_sink_to_buf(&from_whole)));
    for (size_t i = 0; i < bytes.len; i++)
        IGNORE(store_content_chunks_feed(&pieces, (struct str){bytes.ptr + i, 1}, http_sink_to_buf(&from_pieces)));
    CHECK(whole.state == pieces.state && str_eq(buf_str(&from_whole), buf_str(&from_pieces)));
    buf_deinit(&from_whole);
    buf_deinit(&from_pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static char path[64];
    struct str bytes = {(const char *)input, size};
    struct arena arena;
    FILE *file;

    if (!path[0])
        snprintf(path, sizeof(path), "/tmp/sekisho-fuzz-warc-%d", (int)getpid());
    file = fopen(path, "wb");
    CHECK(file);
    CHECK(fwrite(input, 1, size, file) == size);
    fclose(file);
    arena_init(&arena, 32 << 20);
    read_file(path, &arena);
    check_fields(bytes, &arena);
    check_chunks(bytes);
    arena_deinit(&arena);
    unlink(path);
    return 0;
}
