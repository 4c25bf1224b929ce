/* text_segment.h - reads a segment of the text index: the blocks that can hold a text, and whose documents they are.
 *
 *   header     magic, version, number of blocks and of repeats, length of each of the four parts, bitmap of overfull
 *              blocks (which have more trigrams than are kept and so count for every text); little-endian, 32 bits each
 *              and the checksum of everything but the groups
 *   groups     trigrams in order, STORE_TEXT_GROUP of them a group: the group's checksum, then for each trigram the
 *              difference to the one before as a varint and its blocks: a byte n < 128: n + 1 block numbers follow;
 *              128: a bitmap of 16 bytes follows; 129 + n: the n block numbers that do NOT have it follow
 *   directory  for each group its first trigram and its offset, 8 bytes
 *   documents  for each block the number of its documents, then each id as the (zigzag varint) difference to the one
 *              before
 *   repeats    pairs of ids, a repeat and the first, both as zigzag varint differences to the pair before
 *
 * A segment is written once and never changed.  Every number read from it is checked, and every byte by a checksum: a
 * damaged one gives ERR_DAMAGED, never a wrong answer, and is made anew by its owner.  Only the directory and the
 * documents stay in memory; a look-up reads one group.  The file is open only while it is read, so that a thousand
 * segments cost no descriptors.
 */
#ifndef STORE_TEXT_SEGMENT_H
#define STORE_TEXT_SEGMENT_H

#include "base/err.h"
#include "base/str.h"
#include "os/file.h"

#define STORE_TEXT_GROUP 64
#define STORE_TEXT_MAGIC "SKTX"
/* Also grows when folding, decoding or the choice of charsets changes: segments hold what these made of the bytes. */
#define STORE_TEXT_VERSION 2
#define STORE_TEXT_HEADER_BYTES 52
#define STORE_TEXT_CHECKSUM_BEGIN UINT32_C(2166136261)

struct store_text_segment;

/* Goes on from STORE_TEXT_CHECKSUM_BEGIN or from an earlier piece.  FNV-1a of 32 bits: against decay, not against
 * forgery. */
static inline uint32_t store_text_segment_checksum(uint32_t before, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        before = (before ^ (unsigned char)bytes.ptr[i]) * UINT32_C(16777619);
    return before;
}

/* A set of a segment's blocks. */
struct store_text_blocks {
    uint64_t bits[2];
};

/* Opens the file; ERR_DAMAGED when it is not a segment of this version. */
MUST_CHECK struct err store_text_segment_open(const char *path, struct store_text_segment **ret_segment);
void store_text_segment_close(struct store_text_segment **segment);

/* The blocks that hold every trigram of `folded` (at least 3 bytes; of longer ones the first 64 trigrams are asked). */
MUST_CHECK struct err store_text_segment_find(struct store_text_segment *segment, struct str folded,
                                              struct store_text_blocks *ret_blocks);

/* One call for each document of the blocks, and for each repeat of any document (`first` is whose). */
void store_text_segment_ids(const struct store_text_segment *segment, const struct store_text_blocks *blocks,
                            void (*on_id)(void *owner, uint64_t id), void *owner);
void store_text_segment_repeats(const struct store_text_segment *segment,
                                void (*on_repeat)(void *owner, uint64_t id, uint64_t first), void *owner);

size_t store_text_segment_block_count(const struct store_text_segment *segment);
/* All of its blocks. */
struct store_text_blocks store_text_segment_all(const struct store_text_segment *segment);
/* Reads all groups.  ERR_DAMAGED when one of them is. */
MUST_CHECK struct err store_text_segment_check(struct store_text_segment *segment);

#endif
