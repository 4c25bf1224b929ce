#include "admin/worker.h"

#include "base/list.h"

#define THREAD_MAX 16

struct admin_worker {
    struct os_loop *loop;
    const char *project_folder;
    struct os_pool *pool;
    struct {
        struct os_lock *lock; /* held for every use of the shelf */
        struct store_reader *shelf[THREAD_MAX];
        size_t shelf_count;
    } shared;
};

struct err admin_worker_new(const struct admin_worker_options *options, struct admin_worker **ret_worker)
{
    struct admin_worker *worker = calloc(1, sizeof(*worker));
    struct err err;

    CHECK(worker);
    CHECK(options->thread_count > 0 && options->thread_count <= THREAD_MAX);
    worker->loop = options->loop;
    worker->project_folder = options->project_folder;
    err = os_lock_new(&worker->shared.lock);
    if (!err_is(err))
        err = os_pool_new("sekisho-admin", options->thread_count, options->waiting_max, &worker->pool);
    if (err_is(err)) {
        if (worker->shared.lock)
            os_lock_free(&worker->shared.lock);
        free(worker);
        return err;
    }
    *ret_worker = worker;
    return OK;
}

void admin_worker_free(struct admin_worker **worker)
{
    struct admin_worker *self = *worker;

    if (!self)
        return;
    os_pool_free(&self->pool);
    for (size_t i = 0; i < self->shared.shelf_count; i++)
        store_reader_close(&self->shared.shelf[i]);
    os_lock_free(&self->shared.lock);
    free(self);
    *worker = NULL;
}

static struct store_reader *take_from_shelf(struct admin_worker *worker)
{
    struct store_reader *reader = NULL;

    os_lock_enter(worker->shared.lock);
    if (worker->shared.shelf_count)
        reader = worker->shared.shelf[--worker->shared.shelf_count];
    os_lock_leave(worker->shared.lock);
    return reader;
}

/* There is room: a reader comes back from each thread at most. */
static void put_on_shelf(struct admin_worker *worker, struct store_reader *reader)
{
    os_lock_enter(worker->shared.lock);
    CHECK(worker->shared.shelf_count < THREAD_MAX);
    worker->shared.shelf[worker->shared.shelf_count++] = reader;
    os_lock_leave(worker->shared.lock);
}

struct err admin_worker_reader(struct admin_worker_job *job, struct store_reader **ret_reader)
{
    if (!job->reader)
        job->reader = take_from_shelf(job->worker);
    if (!job->reader)
        TRY(store_reader_open(job->worker->project_folder, false, &job->reader));
    *ret_reader = job->reader;
    return OK;
}

static void run(void *owner)
{
    struct admin_worker_job *job = owner;

    job->run(job);
    if (job->reader)
        put_on_shelf(job->worker, job->reader);
    job->reader = NULL;
}

static void on_done(void *owner, bool was_run)
{
    struct admin_worker_job *job = owner;

    job->on_done(job, was_run);
}

struct err admin_worker_submit(struct admin_worker *worker, struct admin_worker_job *job)
{
    job->worker = worker;
    job->reader = NULL;
    job->work = (struct os_work){.run = run, .on_done = on_done, .owner = job, .loop = worker->loop};
    return os_pool_submit(worker->pool, &job->work);
}
