#include "os/thread.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uv.h>

#include "os/error.h"
#include "os/platform.h"

#define NAME_BYTES 16

struct os_thread {
    uv_thread_t uv;
    char name[NAME_BYTES];
    void (*run)(void *owner);
    void *owner;
    struct {
        atomic_uint claims; /* of a thread that runs, and of who may still join it; the last one frees */
    } shared;
};

static void give_up_claim(struct os_thread *thread)
{
    if (atomic_fetch_sub(&thread->shared.claims, 1) == 1)
        free(thread);
}

static void run_thread(void *argument)
{
    struct os_thread *thread = argument;

    os_platform_name_thread(thread->name);
    thread->run(thread->owner);
    give_up_claim(thread);
}

struct err os_thread_start(const char *name, void (*run)(void *owner), void *owner, struct os_thread **ret_thread)
{
    struct os_thread *thread = calloc(1, sizeof(*thread));
    sigset_t all, before;
    int status;

    CHECK(thread);
    CHECK(strlen(name) < NAME_BYTES);
    snprintf(thread->name, sizeof(thread->name), "%s", name);
    thread->run = run;
    thread->owner = owner;
    atomic_init(&thread->shared.claims, 2);
    /* A thread starts with its maker's mask; signals are for the loop that asked for them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = uv_thread_create(&thread->uv, run_thread, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status) {
        free(thread);
        return os_error_of_net(-status);
    }
    *ret_thread = thread;
    return OK;
}

void os_thread_join(struct os_thread **thread)
{
    if (!*thread)
        return;
    CHECK(uv_thread_join(&(*thread)->uv) == 0);
    give_up_claim(*thread);
    *thread = NULL;
}

void os_thread_detach(struct os_thread **thread)
{
    CHECK(pthread_detach((*thread)->uv) == 0);
    give_up_claim(*thread);
    *thread = NULL;
}

unsigned os_thread_cpu_count(void)
{
    /* Counts those that this process may run on, so that pinning is respected. */
    return uv_available_parallelism();
}

void os_thread_lower_priority(void) { os_platform_lower_thread_priority(); }
