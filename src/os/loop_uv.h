/* loop_uv.h - the inside of a loop, for the files of this area only.
 *
 * One turn: timers, deferred work, wait for events, their callbacks, deferred work, closed handles.  Deferred work runs
 * from a prepare and a check handle, which cost no system call; when it leaves more of itself behind, an idle handle
 * keeps the loop from waiting.
 */
#ifndef OS_LOOP_UV_H
#define OS_LOOP_UV_H

#include <stdatomic.h>
#include <uv.h>

#include "os/loop.h"

struct os_loop {
    uv_loop_t uv;
    uv_prepare_t before_wait;
    uv_check_t after_events;
    uv_idle_t no_wait; /* runs while deferred work is left */
    uv_async_t wake_up;
    uv_signal_t stop_signals[2];
    size_t stop_signal_count; /* of those in use */
    void (*on_signal)(void *owner);
    void *signal_owner;
    struct os_post *deferred_first, *deferred_last;
    struct arena scratch;
    char *read_buffer; /* OS_TCP_READ_BYTES, of all sockets */
    struct {
        _Atomic(struct os_post *) posted; /* a stack: any thread pushes, the loop takes all */
    } shared;
};

#endif
