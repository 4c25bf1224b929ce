#include <stdlib.h>

#include "os/thread.h"

struct os_pool {
    struct os_lock *lock; /* of all of `shared` */
    unsigned thread_count;
    unsigned waiting_max;
    struct {
        struct os_work *first, *last;
        unsigned waiting_count;
        bool is_closing;
    } shared;
    struct os_thread *threads[];
};

static struct os_work *pop(struct os_pool *pool)
{
    struct os_work *work = pool->shared.first;

    if (!work)
        return NULL;
    pool->shared.first = work->next;
    if (!work->next)
        pool->shared.last = NULL;
    pool->shared.waiting_count--;
    return work;
}

static void tell_done(void *owner)
{
    struct os_work *work = owner;

    work->on_done(work->owner, work->was_run);
}

static void hand_back(struct os_work *work, bool was_run)
{
    work->was_run = was_run;
    work->post = (struct os_post){.fn = tell_done, .owner = work};
    os_loop_post(work->loop, &work->post);
}

static void run_pool_thread(void *owner)
{
    struct os_pool *pool = owner;
    struct os_work *work;

    os_lock_enter(pool->lock);
    while (!pool->shared.is_closing) {
        work = pop(pool);
        if (!work) {
            os_lock_wait(pool->lock, UINT64_MAX);
            continue;
        }
        os_lock_leave(pool->lock);
        work->run(work->owner);
        hand_back(work, true);
        os_lock_enter(pool->lock);
    }
    os_lock_leave(pool->lock);
}

struct err os_pool_new(const char *name, unsigned thread_count, unsigned waiting_max, struct os_pool **ret_pool)
{
    struct os_pool *pool = calloc(1, sizeof(*pool) + thread_count * sizeof(pool->threads[0]));
    struct err error;

    CHECK(pool);
    CHECK(thread_count > 0);
    pool->waiting_max = waiting_max;
    error = os_lock_new(&pool->lock);
    for (unsigned i = 0; !err_is(error) && i < thread_count; i++) {
        error = os_thread_start(name, run_pool_thread, pool, &pool->threads[i]);
        pool->thread_count += !err_is(error);
    }
    if (err_is(error)) {
        os_pool_free(&pool);
        return error;
    }
    *ret_pool = pool;
    return OK;
}

struct err os_pool_submit(struct os_pool *pool, struct os_work *work)
{
    struct err error = OK;

    work->next = NULL;
    os_lock_enter(pool->lock);
    CHECK(!pool->shared.is_closing);
    if (pool->shared.waiting_count >= pool->waiting_max) {
        error = ERR(ERR_LIMIT, 0, "too much work waits");
    } else {
        if (pool->shared.last)
            pool->shared.last->next = work;
        else
            pool->shared.first = work;
        pool->shared.last = work;
        pool->shared.waiting_count++;
        os_lock_signal_all(pool->lock);
    }
    os_lock_leave(pool->lock);
    return error;
}

void os_pool_free(struct os_pool **pool)
{
    struct os_pool *freed = *pool;
    struct os_work *work;

    if (!freed)
        return;
    *pool = NULL;
    if (freed->lock) {
        os_lock_enter(freed->lock);
        freed->shared.is_closing = true;
        os_lock_signal_all(freed->lock);
        os_lock_leave(freed->lock);
    }
    for (unsigned i = 0; i < freed->thread_count; i++)
        os_thread_join(&freed->threads[i]);
    while ((work = pop(freed)))
        hand_back(work, false);
    os_lock_free(&freed->lock);
    free(freed);
}
