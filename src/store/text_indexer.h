/* text_indexer.h - makes the index of text in the background: a thread of low priority, beside the recorder.
 *
 * It walks through closed exchanges that no segment covers, in the order of ids, with a reader of its own, and gives
 * their documents to two builders (text_builder.h).  A segment is written when its builder is full, or when nothing
 * new came for idle_ms and idle_documents_min documents wait.  What waits at the end of the program is looked at again
 * the next time.
 *
 * A text that was indexed before is only noted as a repeat of it, found by its SHA-256 in a table of fixed size.
 * Exchanges that cannot be read, and bodies of more than STORE_TEXT_INDEXER_BODY_MAX, stay uncovered: searches look at
 * them one by one, and so does the thread when the program is started again.
 *
 * Before a segment is written the capture is synced, so that no segment speaks of exchanges that a power cut takes
 * back.  With less than STORE_TEXT_INDEXER_FREE_MIN left on the disk nothing is written.
 *
 * Memory: two builders, the bodies of one exchange, 2.5 MiB of table, a bit for each exchange.
 */
#ifndef STORE_TEXT_INDEXER_H
#define STORE_TEXT_INDEXER_H

#include "base/err.h"

#define STORE_TEXT_INDEXER_BODY_MAX ((size_t)8 * 1024 * 1024)
#define STORE_TEXT_INDEXER_FREE_MIN ((uint64_t)256 * 1024 * 1024)

struct store_text_indexer;

struct store_text_indexer_options {
    uint64_t idle_ms;          /* 0: 5000 */
    size_t idle_documents_min; /* 0: 512 */
    uint64_t nap_ms;           /* between two looks for something new; 0: 1000 */
};

/* `options` may be NULL. */
MUST_CHECK struct err store_text_indexer_start(const char *project_folder,
                                               const struct store_text_indexer_options *options,
                                               struct store_text_indexer **ret_indexer);
/* Waits for the thread, which looks up after each exchange. */
void store_text_indexer_stop(struct store_text_indexer **indexer);
/* Any thread.  Nothing is read or written while paused. */
void store_text_indexer_pause(struct store_text_indexer *indexer, bool is_paused);

struct store_text_indexer_status {
    uint64_t exchange_count; /* looked at since the start */
    uint64_t text_bytes;     /* of distinct text given to the builders */
    uint64_t segment_bytes;  /* written */
    uint64_t busy_us;        /* time spent on it */
    bool is_idle;            /* nothing is left but what waits for a segment */
};

/* Any thread. */
void store_text_indexer_status(struct store_text_indexer *indexer, struct store_text_indexer_status *ret_status);

#endif
