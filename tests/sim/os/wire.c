/* The network: two ends, bytes between them, and doors where connections wait. */
#include <stdlib.h>

#include "os/clock.h"
#include "world.h"

struct world_link {
    struct world_end ends[2];
};

static void free_if_both_left(struct world_link *link)
{
    if (!link->ends[0].is_closed || !link->ends[1].is_closed)
        return;
    for (size_t i = 0; i < 2; i++) {
        struct world_end *end = &link->ends[i];

        world_event_stop(&end->deliver);
        world_event_stop(&end->reset_trip);
        world_event_stop(&end->notify);
        list_remove(&end->among);
        buf_deinit(&end->wire);
        buf_deinit(&end->arrived);
    }
    free(link);
}

void world_end_notify(struct world_end *end)
{
    if (end->notify.fn && !end->is_closed)
        world_event_start_once(&end->notify, sim_random_below(world, world->options.latency_min_us + 1));
}

static void arrive_reset(void *owner)
{
    struct world_end *end = owner;
    struct world_end *other = end->other;

    if (other->is_closed)
        return;
    other->has_reset = true;
    world_event_stop(&other->deliver);
    buf_clear(&other->wire);
    world_trace("reset arrives", other->addr.port, STR_NONE);
    world_end_notify(other);
}

static void send_reset(struct world_end *end)
{
    world_event_stop(&end->deliver);
    buf_clear(&end->wire);
    world_event_start_once(&end->reset_trip, world_latency_us());
}

static size_t segment_len(size_t len)
{
    if (world->options.is_whole || len <= 1 || sim_random_below(world, 3) == 0)
        return len;
    return 1 + sim_random_below(world, len);
}

static void deliver(void *owner)
{
    struct world_end *end = owner;
    struct world_end *other = end->other;
    size_t len = segment_len(end->wire.len);
    struct str segment = str_head(buf_str(&end->wire), len);

    /* Nobody is there any more: the sender learns it as a reset. */
    if (other->is_closed && (len > 0 || !end->is_fin_sent)) {
        world_event_start_once(&other->reset_trip, world_latency_us());
        buf_clear(&end->wire);
        return;
    }
    world_trace("bytes arrive", other->addr.port, segment);
    if (!other->is_closed)
        CHECK(!err_is(buf_append(&other->arrived, segment)));
    buf_take(&end->wire, len);
    if (end->wire.len > 0)
        world_event_start(&end->deliver, world_latency_us());
    else if (end->is_fin_sent)
        other->has_fin = true;
    world_end_notify(other);
}

struct os_addr world_fresh_addr(const struct os_addr *like)
{
    struct os_addr addr = {.family = like->family, .port = world->next_port};

    world->next_port = world->next_port == 65535 ? 40000 : (uint16_t)(world->next_port + 1);
    if (like->family == OS_FAMILY_IP4)
        memcpy(addr.ip, (uint8_t[]){127, 0, 0, 1}, 4);
    else
        addr.ip[15] = 1;
    return addr;
}

struct world_end *world_link_new(struct os_addr first_addr, struct os_addr second_addr)
{
    struct world_link *link = calloc(1, sizeof(*link));

    CHECK(link);
    for (size_t i = 0; i < 2; i++) {
        struct world_end *end = &link->ends[i];

        end->link = link;
        end->other = &link->ends[1 - i];
        end->addr = i ? second_addr : first_addr;
        buf_init(&end->wire, WORLD_QUEUE_MAX_BYTES);
        buf_init(&end->arrived, WORLD_QUEUE_MAX_BYTES);
        list_init(&end->among);
        world_event_init(&end->deliver, "deliver", NULL, deliver, end);
        world_event_init(&end->reset_trip, "reset", NULL, arrive_reset, end);
        world_event_init(&end->notify, "notify", NULL, NULL, NULL);
    }
    return &link->ends[0];
}

void world_end_attach(struct world_end *end, struct os_loop *loop, void (*on_notify)(void *owner), void *owner)
{
    end->notify.loop = loop;
    end->notify.fn = on_notify;
    end->notify.owner = owner;
    world_end_notify(end);
}

