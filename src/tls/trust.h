/* trust.h - whether an origin's certificate is to be believed: the root store, the project's exceptions, the verdict.
 *
 * Every handshake with an origin is verified and its verdict recorded, also in mode OFF, where it decides nothing.  All
 * checks run to the end, so a verdict names every one that failed, not just the first.  Revocation is checked only
 * against CRLs that stand in the `ca_file`; there is no OCSP, as in curl and by default in Chromium.
 *
 * Exceptions are the user's word for one host and port: accept this certificate (by SHA-256 of the leaf), or any.  Host
 * names are compared without case; addresses in their usual text.
 *
 * One for the process; every function may be called from any thread.
 */
#ifndef TLS_TRUST_H
#define TLS_TRUST_H

#include "base/err.h"
#include "base/str.h"

#define TLS_TRUST_EXCEPTION_MAX 10000
#define TLS_TRUST_SHA256_BYTES 32
#define TLS_TRUST_TEXT_BYTES 160

struct tls_trust;
struct x509_store_ctx_st; /* OpenSSL's X509_STORE_CTX */
struct x509_store_st;     /* X509_STORE */

/* The checks, in the order in which a verdict names them. */
enum tls_trust_check {
    TLS_TRUST_EXPIRED,         /* "expired": notAfter of any certificate of the chain */
    TLS_TRUST_NOT_YET_VALID,   /* "not-yet-valid" */
    TLS_TRUST_WRONG_NAME,      /* "wrong-name": no alternative name is the host's */
    TLS_TRUST_SELF_SIGNED,     /* "self-signed": the leaf itself */
    TLS_TRUST_UNKNOWN_ROOT,    /* "unknown-root": the chain ends in a root that is not in the store */
    TLS_TRUST_UNKNOWN_ISSUER,  /* "unknown-issuer": an issuer was neither sent nor is in the store */
    TLS_TRUST_WEAK,            /* "weak": key under 112 bits, or a signature with MD5 or SHA-1 */
    TLS_TRUST_REVOKED,         /* "revoked" */
    TLS_TRUST_BAD_CONSTRAINTS, /* "bad-constraints": not a CA, path too long, name constraints, unknown critical part */
    TLS_TRUST_BAD_PURPOSE,     /* "bad-purpose": not for a server */
    TLS_TRUST_BAD_SIGNATURE,   /* "bad-signature" */
    TLS_TRUST_MALFORMED,       /* "malformed" */
    TLS_TRUST_OTHER,           /* "other" */
    TLS_TRUST_CHECK_COUNT
};

enum tls_trust_outcome {
    TLS_TRUST_UNKNOWN,   /* "unknown": the handshake did not come so far */
    TLS_TRUST_VERIFIED,  /* "ok" */
    TLS_TRUST_EXCEPTED,  /* "exception": checks failed, the user accepted it */
    TLS_TRUST_UNCHECKED, /* "off": checks failed, verification was switched off */
    TLS_TRUST_REFUSED,   /* "failed" */
};

struct tls_trust_verdict {
    enum tls_trust_outcome outcome;
    uint32_t failed;        /* bit n: enum tls_trust_check n */
    const char *first_text; /* OpenSSL's sentence for the first failure; static, NULL when none */
    uint64_t generation;    /* of the exceptions when it was reached; a cached session of another is not used */
};

enum tls_trust_mode {
    TLS_TRUST_ON,
    TLS_TRUST_OFF, /* connect whatever the verdict is */
};

/* `ca_file` (PEM; certificates and CRLs) replaces the system's store; NULL for the system's (SSL_CERT_FILE and
 * SSL_CERT_DIR are obeyed).  ERR_ABSENT or ERR_DAMAGED when the file holds no certificate. */
MUST_CHECK struct err tls_trust_new(const char *ca_file, struct tls_trust **ret_trust);
void tls_trust_free(struct tls_trust **trust);

/* Accepts for host:port the leaf with this SHA-256 (32 bytes), or any leaf when NULL; replaces an earlier exception.
 * ERR_LIMIT over TLS_TRUST_EXCEPTION_MAX. */
MUST_CHECK struct err tls_trust_allow(struct tls_trust *trust, struct str host, uint16_t port,
                                      const unsigned char *sha256);
/* Takes it back; false when there was none.  Sessions resumed from before are not used any more. */
bool tls_trust_disallow(struct tls_trust *trust, struct str host, uint16_t port);
uint64_t tls_trust_generation(struct tls_trust *trust);

/* Verifies the chain in OpenSSL's context for `host` (name or address literal) and decides.  For the TLS layer. */
struct tls_trust_verdict tls_trust_verify(struct tls_trust *trust, struct x509_store_ctx_st *chain, struct str host,
                                          uint16_t port, enum tls_trust_mode mode);
/* The store that the layer's contexts verify with; borrowed. */
struct x509_store_st *tls_trust_store(const struct tls_trust *trust);

/* "expired" and so on. */
const char *tls_trust_check_name(enum tls_trust_check check);
const char *tls_trust_outcome_name(enum tls_trust_outcome outcome);
/* "ok"; the failed checks when they decided, "expired,wrong-name"; "exception:self-signed", "off:unknown-issuer" when
 * they did not; "unknown".  Returns text. */
const char *tls_trust_format(const struct tls_trust_verdict *verdict, char text[TLS_TRUST_TEXT_BYTES]);

#endif
