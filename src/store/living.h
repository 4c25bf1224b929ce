/* living.h - what the recorder keeps of exchanges under way, by id.
 *
 * Only the recorder thread touches it.  An exchange's memory is used again for the next one, so that ordinary traffic
 * allocates nothing.  Bytes that wait are counted in all, for the recorder's bound.
 */
#ifndef STORE_LIVING_H
#define STORE_LIVING_H

#include "base/buf.h"
#include "base/list.h"
#include "model/facts.h"
#include "store/digest.h"
#include "store/event.h"
#include "store/warc.h"

#define STORE_LIVING_TITLE_MAX 512

struct store_living_half {
    struct buf bytes; /* not yet written; the head is among the first */
    uint64_t written_len;
    uint64_t head_len;
    unsigned segment_number;    /* of the last written; 0: none */
    struct store_digest *whole; /* of all segments; NULL before the first */
    struct store_warc_id first_id;
    bool has_record; /* first_id names one */
    bool is_ended, is_complete;
    bool is_written; /* with its last record */
};

struct store_living_exchange {
    struct store_living_exchange *next_in_bucket;
    struct list waiting; /* in the table's list while bytes wait */
    uint64_t waiting_since_us;
    uint64_t id;
    unsigned port;
    struct buf facts;   /* packed; the latest that came */
    bool has_new_facts; /* newer than those written last */
    bool is_open;       /* opening metadata was written: halves go into segments */
    unsigned open_count;
    struct store_living_half half[2];                      /* by enum exchange_side */
    struct buf interims;                                   /* each: length (4 bytes), bytes */
    uint64_t interim_count;                                /* written */
    struct buf stream;                                     /* frames */
    uint64_t stream_count;                                 /* records written */
    uint64_t stream_written_len[2], stream_waiting_len[2]; /* by side */
    char title[STORE_LIVING_TITLE_MAX];
    size_t title_len;
    bool is_title_known; /* was looked for */
};

struct store_living {
    struct store_living_exchange **buckets;
    size_t bucket_count;
    size_t count;
    size_t waiting_bytes; /* of all */
    struct list waiting;  /* oldest first */
    struct store_living_exchange *spare;
    size_t spare_count;
};

void store_living_init(struct store_living *living);
/* Frees all that are left. */
void store_living_deinit(struct store_living *living);

/* NULL when there is none. */
struct store_living_exchange *store_living_find(struct store_living *living, uint64_t id);
struct store_living_exchange *store_living_add(struct store_living *living, uint64_t id, unsigned port);
void store_living_remove(struct store_living *living, struct store_living_exchange *exchange);

/* Takes in what an event brings.  Not for END, LATE and GAP. */
void store_living_take(struct store_living *living, struct store_living_exchange *exchange,
                       const struct store_event *event, struct str bytes);
void store_living_take_facts(struct store_living_exchange *exchange, struct str facts);
/* What waits of one exchange. */
size_t store_living_waiting_len(const struct store_living_exchange *exchange);
/* After its bytes were written: `before` is what waited until then. */
void store_living_wrote(struct store_living *living, struct store_living_exchange *exchange, size_t before);
/* The one that has waited longest; NULL when none waits. */
struct store_living_exchange *store_living_oldest(struct store_living *living);
/* Any one that came through that port; NULL when none.  Looks at all: for gaps only. */
struct store_living_exchange *store_living_of_port(struct store_living *living, unsigned port);

#endif
