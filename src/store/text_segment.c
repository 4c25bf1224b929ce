#include "store/text_segment.h"

#include <stdlib.h>

#include "store/text_builder.h"

#define LOOK_UP_MAX 64
/* A group's trigrams with all of their blocks, at the longest. */
#define GROUP_BYTES_MAX (4 + (size_t)STORE_TEXT_GROUP * (4 + 1 + 16))

struct store_text_segment {
    char *path;
    struct os_file *file; /* while it is read */
    uint32_t block_count, repeat_count;
    uint32_t part_len[4];             /* groups, directory, documents, repeats */
    uint32_t checksum, said_checksum; /* of header and parts but the groups */
    struct store_text_blocks overfull;
    char *directory; /* and, behind it, documents and repeats */
};

/* --- numbers --- */

static uint32_t u32_at(const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static bool take_varint(struct str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 63 && rest->len; shift += 7) {
        unsigned char byte = (unsigned char)rest->ptr[0];

        *rest = str_skip(*rest, 1);
        value |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static bool take_difference(struct str *rest, uint64_t *value)
{
    uint64_t coded;

    if (!take_varint(rest, &coded))
        return false;
    *value += coded >> 1 ^ (0 - (coded & 1));
    return true;
}

/* --- opening --- */

static struct err damaged(void) { return ERR(ERR_DAMAGED, 0, "not a segment of the text index"); }

static struct err read_exactly(struct os_file *file, uint64_t offset, char *bytes, size_t len)
{
    size_t got;

    TRY(os_file_read_at(file, offset, bytes, len, &got));
    return got == len ? OK : damaged();
}

static struct err read_header(struct store_text_segment *segment)
{
    char header[STORE_TEXT_HEADER_BYTES];
    uint64_t whole = STORE_TEXT_HEADER_BYTES, file_len;

    TRY(read_exactly(segment->file, 0, header, sizeof(header)));
    if (memcmp(header, STORE_TEXT_MAGIC, 4) != 0 || u32_at(header + 4) != STORE_TEXT_VERSION)
        return damaged();
    segment->block_count = u32_at(header + 8);
    segment->repeat_count = u32_at(header + 12);
    for (size_t i = 0; i < 4; i++) {
        segment->part_len[i] = u32_at(header + 16 + 4 * i);
        whole += segment->part_len[i];
    }
    for (size_t i = 0; i < 2; i++)
        segment->overfull.bits[i] = u32_at(header + 32 + 8 * i) | (uint64_t)u32_at(header + 36 + 8 * i) << 32;
    segment->checksum = store_text_segment_checksum(STORE_TEXT_CHECKSUM_BEGIN, (struct str){header, 48});
    segment->said_checksum = u32_at(header + 48);
    TRY(os_file_len(segment->file, &file_len));
    if (segment->block_count > STORE_TEXT_BLOCK_MAX || segment->repeat_count > STORE_TEXT_DOCUMENT_MAX ||
        segment->part_len[1] % 8 || whole != file_len)
        return damaged();
    return OK;
}

static struct err read_parts(struct store_text_segment *segment)
{
    size_t len = (size_t)segment->part_len[1] + segment->part_len[2] + segment->part_len[3];

    if (len > (size_t)16 * 1024 * 1024)
        return damaged();
    segment->directory = malloc(len + 1);
    CHECK(segment->directory);
    TRY(read_exactly(segment->file, STORE_TEXT_HEADER_BYTES + (uint64_t)segment->part_len[0], segment->directory, len));
    segment->checksum = store_text_segment_checksum(segment->checksum, (struct str){segment->directory, len});
    return segment->checksum == segment->said_checksum ? OK : damaged();
}

struct err store_text_segment_open(const char *path, struct store_text_segment **ret_segment)
{
    struct store_text_segment *segment = calloc(1, sizeof(*segment));
    struct err err;

    CHECK(segment);
    segment->path = strdup(path);
    CHECK(segment->path);
    err = os_file_open(path, OS_FILE_READ, &segment->file);
    if (!err_is(err))
        err = read_header(segment);
    if (!err_is(err))
        err = read_parts(segment);
    os_file_close(&segment->file);
    if (err_is(err))
        store_text_segment_close(&segment);
    else
        *ret_segment = segment;
    return err;
}

void store_text_segment_close(struct store_text_segment **segment)
{
    if (!*segment)
        return;
    free((*segment)->path);
    free((*segment)->directory);
    free(*segment);
    *segment = NULL;
}

size_t store_text_segment_block_count(const struct store_text_segment *segment) { return segment->block_count; }

/* --- looking up --- */

struct store_text_blocks store_text_segment_all(const struct store_text_segment *segment)
{
    struct store_text_blocks blocks = {{0, 0}};

    for (size_t block = 0; block < segment->block_count; block++)
        blocks.bits[block / 64] |= (uint64_t)1 << block % 64;
    return blocks;
}

/* The group whose trigrams reach up to `trigram`; false when all are above. */
static bool find_group(const struct store_text_segment *segment, uint32_t trigram, size_t *ret_group)
{
    size_t low = 0, high = segment->part_len[1] / 8;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (u32_at(segment->directory + 8 * middle) <= trigram)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_group = low - 1;
    return low > 0;
}

/* Takes one trigram's blocks from a group. */
static bool take_blocks(const struct store_text_segment *segment, struct str *rest,
                        struct store_text_blocks *ret_blocks)
{
    struct store_text_blocks blocks = {{0, 0}};
    unsigned char form;
    size_t count;

    if (rest->len == 0)
        return false;
    form = (unsigned char)rest->ptr[0];
    *rest = str_skip(*rest, 1);
    count = form == 128 ? 16 : form < 128 ? form + 1u : form - 129u;
    if (count > 128 || rest->len < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];

        if (form == 128)
            blocks.bits[i / 8] |= (uint64_t)byte << 8 * (i % 8);
        else
            blocks.bits[byte / 64 & 1] |= (uint64_t)1 << byte % 64;
    }
    *rest = str_skip(*rest, count);
    if (form > 128) {
        struct store_text_blocks all = store_text_segment_all(segment);

        blocks.bits[0] = all.bits[0] & ~blocks.bits[0];
        blocks.bits[1] = all.bits[1] & ~blocks.bits[1];
    }
    *ret_blocks = blocks;
    return true;
}

static struct err find_in_group(const struct store_text_segment *segment, struct str group, uint32_t first,
                                uint32_t trigram, struct store_text_blocks *ret_blocks)
{
    uint64_t at = first;

    *ret_blocks = (struct store_text_blocks){{0, 0}};
    for (size_t i = 0; i < STORE_TEXT_GROUP && group.len; i++) {
        struct store_text_blocks blocks;
        uint64_t difference;

        if (!take_varint(&group, &difference) || !take_blocks(segment, &group, &blocks))
            return damaged();
        at += difference;
        if (at == trigram)
            *ret_blocks = blocks;
        if (at >= trigram)
            return OK;
    }
    return OK;
}

/* Reads a group and checks it; what follows its checksum is given. */
static struct err read_group(const struct store_text_segment *segment, size_t group, char bytes[GROUP_BYTES_MAX],
                             struct str *ret_group)
{
    size_t count = segment->part_len[1] / 8;
    uint32_t begin, end;
    struct str rest;

    begin = u32_at(segment->directory + 8 * group + 4);
    end = group + 1 < count ? u32_at(segment->directory + 8 * (group + 1) + 4) : segment->part_len[0];
    if (begin > end || end > segment->part_len[0] || end - begin > GROUP_BYTES_MAX || end - begin < 4)
        return damaged();
    TRY(read_exactly(segment->file, STORE_TEXT_HEADER_BYTES + (uint64_t)begin, bytes, end - begin));
    rest = (struct str){bytes + 4, end - begin - 4};
    if (store_text_segment_checksum(STORE_TEXT_CHECKSUM_BEGIN, rest) != u32_at(bytes))
        return damaged();
    *ret_group = rest;
    return OK;
}

static struct err find_trigram(const struct store_text_segment *segment, uint32_t trigram,
                               struct store_text_blocks *ret_blocks)
{
    char bytes[GROUP_BYTES_MAX];
    struct str rest;
    size_t group;

    *ret_blocks = (struct store_text_blocks){{0, 0}};
    if (!find_group(segment, trigram, &group))
        return OK;
    TRY(read_group(segment, group, bytes, &rest));
    return find_in_group(segment, rest, u32_at(segment->directory + 8 * group), trigram, ret_blocks);
}

static struct err find_all(const struct store_text_segment *segment, struct str folded,
                           struct store_text_blocks *ret_blocks)
{
    struct store_text_blocks found = store_text_segment_all(segment);

    for (size_t i = 0; i + 3 <= folded.len && i < LOOK_UP_MAX && (found.bits[0] | found.bits[1]); i++) {
        const unsigned char *b = (const unsigned char *)folded.ptr + i;
        struct store_text_blocks blocks;

        TRY(find_trigram(segment, (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2], &blocks));
        found.bits[0] &= blocks.bits[0] | segment->overfull.bits[0];
        found.bits[1] &= blocks.bits[1] | segment->overfull.bits[1];
    }
    *ret_blocks = found;
    return OK;
}

struct err store_text_segment_find(struct store_text_segment *segment, struct str folded,
                                   struct store_text_blocks *ret_blocks)
{
    struct err err;

    TRY(os_file_open(segment->path, OS_FILE_READ, &segment->file));
    err = find_all(segment, folded, ret_blocks);
    os_file_close(&segment->file);
    return err;
}

struct err store_text_segment_check(struct store_text_segment *segment)
{
    char bytes[GROUP_BYTES_MAX];
    struct err err = OK;
    struct str rest;

    TRY(os_file_open(segment->path, OS_FILE_READ, &segment->file));
    for (size_t group = 0; group < segment->part_len[1] / 8 && !err_is(err); group++)
        err = read_group(segment, group, bytes, &rest);
    os_file_close(&segment->file);
    return err;
}

/* --- whose --- */

void store_text_segment_ids(const struct store_text_segment *segment, const struct store_text_blocks *blocks,
                            void (*on_id)(void *owner, uint64_t id), void *owner)
{
    struct str rest = {segment->directory + segment->part_len[1], segment->part_len[2]};
    uint64_t id = 0, count;

    for (size_t block = 0; block < segment->block_count && take_varint(&rest, &count); block++) {
        bool is_asked = blocks->bits[block / 64] >> block % 64 & 1;

        for (uint64_t i = 0; i < count && take_difference(&rest, &id); i++) {
            if (is_asked)
                on_id(owner, id);
        }
    }
}

void store_text_segment_repeats(const struct store_text_segment *segment,
                                void (*on_repeat)(void *owner, uint64_t id, uint64_t first), void *owner)
{
    struct str rest = {segment->directory + segment->part_len[1] + segment->part_len[2], segment->part_len[3]};
    uint64_t pair[2] = {0, 0};

    for (uint32_t i = 0; i < segment->repeat_count; i++) {
        if (!take_difference(&rest, &pair[0]) || !take_difference(&rest, &pair[1]))
            return;
        on_repeat(owner, pair[0], pair[1]);
    }
}
