/* reader_core.h - the inside of a reader, for reader*.c only. */
#ifndef STORE_READER_CORE_H
#define STORE_READER_CORE_H

#include "os/file.h"
#include "query/regex.h"
#include "query/sql.h"
#include "store/capture.h"
#include "store/database.h"
#include "store/fields.h"
#include "store/index.h"
#include "store/reader.h"
#include "store/text_index.h"

#define STORE_READER_FILES 4u /* capture files held open */

struct store_reader_file {
    uint32_t number; /* 0: free */
    uint64_t used;   /* when it was used last, counted */
    struct os_file *file;
};

/* Where a sequential read of a stream's side is: saves looking at all frames before it. */
struct store_reader_stream {
    uint64_t id;
    unsigned side;
    uint64_t side_offset;  /* the frame's first byte, among that side's */
    uint64_t record_start; /* the key of its record's piece; 0 with len 0: nothing known */
    uint64_t frame_offset; /* of the frame's head, from the block's start */
    bool is_known;
};

struct store_reader {
    char folder[STORE_CAPTURE_PATH_MAX];
    char project_name[64 + 1];
    sqlite3 *database;
    sqlite3_stmt *get_row, *get_piece, *get_interim;
    sqlite3 *notes; /* project.db, NULL while there is none */
    sqlite3_stmt *get_note, *get_tags, *get_color;
    struct store_reader_file files[STORE_READER_FILES];
    uint64_t file_uses;
    struct arena item_arena; /* of the item given out */
    struct buf block;
    struct store_reader_stream stream;
    uint64_t counted_id, counted;  /* rows with ids up to counted_id */
    struct store_text_index *text; /* NULL until a query asks for text */
    /* While a statement runs. */
    const struct store_text_set *candidates; /* of query_is_candidate(id); NULL: all */
    const atomic_bool *is_cancelled;
    uint64_t deadline_us;
};

/* Bytes of the capture; ERR_DAMAGED when it is shorter. */
MUST_CHECK struct err store_reader_read_place(struct store_reader *reader, const struct store_place *place,
                                              uint64_t offset, char *bytes, size_t len);
/* The facts at the place of a metadata record, without what a person wrote; text in `arena`. */
MUST_CHECK struct err store_reader_load_item(struct store_reader *reader, uint64_t id, const struct store_place *place,
                                             struct arena *arena, struct store_reader_item *ret_item);
/* As store_reader_get(), without what a person wrote. */
MUST_CHECK struct err store_reader_get_facts(struct store_reader *reader, uint64_t id, struct arena *arena,
                                             struct store_reader_item *ret_item);
/* Bytes of a stream's side, as many as one frame gives, at least one; range->offset counts that side's. */
MUST_CHECK struct err store_reader_stream_read(struct store_reader *reader, const struct store_reader_range *range,
                                               char *bytes, size_t *ret_len);
/* The piece of a part that holds byte `offset`, or the last before it.  ERR_ABSENT. */
MUST_CHECK struct err store_reader_piece(struct store_reader *reader, uint64_t id, enum store_index_part part,
                                         uint64_t offset, struct store_index_piece *ret_piece);
/* Appends the whole half; ERR_LIMIT when it does not fit. */
MUST_CHECK struct err store_reader_whole(struct store_reader *reader, uint64_t id, enum exchange_side side,
                                         struct buf *bytes);
MUST_CHECK struct err store_reader_marks(struct store_reader *reader, uint64_t id, struct arena *arena,
                                         struct facts_marks *ret_marks);
/* How far a body is taken apart. */
enum store_reader_level {
    STORE_READER_PAYLOAD,
    STORE_READER_DECODED,
    STORE_READER_TEXT,
    STORE_READER_SEARCHED, /* as TEXT, but nothing of a body that is no text */
};

struct store_reader_part {
    uint64_t id;
    enum exchange_side side;
    enum store_reader_level level;
};

MUST_CHECK struct err store_reader_body_load(struct store_reader *reader, const struct store_reader_part *part,
                                             struct buf *body, struct store_reader_body *ret_about);
/* The functions that conditions use; the authorizer and the progress handler. */
MUST_CHECK struct err store_reader_sql_prepare(struct store_reader *reader);
/* The condition's parameters, from the first on; the condition must live as long as the statement runs. */
void store_reader_sql_bind(sqlite3_stmt *statement, const struct query_sql *sql);
/* reader_candidates.c: the exchanges that may hold the texts.  The caller deinits the set.  An error when stopped. */
MUST_CHECK struct err store_reader_candidates(struct store_reader *reader, const struct query_literals *literals,
                                              struct arena *arena, struct store_text_set *ret_set);
/* reader_list.c: both need the same walk. */
MUST_CHECK struct err store_reader_list_count(struct store_reader *reader, const struct store_reader_query *query,
                                              struct store_reader_count *ret_count);

#endif
