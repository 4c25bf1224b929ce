#include <openssl/x509.h>

#include "tls/layer_parts.h"
#include "tls/loop_parts.h"

/* Text from the peer: cut to the room, anything but printable ASCII as '?'. */
static void copy_text(struct str from, char *text, size_t size)
{
    size_t len = from.len < size - 1 ? from.len : size - 1;

    for (size_t i = 0; i < len; i++)
        text[i] = from.ptr[i] >= ' ' && from.ptr[i] <= '~' ? from.ptr[i] : '?';
    text[len] = '\0';
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm utc;

    return ASN1_TIME_to_tm(time, &utc) ? (int64_t)timegm(&utc) : 0;
}

/* RFC 2253 order, escapes for what is not printable. */
static void copy_name(const X509_NAME *name, char *text, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;

    CHECK(bio);
    text[0] = '\0';
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(bio, &bytes);

        copy_text((struct str){bytes, (size_t)len}, text, size);
    }
    BIO_free(bio);
}

static void read_certificate(X509 *cert, struct tls_facts *facts)
{
    facts->has_certificate = true;
    copy_name(X509_get_subject_name(cert), facts->subject, sizeof(facts->subject));
    copy_name(X509_get_issuer_name(cert), facts->issuer, sizeof(facts->issuer));
    facts->not_before_s = seconds_of(X509_get0_notBefore(cert));
    facts->not_after_s = seconds_of(X509_get0_notAfter(cert));
    if (!X509_digest(cert, EVP_sha256(), facts->sha256, NULL))
        memset(facts->sha256, 0, sizeof(facts->sha256));
}

static void read_negotiated(SSL *ssl, struct tls_facts *facts)
{
    const unsigned char *protocol;
    const SSL_CIPHER *cipher;
    unsigned protocol_len;

    SSL_get0_alpn_selected(ssl, &protocol, &protocol_len);
    copy_text((struct str){(const char *)protocol, protocol_len}, facts->alpn, sizeof(facts->alpn));
    copy_text(str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)), facts->sni, sizeof(facts->sni));
    /* A handshake that a certificate has ended had agreed on a cipher, which is not yet in use. */
    cipher = SSL_get_current_cipher(ssl) ? SSL_get_current_cipher(ssl) : SSL_get_pending_cipher(ssl);
    if (!cipher)
        return;
    facts->version = (uint16_t)SSL_version(ssl);
    copy_text(str_from(SSL_get_version(ssl)), facts->version_text, sizeof(facts->version_text));
    copy_text(str_from(SSL_CIPHER_get_name(cipher)), facts->cipher, sizeof(facts->cipher));
    facts->is_resumed = SSL_session_reused(ssl);
}

void tls_layer_facts(const struct net_layer *base, struct tls_facts *ret_facts)
{
    const struct tls_layer *layer = (const struct tls_layer *)base;
    X509 *cert;

    *ret_facts = (struct tls_facts){.side = layer->side, .verdict = layer->verdict};
    read_negotiated(layer->ssl, ret_facts);
    if (layer->side == TLS_LAYER_CLIENT_SIDE) {
        copy_text(str_from(layer->ja4), ret_facts->ja4, sizeof(ret_facts->ja4));
        return;
    }
    tls_trust_format(&layer->verdict, ret_facts->verify);
    cert = layer->shown ? layer->shown : SSL_get0_peer_certificate(layer->ssl);
    if (cert)
        read_certificate(cert, ret_facts);
}
