/* h1.h - HTTP/1 on a client connection: one exchange after another, relayed byte for byte.
 *
 * A request is read while its origin is connected to, a response while its request may still be coming; the two halves
 * of an exchange move on their own.  Requests that a client pipelines wait, unread beyond one buffer, until the
 * exchange before has ended, so answers come in order and every exchange can be held by itself.
 *
 *   request:   HEAD -> BODY -> DONE      response:  HEAD -> BODY -> DONE
 *
 * When both are done: the next request, or, where either side says so, the end of both connections.  What closes
 * on one side is closed on the other, the same way.  Nothing is ever sent twice.
 */
#ifndef PROXY_H1_H
#define PROXY_H1_H

#include "proxy/conn.h"

/* Takes the connection over; its handler before has let go. */
void proxy_h1_start(struct proxy_conn *conn, struct str first_bytes);

#endif
