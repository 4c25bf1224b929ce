#include "os/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "os/error.h"
#include "os/loop_uv.h"
#include "os/tcp.h"

/* A turn that needs more than this does work that belongs to a pool. */
#define SCRATCH_MAX_BYTES ((size_t)16 * 1024 * 1024)

static void run_deferred(struct os_loop *loop)
{
    struct os_post *post = loop->deferred_first;

    /* What is deferred from here on has its turn after the next look at the sockets, so that it cannot starve them. */
    loop->deferred_first = loop->deferred_last = NULL;
    while (post) {
        struct os_post *next = post->next;

        post->fn(post->owner);
        post = next;
    }
}

static void do_nothing(uv_idle_t *idle) { (void)idle; }

static void on_before_wait(uv_prepare_t *handle)
{
    struct os_loop *loop = handle->data;

    run_deferred(loop);
    if (loop->deferred_first)
        uv_idle_start(&loop->no_wait, do_nothing);
    else
        uv_idle_stop(&loop->no_wait);
    if (loop->scratch.used_bytes)
        arena_reset(&loop->scratch);
}

static void on_after_events(uv_check_t *handle) { run_deferred(handle->data); }

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

static void on_wake_up(uv_async_t *handle)
{
    struct os_loop *loop = handle->data;
    struct os_post *post = reversed(atomic_exchange_explicit(&loop->shared.posted, NULL, memory_order_acquire));

    while (post) {
        struct os_post *next = post->next;

        post->fn(post->owner);
        post = next;
    }
}

void os_loop_post(struct os_loop *loop, struct os_post *post)
{
    struct os_post *last = atomic_load_explicit(&loop->shared.posted, memory_order_relaxed);

    do {
        post->next = last;
    } while (!atomic_compare_exchange_weak_explicit(&loop->shared.posted, &last, post, memory_order_release,
                                                    memory_order_relaxed));
    /* Whoever finds the stack empty wakes the loop for all who push before it looks. */
    if (!last)
        uv_async_send(&loop->wake_up);
}

void os_loop_defer(struct os_loop *loop, struct os_post *post)
{
    post->next = NULL;
    if (loop->deferred_last)
        loop->deferred_last->next = post;
    else
        loop->deferred_first = post;
    loop->deferred_last = post;
}

static void ignore_signals(void)
{
    /* A write to a closed socket and a file over its limit are errors of that call, not the program's end. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

static void start_handles(struct os_loop *loop)
{
    uv_prepare_init(&loop->uv, &loop->before_wait);
    uv_check_init(&loop->uv, &loop->after_events);
    uv_idle_init(&loop->uv, &loop->no_wait);
    loop->before_wait.data = loop->after_events.data = loop->wake_up.data = loop;
    uv_prepare_start(&loop->before_wait, on_before_wait);
    uv_check_start(&loop->after_events, on_after_events);
}

struct err os_loop_new(struct os_loop **ret_loop)
{
    struct os_loop *loop = calloc(1, sizeof(*loop));
    int status;

    CHECK(loop);
    ignore_signals();
    status = uv_loop_init(&loop->uv);
    if (status) {
        free(loop);
        return os_error_of_net(-status);
    }
    status = uv_async_init(&loop->uv, &loop->wake_up, on_wake_up);
    if (status) {
        uv_loop_close(&loop->uv);
        free(loop);
        return os_error_of_net(-status);
    }
    start_handles(loop);
    arena_init(&loop->scratch, SCRATCH_MAX_BYTES);
    loop->read_buffer = malloc(OS_TCP_READ_BYTES);
    CHECK(loop->read_buffer);
    *ret_loop = loop;
    return OK;
}

static void close_handles(struct os_loop *loop)
{
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->after_events, NULL);
    uv_close((uv_handle_t *)&loop->no_wait, NULL);
    uv_close((uv_handle_t *)&loop->wake_up, NULL);
    for (size_t i = 0; i < loop->stop_signal_count; i++)
        uv_close((uv_handle_t *)&loop->stop_signals[i], NULL);
}

void os_loop_free(struct os_loop **loop)
{
    struct os_loop *freed = *loop;

    if (!freed)
        return;
    *loop = NULL;
    close_handles(freed);
    /* Only closed handles are left, so this ends; one that is still open is a mistake of its owner. */
    uv_run(&freed->uv, UV_RUN_NOWAIT);
    CHECK(uv_loop_close(&freed->uv) == 0);
    arena_deinit(&freed->scratch);
    free(freed->read_buffer);
    free(freed);
}

void os_loop_run(struct os_loop *loop) { uv_run(&loop->uv, UV_RUN_DEFAULT); }

void os_loop_stop(struct os_loop *loop) { uv_stop(&loop->uv); }

uint64_t os_loop_now_ms(const struct os_loop *loop) { return uv_now(&loop->uv); }

struct arena *os_loop_scratch(struct os_loop *loop) { return &loop->scratch; }

static void on_uv_signal(uv_signal_t *handle, int number)
{
    struct os_loop *loop = handle->data;

    (void)number;
    loop->on_signal(loop->signal_owner);
}

struct err os_loop_on_stop_signal(struct os_loop *loop, void (*on_signal)(void *owner), void *owner)
{
    static const int numbers[2] = {SIGINT, SIGTERM};

    CHECK(loop->stop_signal_count == 0);
    loop->on_signal = on_signal;
    loop->signal_owner = owner;
    for (size_t i = 0; i < 2; i++) {
        int status = uv_signal_init(&loop->uv, &loop->stop_signals[i]);

        if (status)
            return os_error_of_net(-status);
        loop->stop_signal_count++;
        loop->stop_signals[i].data = loop;
        status = uv_signal_start(&loop->stop_signals[i], on_uv_signal, numbers[i]);
        if (status)
            return os_error_of_net(-status);
    }
    return OK;
}
