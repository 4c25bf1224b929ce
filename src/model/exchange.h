/* exchange.h - one request and its response while they pass, as everything above the wire sees them.
 *
 * An exchange is the same whether it came over HTTP/1 or HTTP/2: the codecs below produce it, and recorder, checks and
 * feeds only ever see this.  It lives in its own arena, on one loop, until its last observer call has returned.
 *
 * It has two halves that move on their own, because a response may begin, or end, before its request has:
 *
 *   WAIT -> HEAD -> BODY -> ENDED          (BODY may be skipped)
 *
 * A half never moves back.  Trailers are part of the BODY phase: they are bytes like the rest.
 *
 * Observers are called on the exchange's loop in this order, and must not keep a pointer into it past on_end:
 *
 *   on_begin                           id, at_us, addresses are set
 *   for each half, interleaved:        on_head once, on_bytes any number of times, on_half_end once
 *     response:                        on_interim any number of times before on_head
 *   on_end                             always, exactly once, last; facts are final; halves may be incomplete
 *
 * The end is told before the last byte is forwarded, so who has seen an answer finds it recorded.
 */
#ifndef MODEL_EXCHANGE_H
#define MODEL_EXCHANGE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/facts.h"

enum exchange_phase {
    EXCHANGE_WAIT,
    EXCHANGE_HEAD,
    EXCHANGE_BODY,
    EXCHANGE_ENDED,
};

struct exchange_half {
    enum exchange_phase phase;
    struct str head;                    /* as on the wire; in the exchange's arena */
    const struct http_message *message; /* the head's parts; NULL before HEAD and for tunnels */
};

struct exchange_observer;

struct exchange {
    struct arena arena;
    struct exchange_facts facts;
    uint64_t begun_us;            /* monotonic clock at at_us */
    struct exchange_half half[2]; /* by enum exchange_side */
    struct exchange_observer *const *observers;
    size_t observer_count;
    void *observer_slot; /* for the recorder alone: what it keeps with a living exchange */
};

struct exchange_observer_ops {
    void (*on_begin)(struct exchange_observer *self, struct exchange *exchange);
    void (*on_head)(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side);
    /* A 1xx response; `wire` is its whole head. */
    void (*on_interim)(struct exchange_observer *self, struct exchange *exchange, struct str wire);
    /* Bytes of the body area as on the wire, framing included; borrowed for the call. */
    void (*on_bytes)(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side,
                     struct str wire);
    void (*on_half_end)(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side);
    void (*on_end)(struct exchange_observer *self, struct exchange *exchange);
    /* Whether what one socket read can bring still fits; NULL: always. */
    bool (*has_room)(struct exchange_observer *self);
    /* After has_room said no: on_room runs once, later, on the observer's loop. */
    void (*when_room)(struct exchange_observer *self, void (*on_room)(void *owner), void *owner);
};

/* First member of every observer.  One observer object serves one loop. */
struct exchange_observer {
    const struct exchange_observer_ops *ops;
};

/* Starts an exchange in caller's memory: clears facts, sets the unknown times, takes over the observers. */
void exchange_init(struct exchange *exchange, size_t arena_max_bytes, struct exchange_observer *const *observers,
                   size_t observer_count);
/* The same for memory that held an exchange before; keeps the arena's warm block. */
void exchange_reuse(struct exchange *exchange);
void exchange_deinit(struct exchange *exchange);

void exchange_begin(struct exchange *exchange);
/* Moves the half to HEAD; `wire` must be in the exchange's arena. */
void exchange_head(struct exchange *exchange, enum exchange_side side, struct str wire,
                   const struct http_message *message);
void exchange_interim(struct exchange *exchange, struct str wire);
/* Moves the half to BODY at the first bytes and counts them; payload_len of them are content. */
void exchange_bytes(struct exchange *exchange, enum exchange_side side, struct str wire, size_t payload_len);
/* Moves the half to ENDED; is_complete false when its framing was cut short. */
void exchange_half_end(struct exchange *exchange, enum exchange_side side, bool is_complete);
void exchange_end(struct exchange *exchange);

/* Adds a name to facts.flags, once; dropped in silence when the arena is full, since flags are a hint. */
void exchange_flag(struct exchange *exchange, struct str name);
bool exchange_has_flag(const struct exchange *exchange, struct str name);

#endif
