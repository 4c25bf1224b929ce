#include "tls/hooks.h"

#include "tls/layer_parts.h"
#include "tls/loop_parts.h"

/* LIMIT: the parameters are OpenSSL's */
static int on_choose_protocol(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len,
                              const unsigned char *offered, unsigned offered_len, void *owner)
{
    struct tls_layer *layer = tls_layer_of(ssl);
    unsigned char *chosen;

    (void)owner;
    if (layer->alpn_len == 0 || SSL_select_next_proto(&chosen, ret_len, layer->alpn, layer->alpn_len, offered,
                                                      offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *ret_protocol = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int on_verify(X509_STORE_CTX *chain, void *owner)
{
    struct tls_layer *layer = tls_layer_of(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));

    (void)owner;
    X509_free(layer->shown);
    layer->shown = X509_STORE_CTX_get0_cert(chain);
    if (layer->shown)
        X509_up_ref(layer->shown);
    layer->verdict = tls_trust_verify(layer->tls->trust, chain, str_from(layer->host), layer->port, layer->trust_mode);
    return layer->verdict.outcome != TLS_TRUST_REFUSED;
}

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_layer *layer = tls_layer_of(ssl);

    if (!layer->session_key || !SSL_SESSION_is_resumable(session))
        return 0;
    tls_loop_session_put(layer->tls, str_from(layer->session_key), session, &layer->verdict);
    return 1; /* the reference is the loop's now */
}

static bool is_late_message(const SSL *ssl)
{
    OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);

    return state == TLS_ST_SR_KEY_UPDATE || state == TLS_ST_CR_KEY_UPDATE || state == TLS_ST_CR_SESSION_TICKET ||
           state == TLS_ST_CR_HELLO_REQ;
}

/* Counts what makes work without bringing bytes, and notes alerts and how far we came. */
static void on_progress(const SSL *ssl, int where, int value)
{
    struct tls_layer *layer = SSL_get_app_data(ssl);

    if (!layer)
        return;
    if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        layer->alert_received = (unsigned)value & 0xFF;
    else if (where == SSL_CB_WRITE_ALERT && value >> 8 == SSL3_AL_FATAL)
        layer->alert_sent = (unsigned)value & 0xFF;
    else if (where & SSL_CB_LOOP && is_late_message(ssl))
        layer->late_count++;
    else if (where == SSL_CB_ACCEPT_LOOP && SSL_get_state(ssl) == TLS_ST_SW_CERT)
        layer->has_sent_certificate = true;
}

static void on_keylog(const SSL *ssl, const char *line)
{
    struct tls_layer *layer = SSL_get_app_data(ssl);

    tls_keylog_write(layer->tls->keylog, str_from(line));
}

void tls_hooks_install(SSL_CTX *side_of_loop, enum tls_layer_side side, bool has_keylog)
{
    SSL_CTX_set_info_callback(side_of_loop, on_progress);
    if (has_keylog)
        SSL_CTX_set_keylog_callback(side_of_loop, on_keylog);
    if (side == TLS_LAYER_CLIENT_SIDE) {
        SSL_CTX_set_alpn_select_cb(side_of_loop, on_choose_protocol, NULL);
        return;
    }
    SSL_CTX_set_verify(side_of_loop, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(side_of_loop, on_verify, NULL);
    SSL_CTX_sess_set_new_cb(side_of_loop, on_new_session);
}
