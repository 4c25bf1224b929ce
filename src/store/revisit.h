/* revisit.h - finds bodies that are in the capture already.
 *
 * A table of fixed size, by a keyed hash of the body: a newer body takes an older one's place.  The hash only finds a
 * candidate; the bytes in the capture decide.
 */
#ifndef STORE_REVISIT_H
#define STORE_REVISIT_H

#include "store/place.h"
#include "store/warc.h"

#define STORE_REVISIT_BODY_MIN ((size_t)4 * 1024)
#define STORE_REVISIT_BODY_MAX ((size_t)1024 * 1024)

struct store_revisit;

/* What a revisit record says of the original. */
struct store_revisit_original {
    const struct store_warc_head *head; /* until the next call */
    struct store_place body;
};

struct store_revisit *store_revisit_new(const char *project_folder);
void store_revisit_free(struct store_revisit **revisit);

uint64_t store_revisit_hash(const struct store_revisit *revisit, struct str body);
/* Whether a body with that hash stands in the capture, byte for byte. */
bool store_revisit_find(struct store_revisit *revisit, uint64_t hash, struct str body,
                        struct store_revisit_original *ret_original);
/* Remembers a response record; `record_offset` is where its head begins, `block` its block, at whose end the body
 * stands. */
void store_revisit_add(struct store_revisit *revisit, uint64_t hash, uint64_t record_offset,
                       const struct store_place *block);

#endif
