/* failure.h - why an exchange failed, in one stable name and one sentence that says what to do. */
#ifndef PROXY_FAILURE_H
#define PROXY_FAILURE_H

#include "proxy/origin.h"

struct proxy_failure {
    struct str
        name; /* "dns", "refused", "reset", "closed", "timeout", "tls", "verify", "upstream", "own-address", "io" */
    struct str text; /* one sentence, in the loop's scratch memory */
    unsigned status; /* of the page that tells it: 502, 504, 403 */
};

/* The origin could not be reached, or broke off. */
struct proxy_failure proxy_failure_of_origin(struct err err, const struct proxy_origin *origin);
/* The client broke off. */
struct str proxy_failure_of_client(struct err err);
/* Copies what is known of the origin's connection into the exchange's facts. */
void proxy_failure_describe_origin(struct exchange *exchange, const struct proxy_origin *origin);
/* And how long it took to open, into those of the first exchange that it serves. */
void proxy_failure_describe_timing(struct exchange *exchange, const struct proxy_origin *origin);

#endif
