/* The observer: copies what it is told into the ring, once, and never waits.
 *
 * A gap begins when the ring has stood still and full for gap_after_ms, or when something does not fit.  From then
 * on everything is dropped and counted until half of the ring is free again; the first thing pushed then is the gap.
 * Exchanges that were under way when it began have lost a part: of them only the end is told, as LATE.  The slot of an
 * exchange holds the number of gaps at its begin, so that this needs no list.
 */
#include <stdlib.h>

#include "os/clock.h"
#include "os/timer.h"
#include "store/fields.h"
#include "store/recorder_core.h"

#define FULL_POLL_MS 5
#define GAP_POLL_MS 50
#define WAITER_MAX ((size_t)1 << 20)

struct waiter {
    void (*on_room)(void *owner);
    void *owner;
};

struct store_recorder_port {
    struct exchange_observer observer; /* first */
    struct store_recorder *recorder;
    struct store_recorder_ring *slot;
    struct os_timer *timer;
    struct waiter *waiters;
    size_t waiter_count, waiter_size;
    uint64_t full_since_us; /* monotonic; 0: there is room */
    uint64_t popped_bytes;  /* at full_since_us */
    bool is_in_gap;
    uintptr_t generation; /* gaps so far + 1; 0 marks exchanges that began in one */
    struct store_index_gap gap;
};

/* observer_slot: generation << 1 | whether facts were pushed. */
static uintptr_t generation_of(const struct exchange *exchange) { return (uintptr_t)exchange->observer_slot >> 1; }
static bool has_facts(const struct exchange *exchange) { return (uintptr_t)exchange->observer_slot & 1; }

static void set_slot(struct exchange *exchange, uintptr_t generation, bool has_facts_now)
{
    exchange->observer_slot = (void *)(generation << 1 | (uintptr_t)has_facts_now);
}

static struct store_recorder_port *port_of(struct exchange_observer *observer)
{
    return (struct store_recorder_port *)(void *)observer;
}

static void enter_gap(struct store_recorder_port *port)
{
    port->is_in_gap = true;
    port->generation++;
    port->gap = (struct store_index_gap){.from_us = (uint64_t)os_clock_wall_us()};
    atomic_store(&port->slot->shared.gap_since_us, (int64_t)port->gap.from_us);
    os_timer_start(port->timer, GAP_POLL_MS);
}

static bool push_gap(struct store_recorder_port *port)
{
    struct store_event event = {.kind = STORE_EVENT_GAP, .at_us = os_clock_mono_us()};
    char *room = ring_reserve(&port->slot->ring, sizeof(event) + sizeof(port->gap));

    if (!room)
        return false;
    port->gap.to_us = (uint64_t)os_clock_wall_us();
    memcpy(room, &event, sizeof(event));
    memcpy(room + sizeof(event), &port->gap, sizeof(port->gap));
    ring_commit(&port->slot->ring, sizeof(event) + sizeof(port->gap));
    store_recorder_wake(port->recorder);
    return true;
}

/* Out of the gap once half of the ring is free. */
static void try_leave_gap(struct store_recorder_port *port)
{
    if (ring_free_bytes(&port->slot->ring) < port->slot->ring.size / 2 || !push_gap(port))
        return;
    port->is_in_gap = false;
    port->full_since_us = 0;
    atomic_store(&port->slot->shared.gap_since_us, 0);
}

static void drop(struct store_recorder_port *port, size_t len)
{
    port->gap.event_count++;
    port->gap.byte_count += len;
}

static bool push(struct store_recorder_port *port, struct store_event *event, const struct exchange_facts *facts,
                 struct str bytes)
{
    size_t facts_len = facts ? store_fields_pack_len(facts) : 0, facts_room = STORE_EVENT_ALIGN(facts_len);
    size_t len = sizeof(*event) + facts_room + bytes.len;
    char *room = ring_reserve(&port->slot->ring, len);

    if (!room)
        return false;
    event->facts_len = (uint32_t)facts_len;
    memcpy(room, event, sizeof(*event));
    if (facts)
        store_fields_pack(facts, room + sizeof(*event));
    if (bytes.len)
        memcpy(room + sizeof(*event) + facts_room, bytes.ptr, bytes.len);
    ring_commit(&port->slot->ring, len);
    return true;
}

/* Whether an event of the exchange may be recorded; counts it as dropped when a gap takes it. */
static bool admit(struct store_recorder_port *port, const struct exchange *exchange, size_t len)
{
    if (port->is_in_gap)
        try_leave_gap(port);
    if (!port->is_in_gap && generation_of(exchange) == port->generation)
        return true;
    if (port->is_in_gap)
        drop(port, len);
    return false;
}

