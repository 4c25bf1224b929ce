#include "os/thread.h"

#include <signal.h>
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
};

static void run_thread(void *argument)
{
    struct os_thread *thread = argument;

    os_platform_name_thread(thread->name);
    thread->run(thread->owner);
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
    free(*thread);
    *thread = NULL;
}

unsigned os_thread_cpu_count(void)
{
    /* Counts those that this process may run on, so that pinning is respected. */
    return uv_available_parallelism();
}

void os_thread_lower_priority(void) { os_platform_lower_thread_priority(); }
