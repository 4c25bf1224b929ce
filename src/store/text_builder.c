#include "store/text_builder.h"

#include <stdlib.h>

#include "store/text_segment.h"

#define TRIGRAM_COUNT ((size_t)1 << 24)
#define RADIX_BITS 12
#define RADIX ((size_t)1 << RADIX_BITS)

struct store_text_builder {
    unsigned char *marks; /* a bit for each trigram that the current block has */
    uint32_t last_two;    /* the two bytes before, for pieces of one document */
    unsigned last_count;
    size_t block_bytes_min; /* at which a block ends */
    size_t block_text_bytes;
    uint64_t text_bytes;

    uint32_t *trigrams; /* of all blocks, each block's together */
    size_t trigram_count;
    size_t block_begin[STORE_TEXT_BLOCK_MAX + 1]; /* in trigrams */
    uint32_t block_documents[STORE_TEXT_BLOCK_MAX + 1];
    size_t block_count; /* closed ones */

    uint64_t *ids; /* of the documents, in order */
    size_t id_count;
    uint64_t (*repeats)[2];
    size_t repeat_count;
};

struct store_text_builder *store_text_builder_new(size_t block_bytes)
{
    struct store_text_builder *builder = calloc(1, sizeof(*builder));

    CHECK(builder);
    builder->block_bytes_min = block_bytes;
    builder->marks = calloc(TRIGRAM_COUNT / 8, 1);
    builder->trigrams = malloc(STORE_TEXT_ENTRY_MAX * sizeof(uint32_t));
    builder->ids = malloc(STORE_TEXT_DOCUMENT_MAX * sizeof(uint64_t));
    builder->repeats = malloc(STORE_TEXT_DOCUMENT_MAX * sizeof(builder->repeats[0]));
    CHECK(builder->marks && builder->trigrams && builder->ids && builder->repeats);
    return builder;
}

void store_text_builder_free(struct store_text_builder **builder)
{
    if (!*builder)
        return;
    free((*builder)->marks);
    free((*builder)->trigrams);
    free((*builder)->ids);
    free((*builder)->repeats);
    free(*builder);
    *builder = NULL;
}

/* --- text --- */

/* One document alone may have more trigrams than entries are left; then every trigram of its block counts as there,
 * which is what an entry count over the maximum tells store_text_builder_finish(). */
static void mark(struct store_text_builder *builder, uint32_t trigram)
{
    unsigned char bit = (unsigned char)(1u << (trigram & 7));

    if (builder->marks[trigram >> 3] & bit)
        return;
    builder->marks[trigram >> 3] |= bit;
    if (builder->trigram_count < STORE_TEXT_ENTRY_MAX)
        builder->trigrams[builder->trigram_count] = trigram;
    builder->trigram_count++;
}

void store_text_builder_add(struct store_text_builder *builder, struct str folded)
{
    uint32_t last = builder->last_two;
    size_t at = 0;

    builder->block_text_bytes += folded.len;
    builder->text_bytes += folded.len;
    for (; builder->last_count < 2 && at < folded.len; at++, builder->last_count++)
        last = (last << 8 | (unsigned char)folded.ptr[at]) & 0xffff;
    for (; at < folded.len; at++) {
        uint32_t trigram = last << 8 | (unsigned char)folded.ptr[at];

        mark(builder, trigram);
        last = trigram & 0xffff;
    }
    builder->last_two = last;
}

static void end_block(struct store_text_builder *builder)
{
    size_t end = builder->trigram_count < STORE_TEXT_ENTRY_MAX ? builder->trigram_count : STORE_TEXT_ENTRY_MAX;

    for (size_t i = builder->block_begin[builder->block_count]; i < end; i++)
        builder->marks[builder->trigrams[i] >> 3] = 0;
    if (builder->trigram_count > STORE_TEXT_ENTRY_MAX)
        memset(builder->marks, 0, TRIGRAM_COUNT / 8);
    builder->block_count++;
    builder->block_begin[builder->block_count] = builder->trigram_count;
    builder->block_documents[builder->block_count] = 0;
    builder->block_text_bytes = 0;
}

void store_text_builder_end_document(struct store_text_builder *builder, uint64_t id)
{
    CHECK(builder->id_count < STORE_TEXT_DOCUMENT_MAX && builder->block_count < STORE_TEXT_BLOCK_MAX);
    builder->ids[builder->id_count++] = id;
    builder->block_documents[builder->block_count]++;
    builder->last_count = 0;
    builder->last_two = 0;
    if (builder->block_text_bytes >= builder->block_bytes_min)
        end_block(builder);
}

void store_text_builder_repeat(struct store_text_builder *builder, uint64_t id, uint64_t first_id)
{
    CHECK(builder->repeat_count < STORE_TEXT_DOCUMENT_MAX);
    builder->repeats[builder->repeat_count][0] = id;
    builder->repeats[builder->repeat_count][1] = first_id;
    builder->repeat_count++;
}

