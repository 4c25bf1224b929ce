/* leaf.h - certificates for the names that clients ask for, signed by our CA, cached per loop.
 *
 * A leaf has one subject alternative name, DNS or IP address, and the key that all leaves of the process share.  The
 * common name is the same name when it has at most 64 bytes; otherwise the subject is empty and the alternative name
 * critical (RFC 5280, 4.2.1.6).  It is valid from two days ago for 199 days in all, within the CA's own dates, has a
 * random serial number, and is made anew a day before it ends or when the clock has left its dates.
 *
 * Names are untrusted.  They are lowered and must be an IP address literal or dotted labels of letters, digits, '-' and
 * '_' (A-labels of international names are such), 1 to 63 bytes each and 253 in all; one trailing dot is dropped.  No
 * wildcards.  Anything else gives ERR_SYNTAX, and the caller falls back to the name it connects to.
 *
 * The cache belongs to one loop and holds at most max_count leaves (about 3 KiB each), the least recently used go
 * first.
 */
#ifndef TLS_LEAF_H
#define TLS_LEAF_H

#include "tls/ca.h"

#define TLS_LEAF_NAME_MAX 253
#define TLS_LEAF_VALID_DAYS 199

struct tls_leaf_cache;

/* The CA must outlive the cache. */
MUST_CHECK struct err tls_leaf_cache_new(const struct tls_ca *ca, size_t max_count, struct tls_leaf_cache **ret_cache);
void tls_leaf_cache_free(struct tls_leaf_cache **cache);

/* The leaf for a name, from the cache or new; borrowed until the next call.  ERR_SYNTAX for what is no name. */
MUST_CHECK struct err tls_leaf_for(struct tls_leaf_cache *cache, struct str name, struct x509_st **ret_cert);

/* Signs a leaf as if it were now_s seconds after 1970, past any cache; *ret_cert is the caller's (X509_free). */
MUST_CHECK struct err tls_leaf_sign(struct tls_leaf_cache *cache, struct str name, int64_t now_s,
                                    struct x509_st **ret_cert);

/* How many leaves are held, and how many were signed since the start. */
size_t tls_leaf_count(const struct tls_leaf_cache *cache);
uint64_t tls_leaf_signed_count(const struct tls_leaf_cache *cache);

/* Whether `name` may stand in a certificate, by the rules above. */
bool tls_leaf_is_name(struct str name);

#endif
