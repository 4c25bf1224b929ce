/* Work runs on the simulation's own thread, at a time that chance decides. */
#include <stdlib.h>

#include "os/thread.h"
#include "world.h"

struct job {
    struct list among;
    struct os_pool *pool;
    struct os_work *work;
    struct world_event run;
};

struct os_pool {
    unsigned waiting_max;
    unsigned waiting_count;
    struct list jobs;
};

struct err os_pool_new(const char *name, unsigned thread_count, unsigned waiting_max, struct os_pool **ret_pool)
{
    struct os_pool *pool = calloc(1, sizeof(*pool));

    (void)name;
    CHECK(pool);
    pool->waiting_max = waiting_max + thread_count;
    list_init(&pool->jobs);
    *ret_pool = pool;
    return OK;
}

static void tell_done(void *owner)
{
    struct os_work *work = owner;

    work->on_done(work->owner, work->was_run);
}

static void finish(struct job *job, bool was_run)
{
    struct os_work *work = job->work;

    world_event_stop(&job->run);
    list_remove(&job->among);
    job->pool->waiting_count--;
    free(job);
    work->was_run = was_run;
    work->post = (struct os_post){.fn = tell_done, .owner = work};
    os_loop_post(work->loop, &work->post);
}

static void run_job(void *owner)
{
    struct job *job = owner;

    job->work->run(job->work->owner);
    finish(job, true);
}

struct err os_pool_submit(struct os_pool *pool, struct os_work *work)
{
    struct job *job;

    if (pool->waiting_count >= pool->waiting_max || world_fails(SIM_FAULT_SUBMIT))
        return ERR(ERR_LIMIT, 0, "too much work waits");
    job = calloc(1, sizeof(*job));
    CHECK(job);
    *job = (struct job){.pool = pool, .work = work};
    pool->waiting_count++;
    list_push_last(&pool->jobs, &job->among);
    world_event_init(&job->run, "work", NULL, run_job, job);
    world_event_start(&job->run, world_latency_us());
    return OK;
}

void os_pool_free(struct os_pool **pool)
{
    struct list *node;

    if (!*pool)
        return;
    while ((node = list_first(&(*pool)->jobs)))
        finish(LIST_OWNER(node, struct job, among), false);
    free(*pool);
    *pool = NULL;
}
