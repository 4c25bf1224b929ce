/* loopmark.h - finds proxies that lead in a circle.
 *
 * Two instances on one machine that are each other's upstream proxy would pass a request round until descriptors run
 * out. So a request to an upstream proxy on this machine carries the field Sekisho-Via with the random ids of the
 * instances it came through, and an instance that reads its own id answers 508.  The field never leaves the machine: it
 * is taken out of what goes anywhere else.
 */
#ifndef PROXY_LOOPMARK_H
#define PROXY_LOOPMARK_H

#include "http/message.h"
#include "proxy/options.h"

#define PROXY_LOOPMARK_FIELD "Sekisho-Via"
#define PROXY_LOOPMARK_BYTES_MAX 512

/* Whether the request has been here before, or came through more instances than are plausible. */
bool proxy_loopmark_is_loop(const struct proxy_options *options, const struct http_message *message);
/* The ids that the request carries already; empty for none. */
struct str proxy_loopmark_of(const struct http_message *message);
/* What the next instance is told; empty when the upstream proxy is not on this machine. */
struct str proxy_loopmark_next(const struct proxy_options *options, const struct proxy_upstream *upstream,
                               struct str before, char text[PROXY_LOOPMARK_BYTES_MAX * 2]);

#endif
