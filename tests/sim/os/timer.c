#include "os/timer.h"

#include <stdlib.h>

#include "world.h"

struct os_timer {
    struct world_event event;
    void (*on_fire)(void *owner);
    void *owner;
};

static void fire(void *owner)
{
    struct os_timer *timer = owner;

    timer->on_fire(timer->owner);
}

struct err os_timer_new(struct os_loop *loop, void (*on_fire)(void *owner), void *owner, struct os_timer **ret_timer)
{
    struct os_timer *timer = calloc(1, sizeof(*timer));

    CHECK(timer);
    timer->on_fire = on_fire;
    timer->owner = owner;
    world_event_init(&timer->event, "timer", loop, fire, timer);
    timer->event.is_weak = true;
    world_opened(WORLD_TIMER);
    *ret_timer = timer;
    return OK;
}

void os_timer_start(struct os_timer *timer, uint64_t delay_ms)
{
    world_event_start(&timer->event, delay_ms < UINT64_MAX / 1000 ? delay_ms * 1000 : UINT64_MAX);
}

void os_timer_stop(struct os_timer *timer) { world_event_stop(&timer->event); }

bool os_timer_is_running(const struct os_timer *timer) { return timer->event.is_scheduled; }

void os_timer_free(struct os_timer **timer)
{
    if (!*timer)
        return;
    world_event_stop(&(*timer)->event);
    world_closed(WORLD_TIMER);
    free(*timer);
    *timer = NULL;
}
