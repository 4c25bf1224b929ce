/* facts_url.h - the URL of an exchange, as people write it: the `url` of rows, the `req.url` of queries. */
#ifndef MODEL_FACTS_URL_H
#define MODEL_FACTS_URL_H

#include "base/buf.h"
#include "model/facts.h"

/* Room that holds any URL made of parts that came in one head. */
#define FACTS_URL_BYTES_MAX (1024 * 1024)

/* Appends scheme://host[:port][path][?query].  The port is left out where it is the scheme's own; an IPv6 address
 * stands in brackets; path and query are as received.  A request for "*" has an empty path (RFC 9112, 3.3).  Nothing is
 * appended when the host is unknown.  ERR_LIMIT when the buffer is full. */
MUST_CHECK struct err facts_url_write(const struct exchange_facts *facts, struct buf *buf);

#endif
