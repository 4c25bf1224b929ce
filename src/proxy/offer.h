/* offer.h - one click on an error page trusts an origin's certificate.
 *
 * The page about a failed verification carries a form that posts to a path with a random token.  The token stands for
 * one host, port and certificate, and only who can read the page (that is: the origin's own scripts, and the person)
 * knows it. Tokens are kept in a small table that all loops share, since the click may come over any
 * connection; the oldest leave first, and one is good once, for ten minutes.
 */
#ifndef PROXY_OFFER_H
#define PROXY_OFFER_H

#include "proxy/origin.h"

#define PROXY_OFFER_PATH "/.sekisho/trust/"
#define PROXY_OFFER_COUNT_MAX 64

struct proxy_offers;

MUST_CHECK struct err proxy_offer_table_new(struct proxy_offers **ret_offers);
void proxy_offer_table_free(struct proxy_offers **offers);

/* The path to post to, in the loop's scratch memory; empty when nothing can be offered. */
struct str proxy_offer_make(const struct proxy_worker *worker, const struct exchange *exchange,
                            const struct proxy_origin_facts *facts);

/* Takes an offer up: true when the path holds a good token for this host and port.  *ret_target is where to go back to,
 * in the loop's scratch memory. */
bool proxy_offer_take(const struct proxy_worker *worker, struct str path, struct str host, uint16_t port,
                      struct str *ret_target);

#endif