bool store_text_builder_is_full(const struct store_text_builder *builder)
{
    return builder->block_count == STORE_TEXT_BLOCK_MAX || builder->id_count == STORE_TEXT_DOCUMENT_MAX ||
           builder->repeat_count == STORE_TEXT_DOCUMENT_MAX || builder->trigram_count > STORE_TEXT_ENTRY_MAX * 3 / 4;
}

bool store_text_builder_is_empty(const struct store_text_builder *builder)
{
    return builder->id_count == 0 && builder->repeat_count == 0;
}

uint64_t store_text_builder_text_bytes(const struct store_text_builder *builder) { return builder->text_bytes; }

/* --- the segment's bytes --- */

static struct err append_u32(struct buf *out, size_t value)
{
    unsigned char bytes[4] = {(unsigned char)(value & 255), (unsigned char)(value >> 8 & 255),
                              (unsigned char)(value >> 16 & 255), (unsigned char)(value >> 24 & 255)};

    return buf_append(out, (struct str){(const char *)bytes, 4});
}

static struct err append_varint(struct buf *out, uint64_t value)
{
    char bytes[10];
    size_t len = 0;

    for (; value > 127; value >>= 7)
        bytes[len++] = (char)(unsigned char)(value | 128);
    bytes[len++] = (char)(unsigned char)value;
    return buf_append(out, (struct str){bytes, len});
}

static struct err append_difference(struct buf *out, uint64_t value, uint64_t before)
{
    int64_t difference = (int64_t)(value - before);

    return append_varint(out, (uint64_t)difference << 1 ^ (uint64_t)(difference >> 63));
}

/* Sorts entries (trigram above, block in the 7 low bits) by trigram, stable, so blocks stay in order: two passes of 12
 * bits. */
static void sort(uint32_t *entries, uint32_t *other, size_t count)
{
    for (unsigned shift = 7; shift < 31; shift += RADIX_BITS) {
        size_t *starts = calloc(RADIX, sizeof(*starts));
        size_t sum = 0;
        uint32_t *swap;

        CHECK(starts);
        for (size_t i = 0; i < count; i++)
            starts[entries[i] >> shift & (RADIX - 1)]++;
        for (size_t i = 0; i < RADIX; i++) {
            size_t bucket = starts[i];

            starts[i] = sum;
            sum += bucket;
        }
        for (size_t i = 0; i < count; i++)
            other[starts[entries[i] >> shift & (RADIX - 1)]++] = entries[i];
        free(starts);
        swap = entries;
        entries = other;
        other = swap;
    }
}

static void to_entries(struct store_text_builder *builder, size_t count)
{
    for (size_t block = 0; block < builder->block_count; block++) {
        for (size_t i = builder->block_begin[block]; i < builder->block_begin[block + 1] && i < count; i++)
            builder->trigrams[i] = builder->trigrams[i] << 7 | (uint32_t)block;
    }
}

static struct err append_numbers(struct buf *out, const unsigned char *numbers, size_t count)
{
    return buf_append(out, (struct str){(const char *)numbers, count});
}

/* The blocks of one trigram, in the shortest of three forms. */
static struct err append_blocks(struct buf *out, const uint32_t *entries, size_t count, size_t block_count)
{
    unsigned char has[STORE_TEXT_BLOCK_MAX] = {0}, numbers[STORE_TEXT_BLOCK_MAX], bitmap[16] = {0};
    size_t missing = block_count - count, number_count = 0;

    for (size_t i = 0; i < count; i++) {
        unsigned block = entries[i] & 127;

        has[block] = 1;
        bitmap[block / 8] |= (unsigned char)(1u << block % 8);
    }
    for (size_t block = 0; block < block_count; block++) {
        if (has[block] == (missing >= count))
            numbers[number_count++] = (unsigned char)block;
    }
    if (number_count > sizeof(bitmap)) {
        TRY(buf_append_char(out, (char)128));
        return append_numbers(out, bitmap, sizeof(bitmap));
    }
    TRY(buf_append_char(out, (char)(unsigned char)(missing >= count ? number_count - 1 : 129 + number_count)));
    return append_numbers(out, numbers, number_count);
}

/* Fills in the checksum of the group that begins at `start`. */
static void seal_group(struct buf *out, size_t start)
{
    char *group = out->bytes + out->start + start;
    uint32_t sum =
        store_text_segment_checksum(STORE_TEXT_CHECKSUM_BEGIN, (struct str){group + 4, out->len - start - 4});

    for (unsigned i = 0; i < 4; i++)
        group[i] = (char)(unsigned char)(sum >> 8 * i & 255);
}

