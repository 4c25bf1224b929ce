/* speaks.h - remembers which version of HTTP an origin speaks, by host and port.
 *
 * A client learns in its TLS handshake which versions it may use, and is to be offered HTTP/2 only when the origin has
 * it.  So what the origin chose (ALPN) the last time is kept in a table that all loops share; the entry least recently
 * used leaves first.
 */
#ifndef PROXY_SPEAKS_H
#define PROXY_SPEAKS_H

#include "base/err.h"
#include "base/str.h"

#define PROXY_SPEAKS_COUNT_MAX 4096

enum proxy_speaks_version {
    PROXY_SPEAKS_UNKNOWN,
    PROXY_SPEAKS_HTTP1, /* or something else than HTTP/2 */
    PROXY_SPEAKS_HTTP2,
};

struct proxy_speaks;

MUST_CHECK struct err proxy_speaks_table_new(struct proxy_speaks **ret_speaks);
void proxy_speaks_table_free(struct proxy_speaks **speaks);

/* Any thread; `speaks` may be NULL, which knows nothing. */
enum proxy_speaks_version proxy_speaks_find(struct proxy_speaks *speaks, struct str host, uint16_t port);
/* `alpn` is what the origin chose; empty: nothing. */
void proxy_speaks_note(struct proxy_speaks *speaks, struct str host, uint16_t port, struct str alpn);

#endif
