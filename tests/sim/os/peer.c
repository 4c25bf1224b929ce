/* Scripted peers: the far ends of the program's connections. */
#include <stdlib.h>

#include "world.h"

enum phase {
    CONNECTING,
    REFUSED,
    OPEN,
    LEFT,
};

struct sim_peer {
    struct list among; /* of the world's */
    enum phase phase;
    struct world_end *end; /* while OPEN */
    struct os_addr own_addr, programs_addr;
    struct os_addr original_addr;
    struct buf unsent;
    struct buf received;
    bool is_end_wanted;
    bool is_paused;
    bool has_end;
    bool was_reset;
    void (*on_change)(void *owner, struct sim_peer *peer);
    void *change_owner;
    struct world_event connect;
};

struct sim_door {
    struct list among; /* of the world's */
    struct world_door door;
    bool is_open;
    void (*on_accept)(void *owner, struct sim_peer *peer);
    void *owner;
};

static void tell_change(struct sim_peer *peer)
{
    if (peer->on_change)
        peer->on_change(peer->change_owner, peer);
}

static void pump(struct sim_peer *peer)
{
    if (peer->end->has_reset) {
        buf_clear(&peer->unsent);
        return;
    }
    if (peer->unsent.len > 0) {
        size_t len = world_end_write(peer->end, buf_str(&peer->unsent));

        buf_take(&peer->unsent, len);
        if (peer->unsent.len > 0 && world_end_room(peer->end) > 0)
            world_end_notify(peer->end);
    }
    if (peer->unsent.len == 0 && peer->is_end_wanted)
        world_end_fin(peer->end);
}

static bool read_some(struct sim_peer *peer)
{
    struct str bytes;

    if (peer->is_paused || peer->end->arrived.len == 0)
        return false;
    bytes = world_end_peek(peer->end, peer->end->arrived.len);
    CHECK(!err_is(buf_append(&peer->received, bytes)));
    world_end_consume(peer->end, bytes.len);
    world_end_notify(peer->end);
    return true;
}

static void on_notify(void *owner)
{
    struct sim_peer *peer = owner;
    bool is_changed;

    if (peer->phase != OPEN)
        return;
    pump(peer);
    is_changed = read_some(peer);
    if (!is_changed && peer->end->arrived.len == 0) {
        is_changed = (peer->end->has_fin && !peer->has_end) || (peer->end->has_reset && !peer->was_reset);
        peer->has_end |= peer->end->has_fin && !peer->end->has_reset;
        peer->was_reset |= peer->end->has_reset;
    }
    if (is_changed)
        tell_change(peer);
}

static struct sim_peer *make_peer(struct sim *sim)
{
    struct sim_peer *peer = calloc(1, sizeof(*peer));

    CHECK(peer);
    buf_init(&peer->unsent, WORLD_QUEUE_MAX_BYTES);
    buf_init(&peer->received, WORLD_QUEUE_MAX_BYTES);
    list_push_last(&sim->peers, &peer->among);
    return peer;
}

static void open_peer(struct sim_peer *peer, struct world_end *end)
{
    peer->phase = OPEN;
    peer->end = end;
    peer->own_addr = end->addr;
    peer->programs_addr = end->other->addr;
    world_end_attach(end, NULL, on_notify, peer);
}

static void finish_connect(void *owner)
{
    struct sim_peer *peer = owner;
    bool is_redirected = peer->original_addr.family != OS_FAMILY_NONE;
    struct world_end *end = world_connect(&peer->programs_addr, is_redirected ? &peer->original_addr : NULL);

    if (end)
        open_peer(peer, end);
    else
        peer->phase = REFUSED;
    tell_change(peer);
}

struct sim_peer *sim_connect_redirected(struct sim *sim, struct os_addr addr, struct os_addr original)
{
    struct sim_peer *peer = make_peer(sim);

    peer->programs_addr = addr;
    peer->original_addr = original;
    world_event_init(&peer->connect, "peer connects", NULL, finish_connect, peer);
    world_event_start(&peer->connect, world_latency_us());
    return peer;
}

struct sim_peer *sim_connect(struct sim *sim, struct os_addr addr)
{
    return sim_connect_redirected(sim, addr, (struct os_addr){0});
}

static void arrive_at_door(void *owner)
{
    struct sim_door *door = owner;
    struct sim_peer *peer;

    while (door->on_accept && (peer = sim_accept(door)))
        door->on_accept(door->owner, peer);
}

struct sim_door *sim_listen(struct sim *sim, struct os_addr addr)
{
    struct sim_door *door = calloc(1, sizeof(*door));

