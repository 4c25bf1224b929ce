/* timer.h - a deadline that is cheap to move.
 *
 * Every connection moves its idle deadline with each event, so moving one later costs a store: the system timer stays
 * where it is and, when it fires early, is set again.  One callback per start; start() again replaces.
 */
#ifndef OS_TIMER_H
#define OS_TIMER_H

#include "os/loop.h"

struct os_timer;

/* on_fire runs on the loop's thread. */
MUST_CHECK struct err os_timer_new(struct os_loop *loop, void (*on_fire)(void *owner), void *owner,
                                   struct os_timer **ret_timer);
void os_timer_start(struct os_timer *timer, uint64_t delay_ms);
void os_timer_stop(struct os_timer *timer);
bool os_timer_is_running(const struct os_timer *timer);
/* Stops and frees; on_fire does not run after this.  Harmless on NULL. */
void os_timer_free(struct os_timer **timer);

#endif
