/* h2.h - HTTP/2 on a client connection: an exchange for each stream, each with its own life (RFC 9113).
 *
 * A stream's way to its origin is a link: one HTTP/2 connection for all streams to one authority where the origin
 * speaks it, else an HTTP/1 connection for each stream that is under way, kept for later ones.  Links belong to this
 * client connection and are never shared with another.
 *
 * Windows are opened only for bytes that have left toward the other side, so what is held for a stream is at most a
 * window in each direction, and a slow reader slows its own stream.  Resets are passed on with their codes, after what
 * was sent before them; GOAWAY of the one origin behind CONNECT becomes GOAWAY to the client.
 */
#ifndef PROXY_H2_H
#define PROXY_H2_H

#include "proxy/conn.h"

/* Takes the connection over; its handler before has let go. */
void proxy_h2_start(struct proxy_conn *conn, struct str first_bytes);

#endif
