/* hello.h - reads the ClientHello out of a connection's first bytes, without answering and without I/O.
 *
 * Bytes are pushed as they arrive, in any pieces; each byte is looked at once.  The hello may be spread over any number
 * of records (RFC 8446, 5.1).  The first answer other than MORE is final, and nothing more may be pushed:
 *
 *   TLS_HELLO_MORE  undecided; also while nothing has arrived
 *   TLS_HELLO_IS    a complete, well-formed ClientHello; the fields below are set
 *   TLS_HELLO_NOT   anything else: not TLS, SSL 2 framing, a malformed hello, or one over TLS_HELLO_MAX; `why_not` says
 *                   which.  The caller tunnels such a connection untouched.
 *
 * The caller keeps the raw bytes itself, to hand them to the TLS layer.  Strings point into the reader's own buffer.
 */
#ifndef TLS_HELLO_H
#define TLS_HELLO_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define TLS_HELLO_MAX ((size_t)(64 * 1024))   /* of the handshake message */
#define TLS_HELLO_RAW_MAX (TLS_HELLO_MAX * 2) /* of all pushed bytes; with 1 byte a record it says NOT at 21 KiB */
#define TLS_HELLO_ALPN_MAX 16
#define TLS_HELLO_JA4_BYTES 37 /* 36 characters and NUL */

enum tls_hello_state {
    TLS_HELLO_MORE,
    TLS_HELLO_IS,
    TLS_HELLO_NOT,
};

struct tls_hello {
    /* Set with TLS_HELLO_IS. */
    uint16_t legacy_version;             /* 0x0303 */
    uint16_t version_max;                /* the highest offered, GREASE left out: 0x0304 */
    bool has_sni;                        /* the extension is there */
    struct str sni;                      /* its host_name as sent, unchecked (tls_leaf_is_name); may be empty */
    struct str alpn[TLS_HELLO_ALPN_MAX]; /* as offered; further ones are left out */
    size_t alpn_count;
    bool has_ech;                  /* encrypted_client_hello: the SNI may be a cover name */
    char ja4[TLS_HELLO_JA4_BYTES]; /* fingerprint of the client */
    /* Set with TLS_HELLO_NOT: static text. */
    const char *why_not;

    /* The reader's own. */
    enum tls_hello_state state;
    struct buf message;      /* the handshake message so far, record framing removed */
    unsigned char header[5]; /* of the current record */
    unsigned header_len;     /* how much of it has arrived */
    size_t record_left;      /* payload bytes of the current record still to come */
    size_t pushed_bytes;
};

void tls_hello_init(struct tls_hello *hello);
void tls_hello_deinit(struct tls_hello *hello);
enum tls_hello_state tls_hello_push(struct tls_hello *hello, struct str bytes);

/* Whether the client offers this protocol. */
bool tls_hello_offers(const struct tls_hello *hello, struct str protocol);

#endif
