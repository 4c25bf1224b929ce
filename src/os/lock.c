#include <stdlib.h>
#include <uv.h>

#include "os/error.h"
#include "os/thread.h"

/* libuv waits in nanoseconds; more than a year is for ever. */
#define WAIT_MAX_MS ((uint64_t)366 * 24 * 3600 * 1000)

struct os_lock {
    uv_mutex_t mutex;
    uv_cond_t changed;
};

struct err os_lock_new(struct os_lock **ret_lock)
{
    struct os_lock *lock = calloc(1, sizeof(*lock));
    int status;

    CHECK(lock);
    status = uv_mutex_init(&lock->mutex);
    if (status) {
        free(lock);
        return os_error_of_net(-status);
    }
    status = uv_cond_init(&lock->changed);
    if (status) {
        uv_mutex_destroy(&lock->mutex);
        free(lock);
        return os_error_of_net(-status);
    }
    *ret_lock = lock;
    return OK;
}

void os_lock_free(struct os_lock **lock)
{
    if (!*lock)
        return;
    uv_cond_destroy(&(*lock)->changed);
    uv_mutex_destroy(&(*lock)->mutex);
    free(*lock);
    *lock = NULL;
}

void os_lock_enter(struct os_lock *lock) { uv_mutex_lock(&lock->mutex); }

void os_lock_leave(struct os_lock *lock) { uv_mutex_unlock(&lock->mutex); }

bool os_lock_wait(struct os_lock *lock, uint64_t wait_ms)
{
    if (wait_ms > WAIT_MAX_MS) {
        uv_cond_wait(&lock->changed, &lock->mutex);
        return true;
    }
    return uv_cond_timedwait(&lock->changed, &lock->mutex, wait_ms * 1000000) == 0;
}

void os_lock_signal_all(struct os_lock *lock) { uv_cond_broadcast(&lock->changed); }
