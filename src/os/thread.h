/* thread.h - threads, a lock with a condition, and a pool for work that blocks. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include "os/loop.h"

struct os_thread;
struct os_lock;
struct os_pool;

/* `name` shows in debuggers, at most 15 bytes.  All signals are blocked in it. */
MUST_CHECK struct err os_thread_start(const char *name, void (*run)(void *owner), void *owner,
                                      struct os_thread **ret_thread);
/* Waits for its end and frees it. */
void os_thread_join(struct os_thread **thread);
/* Nobody will wait for it: it frees itself at its end, or goes with the process. */
void os_thread_detach(struct os_thread **thread);
unsigned os_thread_cpu_count(void);
/* Lower priority for the calling thread, for background work. */
void os_thread_lower_priority(void);

/* A mutex with one condition. */
MUST_CHECK struct err os_lock_new(struct os_lock **ret_lock);
void os_lock_free(struct os_lock **lock);
void os_lock_enter(struct os_lock *lock);
void os_lock_leave(struct os_lock *lock);
/* Waits for a signal, with the lock held before and after; at most wait_ms (UINT64_MAX: for ever).  False: time-out. */
bool os_lock_wait(struct os_lock *lock, uint64_t wait_ms);
void os_lock_signal_all(struct os_lock *lock);

/* Work for a pool: run() on one of its threads, then on_done() on the loop.  Caller's memory until on_done. */
struct os_work {
    void (*run)(void *owner);
    void (*on_done)(void *owner, bool was_run); /* was_run false: the pool was closed before */
    void *owner;
    struct os_loop *loop;
    struct os_post post;  /* the pool's */
    struct os_work *next; /* the pool's */
    bool was_run;         /* the pool's */
};

MUST_CHECK struct err os_pool_new(const char *name, unsigned thread_count, unsigned waiting_max,
                                  struct os_pool **ret_pool);
/* ERR_LIMIT when waiting_max wait already. */
MUST_CHECK struct err os_pool_submit(struct os_pool *pool, struct os_work *work);
/* Waits for running work; what still waits gets on_done with was_run false. */
void os_pool_free(struct os_pool **pool);

#endif
