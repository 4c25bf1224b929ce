/* loop.h - what all TLS connections of one loop share: OpenSSL's contexts, leaves, sessions to origins, and buffers.
 *
 * Sharing is what makes a connection small and a handshake cheap: one SSL_CTX for each side (and one more for old
 * peers, made when first needed), a leaf cache, the sessions that resume with origins, one buffer that plaintext is
 * read into and one that records are collected in.  Belongs to its loop and is touched on that loop's thread only; the
 * process-wide parts it is given must outlive it.
 */
#ifndef TLS_LOOP_H
#define TLS_LOOP_H

#include "os/loop.h"
#include "tls/ca.h"
#include "tls/keylog.h"
#include "tls/trust.h"

struct tls_loop;

struct tls_loop_options {
    struct os_loop *loop;
    const struct tls_ca *ca;
    struct tls_trust *trust;
    struct tls_keylog *keylog; /* NULL: none */
    size_t leaf_count_max;     /* 0: 1000 */
    size_t session_count_max;  /* origins whose last session is kept; 0: 1000 */
};

MUST_CHECK struct err tls_loop_new(const struct tls_loop_options *options, struct tls_loop **ret_tls);
/* All layers made with it must be closed. */
void tls_loop_free(struct tls_loop **tls);

struct tls_leaf_cache *tls_loop_leaves(struct tls_loop *tls);

#endif
