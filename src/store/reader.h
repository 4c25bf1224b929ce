/* reader.h - reads a project: lists by query, facts, bytes.  Works while another process or thread records.
 *
 * A reader belongs to one thread; it opens the index and the capture read-only and never writes.  Queries run in short
 * snapshots (2 s at most), so a long search neither blocks the recorder nor makes its log grow; a cursor says where
 * one continues, and stays right while new exchanges arrive.
 *
 * Rows come in the facts that the proxy filled (model/facts.h); their text lives until the next call on the reader,
 * or in an arena where one is given.
 *
 * Errors: ERR_ABSENT no such exchange; ERR_DAMAGED the index is missing, foreign or behind and the project must first
 * be opened for recording (or `sekisho project reindex`), or a capture file does not hold what the index says.
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/facts.h"
#include "model/facts_json.h"

struct query_tree;
struct store_reader;

/* The project's folder, as store_project_folder() gives it.  When the index is missing or foreign and no one records,
 * it takes the lock and makes it; `is_repair_allowed` false: ERR_DAMAGED instead. */
MUST_CHECK struct err store_reader_open(const char *project_folder, bool is_repair_allowed,
                                        struct store_reader **ret_reader);
void store_reader_close(struct store_reader **reader);

struct store_reader_item {
    struct exchange_facts facts;
    bool is_open; /* still under way, or left so by a program that was killed */
    struct facts_marks marks;
};

#define STORE_READER_CURSOR_MAX 2048

struct store_reader_query {
    const struct query_tree *query; /* NULL: all */
    struct str order;               /* a field of query/column.h, '-' before it for descending; empty: "-id" */
    struct str after;     /* the cursor of an earlier page; empty: from the start.  ERR_SYNTAX when it is not one */
    uint64_t skip;        /* matching rows to pass over: a rank.  After `after` */
    double fraction;      /* 0..1: begin at this part of all rows in this order (the query not counted); < 0: off */
    size_t limit;         /* 0: 100 */
    uint64_t deadline_us; /* os_clock_mono_us() at which to stop; 0: none */
    const atomic_bool *is_cancelled; /* looked at often; may be NULL */
    /* Now and then: how many rows were looked at, of about how many.  May be NULL. */
    void (*on_progress)(void *owner, uint64_t done_rows, uint64_t total_rows);
    /* Each match at once, in order; borrowed for the call.  Return false to stop. */
    bool (*on_item)(void *owner, const struct store_reader_item *item);
    void *owner;
};

struct store_reader_result {
    char next[STORE_READER_CURSOR_MAX]; /* cursor behind the last row looked at; "" when nothing is left */
    size_t item_count;
    bool is_stopped;        /* by deadline or on_item; `next` continues */
    bool has_limited_regex; /* a limit (of a regex, of a body) left some rows undecided: they are not in the answer */
};

/* ERR_CANCELLED; ERR_SYNTAX for a bad order or cursor (what says which). */
MUST_CHECK struct err store_reader_list(struct store_reader *reader, const struct store_reader_query *query,
                                        struct store_reader_result *ret_result);

struct store_reader_count {
    uint64_t count;
    bool is_exact; /* false: stopped by the deadline; at least this many */
};
/* on_item, order, after, limit are not used. */
MUST_CHECK struct err store_reader_count(struct store_reader *reader, const struct store_reader_query *query,
                                         struct store_reader_count *ret_count);
/* How many exchanges there are in all, exact and cheap enough to ask often; and the highest id. */
MUST_CHECK struct err store_reader_total(struct store_reader *reader, uint64_t *ret_count, uint64_t *ret_last_id);

/* One exchange; its text goes to `arena`. */
MUST_CHECK struct err store_reader_get(struct store_reader *reader, uint64_t id, struct arena *arena,
                                       struct store_reader_item *ret_item);

/* Bytes of one half as on the wire: head, then body area with its framing; of a tunnel, what that side sent. */
MUST_CHECK struct err store_reader_raw_len(struct store_reader *reader, uint64_t id, enum exchange_side side,
                                           uint64_t *ret_len);
struct store_reader_range {
    uint64_t id;
    enum exchange_side side;
    uint64_t offset;
    size_t len;
};

/* The bytes of the range, into `bytes`; fewer only at the end. */
MUST_CHECK struct err store_reader_raw(struct store_reader *reader, const struct store_reader_range *range, char *bytes,
                                       size_t *ret_len);
/* The `index`-th interim response (0 and up), appended; ERR_ABSENT past the last, ERR_LIMIT when it does not fit. */
MUST_CHECK struct err store_reader_interim(struct store_reader *reader, uint64_t id, unsigned index, struct buf *wire);

/* What is known of a body after decoding. */
struct store_reader_body {
    bool is_truncated;      /* longer than the buffer's maximum; what fits is there */
    bool is_incomplete;     /* the message itself ended early */
    bool is_bomb;           /* decompressing stopped at the ratio limit */
    bool is_coding_unknown; /* a content coding nobody here knows: bytes are left coded */
    bool is_malformed;      /* framing or coding was damaged; what came before the damage is there */
    bool is_text;           /* store_reader_text(): of a type that is text and searched (http/charset.h) */
    char charset[32];       /* that the text was taken to be in; "" for none */
};

/* The body without its transfer framing (chunks undone), content coding kept; appended to `body` as far as it fits. */
MUST_CHECK struct err store_reader_payload(struct store_reader *reader, uint64_t id, enum exchange_side side,
                                           struct buf *body, struct store_reader_body *ret_about);
/* With the content coding undone too. */
MUST_CHECK struct err store_reader_decoded(struct store_reader *reader, uint64_t id, enum exchange_side side,
                                           struct buf *body, struct store_reader_body *ret_about);
/* And in UTF-8, from the declared or guessed charset. */
MUST_CHECK struct err store_reader_text(struct store_reader *reader, uint64_t id, enum exchange_side side,
                                        struct buf *body, struct store_reader_body *ret_about);

#endif
