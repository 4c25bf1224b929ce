/* connection.h - one client of the admin server: requests in, answers out, one at a time.
 *
 *            request complete              part ready
 *   READ ----------------------> CALL -----------------> SEND
 *    | ^                          ^                      |  |
 *    | |                          +--- more to come -----+  |
 *    | +------------------ answered, kept alive ------------+
 *    |                                                      |
 *    +-- refused or broken: SEND a problem                  v
 *                                        answered, closing: LINGER ---> CLOSED
 *
 * What arrives while a request is being answered waits, up to a bound.  A client that goes away cancels what runs for
 * it. The object lives until its socket is closed and nothing runs for it any more; then on_gone is called, later and
 * once.
 */
#ifndef ADMIN_CONNECTION_H
#define ADMIN_CONNECTION_H

#include "admin/call.h"

struct admin_connection;

/* Takes over an accepted descriptor; it is closed on failure. */
MUST_CHECK struct err admin_connection_new(struct admin_home *home, int fd, void (*on_gone)(void *owner), void *owner,
                                           struct admin_connection **ret_connection);
/* From on_gone. */
void admin_connection_free(struct admin_connection **connection);
/* Drops it now; on_gone comes later.  May be called again. */
void admin_connection_close(struct admin_connection *connection);
/* Waits for a request, the rest of one, or for the client to close: may be dropped when room is needed. */
bool admin_connection_is_idle(const struct admin_connection *connection);

#endif
