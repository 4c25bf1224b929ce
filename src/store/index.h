/* index.h - the index: rows that are a function of the capture's records, and the one place that writes them.
 *
 * Recording, catching up and a reindex all call the same functions here with what records say.  A mark, written in the
 * same transaction as the rows, says up to where the capture is in the index.
 *
 * Bytes of a half stand in one place (the row's own columns) or, when it was written in pieces, in several: then the
 * table `piece` has them by where they begin in the half, so that any range is found at once.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <sqlite3.h>

#include "base/err.h"
#include "model/facts.h"
#include "store/database.h"
#include "store/place.h"

/* The kind of every index.db, and its schema. */
extern const struct store_database_kind store_index_kind;
#define STORE_INDEX_FILE "index.db"

/* What a piece belongs to. */
enum store_index_part {
    STORE_INDEX_REQUEST,
    STORE_INDEX_RESPONSE,
    STORE_INDEX_INTERIM,     /* `start` counts them from 0 */
    STORE_INDEX_FROM_CLIENT, /* a record of a stream; `len` counts that side's bytes in it */
    STORE_INDEX_FROM_ORIGIN,
    STORE_INDEX_OPEN_METADATA, /* `start` 0, or 1 for the second */
    STORE_INDEX_PART_COUNT,
};

struct store_index_piece {
    uint64_t id;
    enum store_index_part part;
    uint64_t start;
    struct store_place place;
};

struct store_index_row {
    const struct exchange_facts *facts;
    bool is_open;
    bool are_places_kept; /* `late`: the halves' places of the row that is there stay */
    struct store_place metadata;
    struct store_place half[2]; /* by enum exchange_side; nowhere when in pieces or absent */
};

struct store_index_gap {
    uint64_t from_us, to_us, exchange_count, event_count, byte_count;
};

/* Up to where the capture is in the index. */
struct store_index_mark {
    uint32_t file;
    uint64_t offset;
    uint64_t last_id; /* the highest exchange id seen in any record */
};

struct store_index;

/* ERR_DAMAGED: not usable; store_index_set_aside() and again. */
MUST_CHECK struct err store_index_open(const char *project_folder, struct store_index **ret_index);
void store_index_close(struct store_index **index);
/* Renames what is there to .bad-N. */
MUST_CHECK struct err store_index_set_aside(const char *project_folder);
MUST_CHECK struct err store_index_path(const char *project_folder, char path[], size_t size);

MUST_CHECK struct err store_index_begin(struct store_index *index);
MUST_CHECK struct err store_index_commit(struct store_index *index);
void store_index_rollback(struct store_index *index);

MUST_CHECK struct err store_index_put(struct store_index *index, const struct store_index_row *row);
MUST_CHECK struct err store_index_put_piece(struct store_index *index, const struct store_index_piece *piece);
/* A gap; the place of its record is its key, so that putting it again changes nothing. */
MUST_CHECK struct err store_index_put_gap(struct store_index *index, const struct store_index_gap *gap,
                                          const struct store_place *place);
MUST_CHECK struct err store_index_put_mark(struct store_index *index, const struct store_index_mark *mark);
MUST_CHECK struct err store_index_get_mark(struct store_index *index, struct store_index_mark *ret_mark);

struct store_index_known {
    bool is_open;
    struct store_place metadata;
    struct store_place half[2];
    uint64_t end[STORE_INDEX_PART_COUNT]; /* where the next piece of each part begins */
};

/* ERR_ABSENT when the exchange has neither row nor piece. */
MUST_CHECK struct err store_index_get(struct store_index *index, uint64_t id, struct store_index_known *ret_known);
/* Up to `max` ids of open exchanges above `after`, rising; returns how many. */
MUST_CHECK struct err store_index_open_ids(struct store_index *index, uint64_t after, uint64_t *ids, size_t max,
                                           size_t *ret_count);
/* Takes back whatever points behind that place of the capture.  Rows that were closed there and opened before it are
 * left for the caller: their ids come back, at most `max` (more is ERR_LIMIT: make the index anew). */
MUST_CHECK struct err store_index_rewind(struct store_index *index, const struct store_index_mark *mark, uint64_t *ids,
                                         size_t max, size_t *ret_count);
/* The place of an exchange's last open metadata.  ERR_ABSENT. */
MUST_CHECK struct err store_index_open_metadata(struct store_index *index, uint64_t id, struct store_place *ret_place);

/* Moves committed pages from the write-ahead log to the database; for a connection of its own (syncer). */
MUST_CHECK struct err store_index_checkpoint(sqlite3 *database, int *ret_pages_left);

#endif
