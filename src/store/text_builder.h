/* text_builder.h - makes one segment of the text index: which blocks of text hold which trigrams, exactly.
 *
 * A trigram is three bytes, one after another, of folded UTF-8 text (query/fold.h), so two kanji hold several and no
 * language is left out.  Documents are gathered into blocks of about as many bytes as told; a document is never split,
 * a longer one is a block by itself, so a text that occurs in a document has all of its trigrams in one block.  A
 * segment holds at most STORE_TEXT_BLOCK_MAX blocks.
 *
 * Measured on 790 MB of web text (docs/design/003-text-index.md): 64 KiB blocks take 5.6 % of the text, with no false
 * hit for a trigram.
 *
 * Memory: 2 MiB of marks and at most STORE_TEXT_ENTRY_MAX entries of 4 bytes, twice while a segment is finished.
 */
#ifndef STORE_TEXT_BUILDER_H
#define STORE_TEXT_BUILDER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define STORE_TEXT_BLOCK_BYTES ((size_t)(64 * 1024))
/* Heads are small, alike, and full of random digits: of a hundred of them some hold any three digits. */
#define STORE_TEXT_HEADS_BLOCK_BYTES ((size_t)(8 * 1024))
#define STORE_TEXT_BLOCK_MAX 128
#define STORE_TEXT_ENTRY_MAX ((size_t)(4 * 1024 * 1024))
#define STORE_TEXT_DOCUMENT_MAX ((size_t)65536) /* in a segment */

struct store_text_builder;

struct store_text_builder *store_text_builder_new(size_t block_bytes);
void store_text_builder_free(struct store_text_builder **builder);

/* Bytes of the current document, folded; a document may come in several pieces that belong together. */
void store_text_builder_add(struct store_text_builder *builder, struct str folded);
/* The current document ends; it is `id`'s.  An empty one takes its place, too: it is known to hold nothing. */
void store_text_builder_end_document(struct store_text_builder *builder, uint64_t id);
/* The document that ends is the same text as that of `first_id`, which was indexed before: nothing to add. */
void store_text_builder_repeat(struct store_text_builder *builder, uint64_t id, uint64_t first_id);

/* The segment has reached a bound and should be finished. */
bool store_text_builder_is_full(const struct store_text_builder *builder);
bool store_text_builder_is_empty(const struct store_text_builder *builder);
/* Bytes of text since the segment began. */
uint64_t store_text_builder_text_bytes(const struct store_text_builder *builder);

/* Writes the segment's bytes (text_segment.h) into an empty buffer and begins the next. */
MUST_CHECK struct err store_text_builder_finish(struct store_text_builder *builder, struct buf *segment);

#endif
