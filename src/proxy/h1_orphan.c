/* What the origin sends beyond its answer: kept as a row of its own and shown to nobody, since the client would take it
 * for the answer to its next request (RFC 9112, 9.2). */
#include <stdlib.h>

#include "proxy/h1_private.h"

static void begin(struct proxy_h1 *h1)
{
    const struct proxy_origin_request *origin = proxy_origin_request(h1->origin);
    const struct proxy_worker *worker = h1->conn->worker;
    struct exchange_facts *facts;

    h1->orphan = malloc(sizeof(*h1->orphan));
    CHECK(h1->orphan);
    exchange_init(h1->orphan, PROXY_CONN_ARENA_BYTES_MAX, worker->observers, worker->observer_count);
    proxy_conn_describe(h1->conn, h1->orphan);
    facts = &h1->orphan->facts;
    facts->scheme = origin->is_tls ? STR("https") : STR("http");
    /* The origin's memory may go first; a name that does not fit is left out. */
    IGNORE(arena_copy(&h1->orphan->arena, origin->host, &facts->host));
    facts->port = origin->port;
    facts->origin = proxy_origin_facts(h1->origin)->addr;
    facts->origin_connection = proxy_origin_facts(h1->origin)->number;
    exchange_begin(h1->orphan);
    exchange_flag(h1->orphan, STR("orphan"));
    exchange_half_end(h1->orphan, EXCHANGE_REQUEST, false);
}

bool proxy_h1_orphan_take(struct proxy_h1 *h1, struct str bytes)
{
    if (!h1->orphan)
        begin(h1);
    h1->orphan_bytes += bytes.len;
    exchange_bytes(h1->orphan, EXCHANGE_RESPONSE, bytes, 0);
    return h1->orphan_bytes < PROXY_H1_ORPHAN_BYTES_MAX;
}

void proxy_h1_orphan_end(struct proxy_h1 *h1)
{
    if (!h1->orphan)
        return;
    exchange_half_end(h1->orphan, EXCHANGE_RESPONSE, false);
    proxy_conn_fail_exchange(h1->orphan, STR("orphan"),
                             STR("The origin sent more than the answer to the request before; it was not passed on."));
    proxy_conn_end_exchange(h1->orphan);
    exchange_deinit(h1->orphan);
    free(h1->orphan);
    h1->orphan = NULL;
}
