/* text_index.h - the index of text as a reader sees it: which exchanges may hold a text.
 *
 *   PROJECT/text/heads-000001.seg    a segment (text_segment.h) of documents of one family
 *   PROJECT/text/bodies-000001.seg
 *
 * An exchange has a document in each family: its heads with its URL, and the text of its bodies.  Segments are made by
 * text_indexer.h and read by anybody; the folder may be deleted at any time.  An exchange that no segment covers may
 * hold any text: neither a missing, half-made nor damaged index changes an answer.
 *
 * Memory: directory and documents of each segment, and a bit for each exchange.
 */
#ifndef STORE_TEXT_INDEX_H
#define STORE_TEXT_INDEX_H

#include "base/err.h"
#include "query/literals.h"
#include "store/text_set.h"

enum store_text_family {
    STORE_TEXT_HEADS,
    STORE_TEXT_BODIES,
    STORE_TEXT_FAMILY_COUNT,
};

#define STORE_TEXT_PATH_MAX 4096
#define STORE_TEXT_SEGMENTS_MAX 65536u /* of a family; a folder that has more is read no further */

struct store_text_index;

/* Nothing is read yet. */
MUST_CHECK struct err store_text_index_open(const char *project_folder, struct store_text_index **ret_index);
void store_text_index_close(struct store_text_index **index);
/* Reads segments that came and forgets those that went.  `is_owner`: removes damaged ones, of which every byte is then
 * checked. */
void store_text_index_refresh(struct store_text_index *index, bool is_owner);

/* A set of this index's size: none of what is covered, or all.  The caller deinits it. */
void store_text_index_set(const struct store_text_index *index, bool is_full, struct store_text_set *ret_set);
/* Adds the exchanges that may hold a text (QUERY_LITERALS_TEXT), uncovered ones included. */
void store_text_index_find(struct store_text_index *index, const struct query_literals *text,
                           struct store_text_set *set);
/* Adds the exchanges that some family does not cover. */
void store_text_index_add_uncovered(const struct store_text_index *index, struct store_text_set *set);
bool store_text_index_covers(const struct store_text_index *index, enum store_text_family family, uint64_t id);
size_t store_text_index_segment_count(const struct store_text_index *index, enum store_text_family family);

/* "PROJECT/text/bodies-000017.seg".  ERR_LIMIT. */
MUST_CHECK struct err store_text_index_path(const char *project_folder, enum store_text_family family, uint32_t number,
                                            char path[STORE_TEXT_PATH_MAX]);
/* A number above all of the family's. */
uint32_t store_text_index_next_number(const struct store_text_index *index, enum store_text_family family);

#endif
