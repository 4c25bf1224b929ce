/* peek.h - the first handler of a connection: looks at the first bytes and gives it to the handler that fits.
 *
 * On our port: TLS (a client that speaks TLS to the proxy) or HTTP/1.  Inside CONNECT: TLS is decrypted with a leaf for
 * the SNI, or for the host of CONNECT; a complete line that ends like an HTTP/1 request line is HTTP; everything else,
 * and a client that stays silent for peek_ms because its server speaks first, is tunnelled as it is.
 */
#ifndef PROXY_PEEK_H
#define PROXY_PEEK_H

#include "proxy/conn.h"

void proxy_peek_start(struct proxy_conn *conn);
/* Peeks again, as after CONNECT; `first_bytes` were read already. */
void proxy_peek_again(struct proxy_conn *conn, struct str first_bytes);

#endif
