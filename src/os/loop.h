/* loop.h - one event loop per thread: timers, sockets, and work handed over from other threads.
 *
 * All callbacks of a loop run on its thread, from os_loop_run(), one after another, never from inside the call that
 * registered them.  Everything belongs to the loop it was made with and is touched on that loop's thread only;
 * os_loop_post() is the one exception.
 */
#ifndef OS_LOOP_H
#define OS_LOOP_H

#include "base/arena.h"
#include "base/err.h"

struct os_loop;

/* A piece of work for a loop.  Caller's memory, must live until fn has run; fn may post it again or free it. */
struct os_post {
    void (*fn)(void *owner);
    void *owner;
    struct os_post *next; /* the loop's */
};

MUST_CHECK struct err os_loop_new(struct os_loop **ret_loop);
/* All handles must be closed and their on_closed have run. */
void os_loop_free(struct os_loop **loop);

/* Runs until os_loop_stop(). */
void os_loop_run(struct os_loop *loop);
/* From the loop's own thread. */
void os_loop_stop(struct os_loop *loop);

/* Monotonic milliseconds; read once a turn, so cheap and constant within a callback. */
uint64_t os_loop_now_ms(const struct os_loop *loop);

/* Memory for the length of this turn of the loop. */
struct arena *os_loop_scratch(struct os_loop *loop);

/* Runs post->fn on the loop's thread, in the order of posting.  From any thread; never blocks, never allocates. */
void os_loop_post(struct os_loop *loop, struct os_post *post);

/* Runs post->fn after the current callback and before the loop waits again.  From the loop's own thread. */
void os_loop_defer(struct os_loop *loop, struct os_post *post);

/* SIGINT, SIGTERM: on_signal runs on the loop.  SIGPIPE and SIGXFSZ are ignored from os_loop_new() on. */
MUST_CHECK struct err os_loop_on_stop_signal(struct os_loop *loop, void (*on_signal)(void *owner), void *owner);

#endif
