/* loop_parts.h - the inside of struct tls_loop, for the files of this area only. */
#ifndef TLS_LOOP_PARTS_H
#define TLS_LOOP_PARTS_H

#include <openssl/ssl.h>

#include "base/map.h"
#include "tls/layer.h"
#include "tls/leaf.h"
#include "tls/loop.h"

#define TLS_LOOP_PLAINTEXT_BYTES ((size_t)64 * 1024)
#define TLS_LOOP_GATHER_BYTES ((size_t)16 * 1024) /* one record's plaintext */
#define TLS_LOOP_RECORDS_BYTES ((size_t)80 * 1024)

struct tls_loop {
    struct os_loop *loop;
    const struct tls_ca *ca;
    struct tls_trust *trust;
    struct tls_keylog *keylog;
    struct tls_leaf_cache *leaves;
    struct map sessions;  /* of origins, by key -> struct session */
    SSL_CTX *sides[2][2]; /* by enum tls_layer_side and is_legacy; the legacy ones when first needed */
    BIO_METHOD *bio_method;
    char *plaintext; /* what SSL_read gives, during one call of on_bytes */
    char *gathered;  /* small parts of one write, until they make a record */
    char *records;   /* what OpenSSL wants to send, until the end of the call */
    size_t records_len;
};

/* The context of a side, made when it is first needed; borrowed. */
MUST_CHECK struct err tls_loop_side(struct tls_loop *tls, enum tls_layer_side side, bool is_legacy, SSL_CTX **ret_side);

/* The session of an origin, with what was found when it was made; false when there is none, or it is too old, or the
 * user's exceptions have changed since. */
bool tls_loop_session_get(struct tls_loop *tls, struct str key, SSL_SESSION **ret_session,
                          struct tls_trust_verdict *ret_verdict);
/* Takes the reference to the session over. */
void tls_loop_session_put(struct tls_loop *tls, struct str key, SSL_SESSION *session,
                          const struct tls_trust_verdict *verdict);

#endif
