/* identity.h - a client certificate with its chain and key, loaded once from a PEM file and shown to origins that ask.
 *
 * One file holds the certificate first, then its intermediates, and the key (not encrypted) anywhere.  Immutable after
 * opening; any thread may use it.
 */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include "base/err.h"
#include "base/str.h"

struct tls_identity;
struct ssl_st; /* OpenSSL's SSL */

/* ERR_ABSENT, ERR_DENIED, ERR_IO from the file; ERR_DAMAGED when a part is missing, encrypted or does not belong. */
MUST_CHECK struct err tls_identity_open(const char *path, struct tls_identity **ret_identity);
void tls_identity_free(struct tls_identity **identity);

/* For the TLS layer. */
MUST_CHECK struct err tls_identity_use(const struct tls_identity *identity, struct ssl_st *ssl);

#endif
