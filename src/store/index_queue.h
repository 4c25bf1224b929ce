/* index_queue.h - rows that wait for the next commit of the index.
 *
 * Rows are kept packed, so that the transaction that writes them is short: between two of them the write-ahead log can
 * be emptied.  What does not fit under the maximum is dropped and remembered: the index is then behind and must be
 * replayed from its mark.
 */
#ifndef STORE_INDEX_QUEUE_H
#define STORE_INDEX_QUEUE_H

#include "store/index.h"
#include "store/out.h"

struct store_index_queue {
    struct store_out entries;
    bool has_lost; /* something was dropped */
};

void store_index_queue_init(struct store_index_queue *queue, size_t max_bytes);
void store_index_queue_deinit(struct store_index_queue *queue);

void store_index_queue_push_row(struct store_index_queue *queue, const struct store_index_row *row);
void store_index_queue_push_piece(struct store_index_queue *queue, const struct store_index_piece *piece);
void store_index_queue_push_gap(struct store_index_queue *queue, const struct store_index_gap *gap,
                                const struct store_place *place);

static inline size_t store_index_queue_len(const struct store_index_queue *queue) { return queue->entries.len; }

/* Entries between two calls of on_pause. */
#define STORE_INDEX_QUEUE_PAUSE 128u

struct store_index_queue_hooks {
    void (*on_row)(void *owner, uint64_t id); /* each row */
    void (*on_pause)(void *owner);            /* now and then, for work that must not wait; not on this queue */
    void *owner;
};

/* Writes all of it, inside the caller's transaction.  The queue stays as it is until store_index_queue_clear(). */
MUST_CHECK struct err store_index_queue_apply(const struct store_index_queue *queue, struct store_index *index,
                                              const struct store_index_queue_hooks *hooks);
void store_index_queue_clear(struct store_index_queue *queue);

#endif
