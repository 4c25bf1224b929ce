/* layer_parts.h - the inside of a TLS layer, for the files of this area only. */
#ifndef TLS_LAYER_PARTS_H
#define TLS_LAYER_PARTS_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/fsm.h"
#include "tls/layer.h"

#define TLS_LAYER_HOST_BYTES 256
#define TLS_LAYER_ALPN_BYTES 64

struct tls_layer {
    struct net_layer base;
    struct tls_loop *tls;
    struct net_layer *lower;
    SSL *ssl;
    struct fsm fsm;
    void (*on_ready)(void *owner, struct err err);
    enum tls_layer_side side;

    struct str input; /* ciphertext not yet given to OpenSSL; during a turn only */
    struct buf held;  /* the same between turns */
    struct os_post turn;
    struct err read_result; /* why reading ended, told when the owner reads on: ERR_CLOSED is close_notify */
    struct err write_error; /* told at the next turn */

    bool is_turn_posted;
    bool is_in_turn;
    bool is_reading; /* the owner wants bytes */
    bool is_lower_reading;
    bool is_lower_ended; /* FIN */
    bool is_lower_closed;
    bool is_eof_told;
    bool is_shut_down; /* we sent close_notify */
    bool has_sent_certificate;

    unsigned alert_received; /* 0: none that is fatal */
    unsigned alert_sent;
    unsigned late_count; /* messages after the handshake: KeyUpdate, tickets, attempts to renegotiate */
    uint64_t read_bytes;

    /* Client side. */
    char ja4[TLS_LAYER_JA4_BYTES];
    /* Origin side. */
    char host[TLS_LAYER_HOST_BYTES];
    uint16_t port;
    enum tls_trust_mode trust_mode;
    struct tls_trust_verdict verdict;
    X509 *shown;       /* the leaf that was verified, also when it was refused; NULL after a resumption */
    char *session_key; /* in tls_loop_session_get() */
    /* Both: protocols as ALPN writes them, each behind its length. */
    unsigned char alpn[TLS_LAYER_ALPN_BYTES];
    unsigned alpn_len;
};

static inline struct tls_layer *tls_layer_of(SSL *ssl) { return SSL_get_app_data(ssl); }

#endif
