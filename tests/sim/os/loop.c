#include "os/loop.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "world.h"

#define SCRATCH_MAX_BYTES ((size_t)16 * 1024 * 1024)
/* Deferred work that defers more of itself for ever would hang the real loop's owner, too. */
#define DEFERRED_MAX 1000000

struct os_loop {
    struct list among;
    bool is_stopped;
    struct os_post *deferred_first, *deferred_last;
    struct arena scratch;
    void (*on_signal)(void *owner);
    void *signal_owner;
    struct world_event posted;
    struct world_event deferred; /* outside of a turn: what was deferred before the loop ran */
    struct world_event signalled;
    struct {
        _Atomic(struct os_post *) posts; /* a stack, as in the real loop */
    } shared;
};

struct os_loop *world_loop_from_list(struct list *node) { return LIST_OWNER(node, struct os_loop, among); }

static struct os_post *reversed(struct os_post *post)
{
    struct os_post *first = NULL;

    while (post) {
        struct os_post *next = post->next;

        post->next = first;
        first = post;
        post = next;
    }
    return first;
}

static void run_posts(void *owner)
{
    struct os_loop *loop = owner;
    struct os_post *post = reversed(atomic_exchange(&loop->shared.posts, NULL));

    while (post) {
        struct os_post *next = post->next;

        post->fn(post->owner);
        post = next;
    }
}

/* The turn ends after every event, which is when deferred work runs; this only makes a turn. */
static void make_turn(void *owner) { (void)owner; }

static void run_signal(void *owner)
{
    struct os_loop *loop = owner;

    loop->on_signal(loop->signal_owner);
}

struct err os_loop_new(struct os_loop **ret_loop)
{
    struct os_loop *loop = calloc(1, sizeof(*loop));

    CHECK(loop);
    CHECK(world);
    list_push_last(&world->loops, &loop->among);
    arena_init(&loop->scratch, SCRATCH_MAX_BYTES);
    world_event_init(&loop->posted, "posts", loop, run_posts, loop);
    world_event_init(&loop->deferred, "turn", loop, make_turn, loop);
    world_event_init(&loop->signalled, "signal", loop, run_signal, loop);
    world_opened(WORLD_LOOP);
    *ret_loop = loop;
    return OK;
}

void os_loop_free(struct os_loop **loop)
{
    struct os_loop *freed = *loop;

    if (!freed)
        return;
    *loop = NULL;
    world_event_stop(&freed->posted);
    world_event_stop(&freed->deferred);
    world_event_stop(&freed->signalled);
    list_remove(&freed->among);
    arena_deinit(&freed->scratch);
    world_closed(WORLD_LOOP);
    free(freed);
}

void os_loop_run(struct os_loop *loop)
{
    loop->is_stopped = false;
    while (!loop->is_stopped)
        CHECK(world_step(UINT64_MAX));
}

void os_loop_stop(struct os_loop *loop) { loop->is_stopped = true; }

uint64_t os_loop_now_ms(const struct os_loop *loop)
{
    (void)loop;
    return world->now_us / 1000;
}

struct arena *os_loop_scratch(struct os_loop *loop) { return &loop->scratch; }

void os_loop_post(struct os_loop *loop, struct os_post *post)
{
    struct os_post *last = atomic_load(&loop->shared.posts);

    do {
        post->next = last;
    } while (!atomic_compare_exchange_weak(&loop->shared.posts, &last, post));
}

void world_loop_look_for_posts(struct os_loop *loop)
{
    if (atomic_load(&loop->shared.posts) && !loop->posted.is_scheduled)
        world_event_start(&loop->posted, world_latency_us());
}

void os_loop_defer(struct os_loop *loop, struct os_post *post)
{
    post->next = NULL;
    if (loop->deferred_last)
        loop->deferred_last->next = post;
    else
        loop->deferred_first = post;
    loop->deferred_last = post;
    world_event_start_once(&loop->deferred, 0);
}

void world_loop_end_turn(struct os_loop *loop)
{
    unsigned count = 0;

    while (loop->deferred_first) {
        struct os_post *post = loop->deferred_first;

        loop->deferred_first = post->next;
        if (!post->next)
            loop->deferred_last = NULL;
        post->fn(post->owner);
        CHECK(++count < DEFERRED_MAX);
    }
    world_event_stop(&loop->deferred);
    arena_reset(&loop->scratch);
}

struct err os_loop_on_stop_signal(struct os_loop *loop, void (*on_signal)(void *owner), void *owner)
{
    loop->on_signal = on_signal;
    loop->signal_owner = owner;
    return OK;
}

void world_loop_signal(struct os_loop *loop)
{
    if (loop->on_signal)
        world_event_start(&loop->signalled, 0);
}