size_t world_end_room(const struct world_end *end)
{
    size_t used = end->wire.len + end->other->arrived.len;

    return used < world->options.capacity_bytes ? world->options.capacity_bytes - used : 0;
}

size_t world_end_write(struct world_end *end, struct str bytes)
{
    size_t room = world_end_room(end);
    size_t len = bytes.len < room ? bytes.len : room;

    CHECK(!end->is_fin_sent);
    if (len == 0 || end->has_reset)
        return 0;
    /* Now and then the system takes less than there is room for. */
    if (!world->options.is_whole && sim_random_below(world, 4) == 0)
        len = 1 + sim_random_below(world, len);
    CHECK(!err_is(buf_append(&end->wire, str_head(bytes, len))));
    world_event_start_once(&end->deliver, world_latency_us());
    return len;
}

struct str world_end_peek(struct world_end *end, size_t max)
{
    struct str bytes = buf_str(&end->arrived);

    return str_head(bytes, segment_len(bytes.len < max ? bytes.len : max));
}

void world_end_consume(struct world_end *end, size_t len)
{
    buf_take(&end->arrived, len);
    world_end_notify(end->other);
}

void world_end_fin(struct world_end *end)
{
    if (end->is_fin_sent || end->has_reset)
        return;
    end->is_fin_sent = true;
    world_event_start_once(&end->deliver, world_latency_us());
}

static void leave(struct world_end *end)
{
    end->is_closed = true;
    world_event_stop(&end->notify);
    list_remove(&end->among);
    free_if_both_left(end->link);
}

void world_end_close(struct world_end *end)
{
    CHECK(!end->is_closed);
    if (end->arrived.len > 0 && !end->has_reset)
        send_reset(end);
    else if (!end->has_reset)
        world_end_fin(end);
    leave(end);
}

void world_end_reset(struct world_end *end)
{
    CHECK(!end->is_closed);
    if (!end->has_reset)
        send_reset(end);
    leave(end);
}

static bool is_at(const struct os_addr *own, const struct os_addr *asked)
{
    return own->port == asked->port &&
           (os_addr_same_ip(own, asked) || (os_addr_is_unspecified(own) && own->family == asked->family));
}

static struct world_door *find_door(const struct os_addr *addr)
{
    for (struct list *node = world->doors.next; node != &world->doors; node = node->next) {
        struct world_door *door = LIST_OWNER(node, struct world_door, among);

        if (is_at(&door->addr, addr))
            return door;
    }
    return NULL;
}

bool world_door_open(struct world_door *door, const struct os_addr *addr)
{
    door->addr = *addr;
    if (addr->port == 0)
        door->addr.port = world_fresh_addr(addr).port;
    list_init(&door->waiting);
    if (find_door(&door->addr))
        return false;
    list_push_last(&world->doors, &door->among);
    return true;
}

struct world_end *world_door_take(struct world_door *door)
{
    struct list *node = list_first(&door->waiting);

    if (!node)
        return NULL;
    list_remove(node);
    return LIST_OWNER(node, struct world_end, among);
}

void world_door_close(struct world_door *door)
{
    struct world_end *end;

    list_remove(&door->among);
    world_event_stop(&door->arrival);
    while ((end = world_door_take(door)))
        world_end_reset(end);
}

struct world_end *world_connect(const struct os_addr *addr, const struct os_addr *original)
{
    struct world_door *door = find_door(addr);
    struct world_end *end;

    if (!door)
        return NULL;
    end = world_link_new(world_fresh_addr(addr), *addr);
    if (original)
        end->other->original_addr = *original;
    list_push_last(&door->waiting, &end->other->among);
    world_event_start_once(&door->arrival, world_latency_us());
    return end;
}

bool world_is_black_hole(const struct os_addr *addr)
{
    for (struct list *node = world->black_holes.next; node != &world->black_holes; node = node->next) {
        if (os_addr_same_ip(&LIST_OWNER(node, struct world_name, among)->addr, addr))
            return true;
    }
    return false;
}

void sim_black_hole(struct sim *sim, struct os_addr addr)
{
    struct world_name *hole = calloc(1, sizeof(*hole));

    CHECK(hole);
    hole->addr = addr;
    list_push_last(&sim->black_holes, &hole->among);
}
