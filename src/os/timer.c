#include "os/timer.h"

#include <stdlib.h>

#include "os/loop_uv.h"

struct os_timer {
    uv_timer_t uv;
    void (*on_fire)(void *owner);
    void *owner;
    uint64_t due_ms;   /* what the owner wants */
    uint64_t armed_ms; /* what the loop will wake for, while uv is active; at most due_ms while running */
    bool is_running;
};

static void on_uv_timer(uv_timer_t *handle);

static void arm(struct os_timer *timer)
{
    uint64_t now_ms = uv_now(timer->uv.loop);

    timer->armed_ms = timer->due_ms;
    uv_timer_start(&timer->uv, on_uv_timer, timer->due_ms > now_ms ? timer->due_ms - now_ms : 0, 0);
}

static void on_uv_timer(uv_timer_t *handle)
{
    struct os_timer *timer = handle->data;

    if (!timer->is_running)
        return;
    if (timer->due_ms > uv_now(handle->loop)) {
        arm(timer);
        return;
    }
    timer->is_running = false;
    timer->on_fire(timer->owner);
}

struct err os_timer_new(struct os_loop *loop, void (*on_fire)(void *owner), void *owner, struct os_timer **ret_timer)
{
    struct os_timer *timer = calloc(1, sizeof(*timer));

    CHECK(timer);
    timer->on_fire = on_fire;
    timer->owner = owner;
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    *ret_timer = timer;
    return OK;
}

void os_timer_start(struct os_timer *timer, uint64_t delay_ms)
{
    uint64_t now_ms = uv_now(timer->uv.loop);

    timer->due_ms = delay_ms < UINT64_MAX - now_ms ? now_ms + delay_ms : UINT64_MAX;
    timer->is_running = true;
    if (!uv_is_active((uv_handle_t *)&timer->uv) || timer->armed_ms > timer->due_ms)
        arm(timer);
}

/* The loop's timer stays: it is cheaper to let it fire once for nothing than to take it out and put it in again. */
void os_timer_stop(struct os_timer *timer) { timer->is_running = false; }

bool os_timer_is_running(const struct os_timer *timer) { return timer->is_running; }

static void on_uv_closed(uv_handle_t *handle) { free(handle->data); }

void os_timer_free(struct os_timer **timer)
{
    if (!*timer)
        return;
    (*timer)->is_running = false;
    uv_close((uv_handle_t *)&(*timer)->uv, on_uv_closed);
    *timer = NULL;
}
