#include <errno.h>
#include <stdlib.h>

#include "os/error.h"
#include "os/tcp.h"
#include "world.h"

#define REST_US ((uint64_t)100 * 1000)

struct os_listener {
    struct world_door door;
    bool is_paused;
    bool is_closing;
    const struct os_listener_events *events;
    void *owner;
    struct world_event closed;
};

/* One connection an event, so that others may come between. */
static void accept_one(void *owner)
{
    struct os_listener *listener = owner;
    struct world_end *end;
    int fd = world->next_descriptor;

    if (listener->is_paused || listener->is_closing || list_is_empty(&listener->door.waiting))
        return;
    if (world_fails(SIM_FAULT_ACCEPT)) {
        world_event_start(&listener->door.arrival, REST_US);
        return;
    }
    world->next_descriptor++;
    end = world_door_take(&listener->door);
    end->descriptor = fd;
    list_push_last(&world->accepted, &end->among);
    world_opened(WORLD_DESCRIPTOR);
    world_event_start(&listener->door.arrival, 0);
    listener->events->on_accept(listener->owner, fd);
}

static void tell_closed(void *owner)
{
    struct os_listener *listener = owner;

    listener->events->on_closed(listener->owner);
    world_closed(WORLD_LISTENER);
    free(listener);
}

struct err os_listener_open(struct os_loop *loop, const struct os_addr *addr, const struct os_listener_events *events,
                            void *owner, struct os_listener **ret_listener)
{
    struct os_listener *listener;

    if (addr->family == OS_FAMILY_NONE)
        return os_error_of_net(EINVAL);
    if (world_fails(SIM_FAULT_LISTEN))
        return os_error_of_net(EADDRINUSE);
    listener = calloc(1, sizeof(*listener));
    CHECK(listener);
    listener->events = events;
    listener->owner = owner;
    world_event_init(&listener->door.arrival, "accept", loop, accept_one, listener);
    world_event_init(&listener->closed, "listener closed", loop, tell_closed, listener);
    if (!world_door_open(&listener->door, addr)) {
        free(listener);
        return os_error_of_net(EADDRINUSE);
    }
    world_opened(WORLD_LISTENER);
    *ret_listener = listener;
    return OK;
}

void os_listener_addr(const struct os_listener *listener, struct os_addr *ret_addr) { *ret_addr = listener->door.addr; }

void os_listener_pause(struct os_listener *listener) { listener->is_paused = true; }

void os_listener_resume(struct os_listener *listener)
{
    listener->is_paused = false;
    if (!listener->is_closing)
        world_event_start_once(&listener->door.arrival, 0);
}

void os_listener_close(struct os_listener *listener)
{
    if (listener->is_closing)
        return;
    listener->is_closing = true;
    world_door_close(&listener->door);
    world_event_start(&listener->closed, 0);
}