static struct store_event new_event(const struct exchange *exchange, enum store_event_kind kind,
                                    enum exchange_side side)
{
    uint64_t now_us = os_clock_mono_us();

    return (struct store_event){.kind = (uint8_t)kind,
                                .side = (uint8_t)side,
                                .exchange_kind = (uint8_t)exchange->facts.kind,
                                .id = exchange->facts.id,
                                .at_us = now_us,
                                .since_us = now_us > exchange->begun_us ? now_us - exchange->begun_us : 0};
}

/* Pushes bytes in events of bounded length, the first with facts when asked or when none went before. */
static void record(struct store_recorder_port *port, struct exchange *exchange, struct store_event *event,
                   bool with_facts, struct str bytes)
{
    with_facts = with_facts || !has_facts(exchange);
    do {
        struct str part = str_head(bytes, STORE_EVENT_BYTES_MAX);

        if (!push(port, event, with_facts ? &exchange->facts : NULL, part)) {
            enter_gap(port);
            drop(port, bytes.len);
            return;
        }
        set_slot(exchange, port->generation, true);
        with_facts = false;
        bytes = str_skip(bytes, part.len);
    } while (bytes.len);
    store_recorder_wake(port->recorder);
}

static void on_begin(struct exchange_observer *self, struct exchange *exchange)
{
    struct store_recorder_port *port = port_of(self);

    if (port->is_in_gap)
        try_leave_gap(port);
    set_slot(exchange, port->is_in_gap ? 0 : port->generation, false);
}

static void on_head(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side)
{
    struct str head = exchange->half[side].head;
    struct store_event event = new_event(exchange, STORE_EVENT_HEAD, side);

    if (admit(port_of(self), exchange, head.len))
        record(port_of(self), exchange, &event, true, head);
}

static void on_interim(struct exchange_observer *self, struct exchange *exchange, struct str wire)
{
    struct store_event event = new_event(exchange, STORE_EVENT_INTERIM, EXCHANGE_RESPONSE);

    if (admit(port_of(self), exchange, wire.len))
        record(port_of(self), exchange, &event, false, wire);
}

static void on_bytes(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side,
                     struct str wire)
{
    struct store_event event = new_event(exchange, STORE_EVENT_BYTES, side);

    if (admit(port_of(self), exchange, wire.len))
        record(port_of(self), exchange, &event, false, wire);
}

static void on_half_end(struct exchange_observer *self, struct exchange *exchange, enum exchange_side side)
{
    struct store_event event = new_event(exchange, STORE_EVENT_HALF_END, side);

    event.is_complete = exchange->facts.half[side].is_complete;
    if (admit(port_of(self), exchange, 0))
        record(port_of(self), exchange, &event, false, STR_NONE);
}

static void on_end(struct exchange_observer *self, struct exchange *exchange)
{
    struct store_recorder_port *port = port_of(self);
    bool is_whole = admit(port, exchange, 0);
    struct store_event event = new_event(exchange, is_whole ? STORE_EVENT_END : STORE_EVENT_LATE, EXCHANGE_REQUEST);

    if (!port->is_in_gap && push(port, &event, &exchange->facts, STR_NONE)) {
        store_recorder_wake(port->recorder);
        return;
    }
    if (!port->is_in_gap)
        enter_gap(port);
    /* One of which something was pushed is closed with what there was, when the gap is told. */
    if (has_facts(exchange))
        return;
    port->gap.exchange_count++;
    atomic_fetch_add(&port->recorder->shared.lost_count, 1);
}

/* Room. */

static bool has_room(struct exchange_observer *self)
{
    struct store_recorder_port *port = port_of(self);

    if (port->is_in_gap || ring_free_bytes(&port->slot->ring) >= port->slot->ring.size / 4)
        return true;
    if (!port->full_since_us) {
        port->full_since_us = os_clock_mono_us();
        port->popped_bytes = ring_popped_bytes(&port->slot->ring);
        os_timer_start(port->timer, FULL_POLL_MS);
    }
    return false;
}

static void when_room(struct exchange_observer *self, void (*on_room)(void *owner), void *owner)
{
    struct store_recorder_port *port = port_of(self);

    if (port->waiter_count == port->waiter_size) {
        CHECK(port->waiter_size < WAITER_MAX);
        port->waiter_size = port->waiter_size ? 2 * port->waiter_size : 16;
        port->waiters = realloc(port->waiters, port->waiter_size * sizeof(*port->waiters));
        CHECK(port->waiters);
    }
    port->waiters[port->waiter_count++] = (struct waiter){on_room, owner};
    if (!os_timer_is_running(port->timer))
        os_timer_start(port->timer, FULL_POLL_MS);
}

