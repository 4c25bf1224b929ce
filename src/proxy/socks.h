/* socks.h - SOCKS5 toward clients (RFC 1928; user name and password, RFC 1929).
 *
 * CONNECT only, to names and addresses.  With --proxy-auth the client must sign in.  Once it has said where it wants to
 * go the connection goes on like one inside an HTTP CONNECT: success is told before the origin is contacted, since
 * rules may still answer in its stead.  SOCKS4 is refused with its own reply.
 */
#ifndef PROXY_SOCKS_H
#define PROXY_SOCKS_H

#include "proxy/conn.h"

/* Whether a connection that begins with this byte speaks SOCKS. */
bool proxy_socks_is_first_byte(char byte);
/* Takes the connection over; its handler before has let go. */
void proxy_socks_start(struct proxy_conn *conn, struct str first_bytes);

#endif
