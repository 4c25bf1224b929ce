/* event.h - how a call of an observer travels through a port's ring: this head, packed facts, bytes. */
#ifndef STORE_EVENT_H
#define STORE_EVENT_H

#include "base/str.h"

enum store_event_kind {
    STORE_EVENT_HEAD,
    STORE_EVENT_INTERIM,
    STORE_EVENT_BYTES,
    STORE_EVENT_HALF_END,
    STORE_EVENT_END,  /* always with facts */
    STORE_EVENT_LATE, /* the end of an exchange of which a gap swallowed a part; with facts */
    STORE_EVENT_GAP,  /* bytes are a struct store_index_gap */
};

/* Longest bytes of one event; longer ones are split. */
#define STORE_EVENT_BYTES_MAX ((size_t)256 * 1024)

struct store_event {
    uint8_t kind;          /* enum store_event_kind */
    uint8_t side;          /* enum exchange_side */
    uint8_t exchange_kind; /* enum exchange_kind, at that moment */
    uint8_t is_complete;   /* of HALF_END */
    uint32_t facts_len;    /* packed facts behind this head; 0: none.  Bytes begin at the next multiple of 16 */
    uint64_t id;
    uint64_t at_us;    /* monotonic clock */
    uint64_t since_us; /* from the exchange's begin */
};

#define STORE_EVENT_ALIGN(len) (((size_t)(len) + 15) / 16 * 16)

#endif
