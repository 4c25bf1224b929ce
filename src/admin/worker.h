/* worker.h - threads that read the project for the API, each with a reader of its own, so that no query ever runs on
 * the loop.
 *
 * Readers are opened when first needed and kept on a shelf: a job takes one while it runs.  At most thread_count exist.
 */
#ifndef ADMIN_WORKER_H
#define ADMIN_WORKER_H

#include "os/thread.h"
#include "store/reader.h"

struct admin_worker;

/* Caller's memory until on_done. */
struct admin_worker_job {
    void (*run)(struct admin_worker_job *job);                   /* on a thread */
    void (*on_done)(struct admin_worker_job *job, bool was_run); /* on the loop; not run: the worker was closed */
    struct admin_worker *worker;                                 /* the worker's, as is the rest */
    struct store_reader *reader;
    struct os_work work;
};

struct admin_worker_options {
    struct os_loop *loop;
    const char *project_folder;
    unsigned thread_count;
    unsigned waiting_max;
};

MUST_CHECK struct err admin_worker_new(const struct admin_worker_options *options, struct admin_worker **ret_worker);
/* Waits for the running jobs; the others get on_done soon after.  All must have run before the loop is freed. */
void admin_worker_free(struct admin_worker **worker);

/* ERR_LIMIT when too many wait. */
MUST_CHECK struct err admin_worker_submit(struct admin_worker *worker, struct admin_worker_job *job);
/* Within run(): a reader for the rest of it. */
MUST_CHECK struct err admin_worker_reader(struct admin_worker_job *job, struct store_reader **ret_reader);

#endif
