/* ca.h - our certificate authority: the one that clients are asked to trust, and that signs a leaf for each name.
 *
 * Lives in a private folder as ca.key (PKCS#8, 0600) and ca.pem.  tls_ca_open() loads it or makes it.  Making is free
 * of races: the key is written under a temporary name and linked into place, the loser of a race loads the winner's,
 * and the certificate is always made for the key that is there; so two first starts at once give one CA, and a crash
 * between the two files heals at the next start.
 *
 * The certificate: EC P-256, ten years, back-dated by two days, CA:TRUE with pathlen 0 and keyCertSign|cRLSign (both
 * critical), subject key identifier, no extended key usage (Firefox and Chromium take a root without it for all uses).
 * Its name says sekisho, the user, the host and six random digits, so that several are told apart in a browser's list.
 *
 * One for the process.  After tls_ca_open() it never changes, so any thread may read it.
 */
#ifndef TLS_CA_H
#define TLS_CA_H

#include "base/err.h"
#include "base/str.h"

struct tls_ca;
struct x509_st;     /* OpenSSL's X509 */
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

#define TLS_CA_SHA256_BYTES 32
#define TLS_CA_FINGERPRINT_BYTES (TLS_CA_SHA256_BYTES * 3) /* "AB:CD:..." with its NUL */
#define TLS_CA_TICKET_KEY_BYTES 80

/* Makes the folder (0700) when absent.  err.what always names what is wrong and what to do; no file is changed then:
 *   ERR_DENIED   ca.key or ca.pem is a link, has several links, belongs to somebody else or is readable by others;
 *                or the machine's clock is outside 2024..2100 or outside the CA's ten years
 *   ERR_DAMAGED  a file does not parse, the two do not belong together, or ca.pem is there without its key
 *   ERR_IO       errno in err.wire */
MUST_CHECK struct err tls_ca_open(const char *folder, struct tls_ca **ret_ca);
/* The same as if it were now_s seconds after 1970. */
MUST_CHECK struct err tls_ca_open_at(const char *folder, int64_t now_s, struct tls_ca **ret_ca);
void tls_ca_free(struct tls_ca **ca);

/* The certificate, as text and as bytes; lives as long as the CA.  The key is never handed out as bytes. */
struct str tls_ca_pem(const struct tls_ca *ca);
struct str tls_ca_der(const struct tls_ca *ca);
/* An empty, signed list of revoked certificates (DER), for clients that insist on one; valid as long as the CA. */
struct str tls_ca_crl_der(const struct tls_ca *ca);
/* The subject's common name: "sekisho user@host 1a2b3c". */
const char *tls_ca_name(const struct tls_ca *ca);
/* SHA-256 of the DER as "AB:CD:...". */
const char *tls_ca_fingerprint(const struct tls_ca *ca);
/* Seconds since 1970. */
int64_t tls_ca_not_before_s(const struct tls_ca *ca);
int64_t tls_ca_not_after_s(const struct tls_ca *ca);

/* For the rest of tls: borrowed. */
struct x509_st *tls_ca_cert(const struct tls_ca *ca);
struct evp_pkey_st *tls_ca_key(const struct tls_ca *ca);
/* The key of all leaves of this process; made at open, never stored. */
struct evp_pkey_st *tls_ca_leaf_key(const struct tls_ca *ca);
/* Random bytes of this process for session tickets, so that a session resumes on any of its loops. */
const unsigned char *tls_ca_ticket_key(const struct tls_ca *ca);

#endif
