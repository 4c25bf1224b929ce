/* layer.h - TLS as one layer of a connection, over any other layer.
 *
 *   client side: we are the server, with a leaf of our CA        tls_layer_new_client_side()
 *   origin side: we are the client, and verify                   tls_layer_new_origin_side()
 *
 * A new layer takes over `lower` (its events and its end: closing the layer closes lower) and starts the handshake by
 * itself; on_ready comes once, later, and then, if it said OK, the ordinary events of a net_layer.  Reading starts
 * stopped.  Before on_ready only net_layer_close() and net_layer_reset() are allowed, which cancel it.  After on_ready
 * with an error only these, too; the alert, if there is one to send, has been written, and our direction of lower
 * ended. How long a handshake may take is the owner's timer's business.
 *
 * What on_ready and on_error say:
 *   ERR_VERIFY   client side: the client refuses our certificate.  err.wire is its alert (42 to 46, 48: bad_certificate
 *                ... unknown_ca), or 0 when it just hung up after our certificate.
 *                origin side: the origin's certificate was refused; err.wire is the alert sent; facts name the checks.
 *   ERR_TLS      anything else that breaks TLS; err.wire is the alert received or 0; err.what OpenSSL's reason
 *   ERR_CLOSED   the far end closed during the handshake
 *   ERR_LIMIT    the peer makes us change keys or hand-shake without end
 *   others       from lower
 *
 * Ending: close_notify gives on_eof; FIN without it gives on_eof with net_layer_was_truncated().  net_layer_shutdown()
 * sends close_notify and ends lower's direction.
 *
 * Memory: an idle connection holds no record buffers.  While reading is stopped at most what lower delivered in one
 * call stays, still encrypted.  Plaintext is read in pieces of up to 64 KiB; one write above is one write below (per 80
 * KiB). Renegotiation is refused on both sides; session resumption is on (tickets toward clients; one session per
 * origin).
 */
#ifndef TLS_LAYER_H
#define TLS_LAYER_H

#include "net/layer.h"
#include "tls/identity.h"
#include "tls/loop.h"
#include "tls/trust.h"

#define TLS_LAYER_JA4_BYTES 37

enum tls_layer_side {
    TLS_LAYER_CLIENT_SIDE,
    TLS_LAYER_ORIGIN_SIDE,
};

/* Who is above: copied, but for what the pointers point to, which must outlive the layer. */
struct tls_layer_owner {
    void (*on_ready)(void *owner, struct err err);
    const struct net_layer_events *events;
    void *owner;
};

/* Strings are used up in the call. */
struct tls_layer_client_options {
    struct tls_layer_owner above;
    struct str name;        /* for the leaf: the SNI, or the host that the client asked for */
    struct str alpn;        /* what we speak, best first: "h2,http/1.1"; empty: no ALPN.  The first that the client also
                               offers is chosen; when it offers none of them, there is no ALPN. */
    struct str first_bytes; /* what was read from lower already; at most TLS_HELLO_RAW_MAX */
    struct str ja4;         /* only shown again in the facts */
    bool is_legacy;         /* also TLS 1.0 and 1.1, and weak ciphers */
};

struct tls_layer_origin_options {
    struct tls_layer_owner above;
    struct str host; /* name or address literal: SNI (a name only), verification, exceptions */
    uint16_t port;
    struct str sni;  /* instead of host in the SNI; empty or no name: host */
    struct str alpn; /* offered, best first: "h2,http/1.1"; empty: none */
    enum tls_trust_mode trust_mode;
    const struct tls_identity *identity; /* NULL: none; must outlive the layer */
    bool is_legacy;                      /* TLS 1.0 and 1.1, weak ciphers and keys, no secure renegotiation */
};

/* On failure lower is as before and still the caller's.  ERR_SYNTAX: no leaf can be made for the name. */
MUST_CHECK struct err tls_layer_new_client_side(struct tls_loop *tls, struct net_layer *lower,
                                                const struct tls_layer_client_options *options,
                                                struct net_layer **ret_layer);
MUST_CHECK struct err tls_layer_new_origin_side(struct tls_loop *tls, struct net_layer *lower,
                                                const struct tls_layer_origin_options *options,
                                                struct net_layer **ret_layer);

/* Plain text of what was negotiated; every text is cut to its size, with bytes outside printable ASCII as '?'. */
struct tls_facts {
    enum tls_layer_side side;
    uint16_t version;      /* 0x0304; 0: the handshake did not come so far, as with empty texts below */
    char version_text[12]; /* "TLSv1.3" */
    char cipher[48];
    char alpn[32];
    char sni[256];
    char ja4[TLS_LAYER_JA4_BYTES]; /* client side */
    bool is_resumed;

    /* Origin side: the verdict and the leaf that the origin showed. */
    struct tls_trust_verdict verdict;
    char verify[TLS_TRUST_TEXT_BYTES]; /* tls_trust_format() */
    bool has_certificate;
    char subject[256];
    char issuer[256];
    int64_t not_before_s; /* since 1970 */
    int64_t not_after_s;
    unsigned char sha256[TLS_TRUST_SHA256_BYTES]; /* of the DER */
};

/* Read off the connection at the time of the call, from on_ready (also a failed one) until on_closed. */
void tls_layer_facts(const struct net_layer *layer, struct tls_facts *ret_facts);

/* Whether on_ready's error on the client side means that the client does not trust our CA (or pins another). */
bool tls_layer_is_refusal(struct err err);

#endif
