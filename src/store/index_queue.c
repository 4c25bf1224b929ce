#include "store/index_queue.h"

#include "store/fields.h"

enum entry_kind {
    ENTRY_ROW,
    ENTRY_PIECE,
    ENTRY_GAP,
};

/* Followed by a row's packed facts; entries begin at multiples of 16. */
struct entry {
    enum entry_kind kind;
    size_t len; /* of the whole entry */
    size_t facts_len;
    union {
        struct store_index_row row; /* facts is NULL */
        struct store_index_piece piece;
        struct {
            struct store_index_gap gap;
            struct store_place place;
        } gap;
    } as;
};

static size_t round_up(size_t len) { return (len + 15) / 16 * 16; }

void store_index_queue_init(struct store_index_queue *queue, size_t max_bytes)
{
    *queue = (struct store_index_queue){0};
    store_out_init(&queue->entries, max_bytes);
}

void store_index_queue_deinit(struct store_index_queue *queue) { store_out_deinit(&queue->entries); }

void store_index_queue_clear(struct store_index_queue *queue) { queue->entries.len = 0; }

/* NULL: it does not fit. */
static char *push(struct store_index_queue *queue, struct entry *entry, size_t facts_len)
{
    size_t len = round_up(sizeof(*entry)) + round_up(facts_len);
    char *at;

    if (queue->has_lost || queue->entries.len + len > queue->entries.max_bytes) {
        queue->has_lost = true;
        return NULL;
    }
    store_out_room(&queue->entries, len);
    at = queue->entries.bytes + queue->entries.len;
    entry->len = len;
    entry->facts_len = facts_len;
    memcpy(at, entry, sizeof(*entry));
    queue->entries.len += len;
    return at + round_up(sizeof(*entry));
}

void store_index_queue_push_row(struct store_index_queue *queue, const struct store_index_row *row)
{
    struct entry entry = {.kind = ENTRY_ROW, .as.row = *row};
    char *facts = push(queue, &entry, store_fields_pack_len(row->facts));

    if (facts)
        store_fields_pack(row->facts, facts);
}

void store_index_queue_push_piece(struct store_index_queue *queue, const struct store_index_piece *piece)
{
    struct entry entry = {.kind = ENTRY_PIECE, .as.piece = *piece};

    push(queue, &entry, 0);
}

void store_index_queue_push_gap(struct store_index_queue *queue, const struct store_index_gap *gap,
                                const struct store_place *place)
{
    struct entry entry = {.kind = ENTRY_GAP, .as.gap = {.gap = *gap, .place = *place}};

    push(queue, &entry, 0);
}

static struct err apply(const struct entry *entry, const char *facts_bytes, struct store_index *index)
{
    struct store_index_row row;
    struct exchange_facts facts;

    if (entry->kind == ENTRY_PIECE)
        return store_index_put_piece(index, &entry->as.piece);
    if (entry->kind == ENTRY_GAP)
        return store_index_put_gap(index, &entry->as.gap.gap, &entry->as.gap.place);
    store_fields_unpack((struct str){facts_bytes, entry->facts_len}, &facts);
    row = entry->as.row;
    row.facts = &facts;
    return store_index_put(index, &row);
}

struct err store_index_queue_apply(const struct store_index_queue *queue, struct store_index *index,
                                   const struct store_index_queue_hooks *hooks)
{
    size_t at = 0;

    for (unsigned count = 1; at < queue->entries.len; count++) {
        const char *bytes = queue->entries.bytes + at;
        const struct entry *entry = (const struct entry *)(const void *)bytes;
        const char *facts = bytes + round_up(sizeof(*entry));

        TRY(apply(entry, facts, index));
        if (entry->kind == ENTRY_ROW)
            hooks->on_row(hooks->owner, ((const struct exchange_facts *)(const void *)facts)->id);
        at += entry->len;
        if (count % STORE_INDEX_QUEUE_PAUSE == 0)
            hooks->on_pause(hooks->owner);
    }
    return OK;
}