static struct err append_groups(struct buf *out, struct buf *directory, const struct store_text_builder *builder,
                                size_t count)
{
    const uint32_t *entries = builder->trigrams;
    size_t group = 0, in_group = 0;
    uint32_t before = 0;

    for (size_t i = 0, end; i < count; i = end) {
        uint32_t trigram = entries[i] >> 7;

        for (end = i + 1; end < count && entries[end] >> 7 == trigram; end++)
            ;
        if (in_group == 0) {
            TRY(append_u32(directory, trigram));
            TRY(append_u32(directory, out->len));
            group = out->len;
            TRY(append_u32(out, 0));
            before = trigram;
        }
        TRY(append_varint(out, trigram - before));
        TRY(append_blocks(out, entries + i, end - i, builder->block_count));
        before = trigram;
        in_group = (in_group + 1) % STORE_TEXT_GROUP;
        if (in_group == 0 || end == count)
            seal_group(out, group);
    }
    return OK;
}

static struct err append_documents(struct buf *out, const struct store_text_builder *builder)
{
    uint64_t before = 0;
    size_t at = 0;

    for (size_t block = 0; block < builder->block_count; block++) {
        TRY(append_varint(out, builder->block_documents[block]));
        for (size_t i = 0; i < builder->block_documents[block]; i++, at++) {
            TRY(append_difference(out, builder->ids[at], before));
            before = builder->ids[at];
        }
    }
    return OK;
}

static struct err append_repeats(struct buf *out, const struct store_text_builder *builder)
{
    uint64_t before[2] = {0, 0};

    for (size_t i = 0; i < builder->repeat_count; i++) {
        for (size_t j = 0; j < 2; j++) {
            TRY(append_difference(out, builder->repeats[i][j], before[j]));
            before[j] = builder->repeats[i][j];
        }
    }
    return OK;
}

static void begin_segment(struct store_text_builder *builder)
{
    builder->trigram_count = builder->block_count = builder->id_count = builder->repeat_count = 0;
    builder->block_begin[0] = 0;
    builder->block_documents[0] = 0;
    builder->text_bytes = 0;
}

/* Bit n: block n has more trigrams than were kept and so counts for every text. */
static void overfull_blocks(const struct store_text_builder *builder, uint32_t bits[4])
{
    memset(bits, 0, 4 * sizeof(bits[0]));
    for (size_t block = 0; block < builder->block_count; block++) {
        if (builder->block_begin[block + 1] > STORE_TEXT_ENTRY_MAX)
            bits[block / 32] |= 1u << block % 32;
    }
}

static struct err append_segment(struct buf *segment, const struct store_text_builder *builder, struct buf parts[4])
{
    uint32_t overfull[4], sum;

    CHECK(segment->len == 0);
    overfull_blocks(builder, overfull);
    TRY(buf_append(segment, STR(STORE_TEXT_MAGIC)));
    TRY(append_u32(segment, STORE_TEXT_VERSION));
    TRY(append_u32(segment, builder->block_count));
    TRY(append_u32(segment, builder->repeat_count));
    for (size_t i = 0; i < 4; i++)
        TRY(append_u32(segment, parts[i].len));
    for (size_t i = 0; i < 4; i++)
        TRY(append_u32(segment, overfull[i]));
    sum = store_text_segment_checksum(STORE_TEXT_CHECKSUM_BEGIN, buf_str(segment));
    for (size_t i = 1; i < 4; i++)
        sum = store_text_segment_checksum(sum, buf_str(&parts[i]));
    TRY(append_u32(segment, sum));
    for (size_t i = 0; i < 4; i++)
        TRY(buf_append(segment, buf_str(&parts[i])));
    return OK;
}

struct err store_text_builder_finish(struct store_text_builder *builder, struct buf *segment)
{
    struct buf parts[4]; /* groups, directory, documents, repeats */
    size_t count;
    uint32_t *other;
    struct err err;

    if (builder->block_documents[builder->block_count] > 0)
        end_block(builder);
    count = builder->trigram_count < STORE_TEXT_ENTRY_MAX ? builder->trigram_count : STORE_TEXT_ENTRY_MAX;
    other = malloc((count + 1) * sizeof(*other));
    CHECK(other);
    to_entries(builder, count);
    sort(builder->trigrams, other, count);
    free(other);
    for (size_t i = 0; i < 4; i++)
        buf_init(&parts[i], (size_t)64 * 1024 * 1024);
    err = append_groups(&parts[0], &parts[1], builder, count);
    if (!err_is(err))
        err = append_documents(&parts[2], builder);
    if (!err_is(err))
        err = append_repeats(&parts[3], builder);
    if (!err_is(err))
        err = append_segment(segment, builder, parts);
    for (size_t i = 0; i < 4; i++)
        buf_deinit(&parts[i]);
    begin_segment(builder);
    return err;
}