    CHECK(door);
    world_event_init(&door->door.arrival, "arrival", NULL, arrive_at_door, door);
    CHECK(world_door_open(&door->door, &addr));
    door->is_open = true;
    list_push_last(&sim->sim_doors, &door->among);
    return door;
}

void sim_unlisten(struct sim_door *door)
{
    if (door->is_open)
        world_door_close(&door->door);
    door->is_open = false;
}

struct sim_peer *sim_accept(struct sim_door *door)
{
    struct world_end *end = world_door_take(&door->door);
    struct sim_peer *peer;

    if (!end)
        return NULL;
    peer = make_peer(world);
    open_peer(peer, end);
    /* What came while it waited is there at once. */
    while (read_some(peer))
        continue;
    peer->has_end = end->has_fin && !end->has_reset;
    peer->was_reset = end->has_reset;
    return peer;
}

void sim_on_accept(struct sim_door *door, void (*on_accept)(void *owner, struct sim_peer *peer), void *owner)
{
    door->on_accept = on_accept;
    door->owner = owner;
    world_event_start_once(&door->door.arrival, 0);
}

void sim_send(struct sim_peer *peer, struct str bytes)
{
    CHECK(!peer->is_end_wanted);
    CHECK(!err_is(buf_append(&peer->unsent, bytes)));
    if (peer->phase == OPEN)
        world_end_notify(peer->end);
}

size_t sim_unsent_bytes(const struct sim_peer *peer) { return peer->unsent.len; }

void sim_end(struct sim_peer *peer)
{
    peer->is_end_wanted = true;
    if (peer->phase == OPEN)
        world_end_notify(peer->end);
}

static void leave(struct sim_peer *peer, bool with_reset)
{
    world_event_stop(&peer->connect);
    if (peer->phase == OPEN && with_reset)
        world_end_reset(peer->end);
    else if (peer->phase == OPEN)
        world_end_close(peer->end);
    peer->end = NULL;
    peer->phase = LEFT;
    buf_clear(&peer->unsent);
}

void sim_close(struct sim_peer *peer) { leave(peer, false); }

void sim_reset(struct sim_peer *peer) { leave(peer, true); }

void sim_pause(struct sim_peer *peer) { peer->is_paused = true; }

void sim_resume(struct sim_peer *peer)
{
    peer->is_paused = false;
    if (peer->phase == OPEN)
        world_end_notify(peer->end);
}

struct str sim_received(const struct sim_peer *peer) { return buf_str(&peer->received); }

void sim_take(struct sim_peer *peer, size_t len) { buf_take(&peer->received, len); }

static bool take_if(struct sim_peer *peer, struct str expected, bool is_as_expected)
{
    struct str received = buf_str(&peer->received);

    if (is_as_expected)
        buf_take(&peer->received, expected.len);
    else
        fprintf(stderr, "--- expected\n%.*s\n--- received\n%.*s\n---\n", STR_ARG(expected), STR_ARG(received));
    return is_as_expected;
}

bool sim_take_exactly(struct sim_peer *peer, struct str expected)
{
    return take_if(peer, expected, str_eq(buf_str(&peer->received), expected));
}

bool sim_take_start(struct sim_peer *peer, struct str expected)
{
    return take_if(peer, expected, str_starts(buf_str(&peer->received), expected));
}

void sim_on_change(struct sim_peer *peer, void (*on_change)(void *owner, struct sim_peer *peer), void *owner)
{
    peer->on_change = on_change;
    peer->change_owner = owner;
}

bool sim_is_connected(const struct sim_peer *peer) { return peer->phase == OPEN; }

bool sim_was_refused(const struct sim_peer *peer) { return peer->phase == REFUSED; }

bool sim_has_end(const struct sim_peer *peer) { return peer->has_end; }

bool sim_was_reset(const struct sim_peer *peer) { return peer->was_reset; }

void sim_peer_addrs(const struct sim_peer *peer, struct os_addr *ret_own, struct os_addr *ret_programs)
{
    *ret_own = peer->own_addr;
    *ret_programs = peer->programs_addr;
}

void world_free_peers(void)
{
    struct list *node;

    while ((node = list_first(&world->peers))) {
        struct sim_peer *peer = LIST_OWNER(node, struct sim_peer, among);

        if (peer->phase == OPEN || peer->phase == CONNECTING)
            leave(peer, false);
        list_remove(node);
        buf_deinit(&peer->unsent);
        buf_deinit(&peer->received);
        free(peer);
    }
    while ((node = list_first(&world->sim_doors))) {
        struct sim_door *door = LIST_OWNER(node, struct sim_door, among);

        sim_unlisten(door);
        list_remove(node);
        free(door);
    }
}