void store_recorder_port_forget(struct store_recorder_port *port, void *owner)
{
    size_t kept = 0;

    for (size_t i = 0; i < port->waiter_count; i++) {
        if (port->waiters[i].owner != owner)
            port->waiters[kept++] = port->waiters[i];
    }
    port->waiter_count = kept;
}

/* Each is taken out before it is called, since it may wait again or forget another. */
static void call_waiters(struct store_recorder_port *port)
{
    for (size_t left = port->waiter_count; left && port->waiter_count; left--) {
        struct waiter waiter = port->waiters[0];

        port->waiter_count--;
        memmove(port->waiters, port->waiters + 1, port->waiter_count * sizeof(*port->waiters));
        waiter.on_room(waiter.owner);
    }
}

/* The ring was full: whether there is room now, or has been no progress for too long. */
static void look_at_full_ring(struct store_recorder_port *port)
{
    uint64_t now_us = os_clock_mono_us(), popped = ring_popped_bytes(&port->slot->ring);

    if (ring_free_bytes(&port->slot->ring) >= port->slot->ring.size / 2) {
        port->full_since_us = 0;
    } else if (popped != port->popped_bytes || !port->full_since_us) {
        port->popped_bytes = popped;
        port->full_since_us = now_us;
    } else if (now_us - port->full_since_us >= port->recorder->options.gap_after_ms * 1000) {
        enter_gap(port);
    }
}

static void on_timer(void *owner)
{
    struct store_recorder_port *port = owner;

    if (port->is_in_gap)
        try_leave_gap(port);
    else
        look_at_full_ring(port);
    if (port->is_in_gap)
        os_timer_start(port->timer, GAP_POLL_MS);
    else if (port->full_since_us)
        os_timer_start(port->timer, FULL_POLL_MS);
    if (port->is_in_gap || !port->full_since_us)
        call_waiters(port);
}

static const struct exchange_observer_ops ops = {
    .on_begin = on_begin,
    .on_head = on_head,
    .on_interim = on_interim,
    .on_bytes = on_bytes,
    .on_half_end = on_half_end,
    .on_end = on_end,
    .has_room = has_room,
    .when_room = when_room,
};

static struct err add_ring(struct store_recorder *recorder, struct store_recorder_ring **ret_slot)
{
    struct store_recorder_ring *slot;
    unsigned count;

    os_lock_enter(recorder->lock);
    count = atomic_load(&recorder->shared.ring_count);
    if (count == STORE_RECORDER_PORT_MAX) {
        os_lock_leave(recorder->lock);
        return ERR(ERR_LIMIT, 0, "recorder: too many ports");
    }
    slot = aligned_alloc(_Alignof(struct store_recorder_ring), sizeof(*slot));
    CHECK(slot);
    memset(slot, 0, sizeof(*slot));
    ring_init(&slot->ring, recorder->options.ring_bytes);
    slot->number = count;
    recorder->locked.rings[count] = slot;
    atomic_store_explicit(&recorder->shared.ring_count, count + 1, memory_order_release);
    os_lock_leave(recorder->lock);
    *ret_slot = slot;
    return OK;
}

struct err store_recorder_port_new(struct store_recorder *recorder, struct os_loop *loop,
                                   struct store_recorder_port **ret_port)
{
    struct store_recorder_port *port = calloc(1, sizeof(*port));
    struct err err;

    CHECK(port);
    port->observer.ops = &ops;
    port->recorder = recorder;
    port->generation = 1;
    err = os_timer_new(loop, on_timer, port, &port->timer);
    if (!err_is(err))
        err = add_ring(recorder, &port->slot);
    if (err_is(err)) {
        os_timer_free(&port->timer);
        free(port);
        return err;
    }
    *ret_port = port;
    return OK;
}

void store_recorder_port_close(struct store_recorder_port **port)
{
    struct store_recorder_port *closed = *port;

    if (!closed)
        return;
    if (closed->is_in_gap && !push_gap(closed)) {
        closed->gap.to_us = (uint64_t)os_clock_wall_us();
        closed->slot->last_gap = closed->gap;
        closed->slot->has_last_gap = true;
    }
    atomic_store(&closed->slot->shared.gap_since_us, 0);
    atomic_store_explicit(&closed->slot->shared.is_closed, true, memory_order_release);
    store_recorder_wake(closed->recorder);
    os_timer_free(&closed->timer);
    free(closed->waiters);
    free(closed);
    *port = NULL;
}

struct exchange_observer *store_recorder_port_observer(struct store_recorder_port *port) { return &port->observer; }
