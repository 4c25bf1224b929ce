#include "tls/identity.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "os/file.h"

#define FILE_BYTES_MAX ((size_t)256 * 1024)
#define CHAIN_MAX 16

struct tls_identity {
    X509 *cert;
    STACK_OF(X509) * chain;
    EVP_PKEY *key;
};

/* OpenSSL asks for a password of an encrypted key; there is nobody to ask. */
static int no_password(char *text, int size, int is_writing, void *owner)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)owner;
    return 0;
}

static struct err read_certs(struct tls_identity *identity, BIO *pem)
{
    X509 *cert;

    identity->cert = PEM_read_bio_X509(pem, NULL, no_password, NULL);
    if (!identity->cert)
        return ERR(ERR_DAMAGED, 0, "the client certificate's file holds no certificate");
    while (sk_X509_num(identity->chain) < CHAIN_MAX && (cert = PEM_read_bio_X509(pem, NULL, no_password, NULL)))
        CHECK(sk_X509_push(identity->chain, cert) > 0);
    return OK;
}

static struct err read_key(struct tls_identity *identity, BIO *pem)
{
    identity->key = PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL);
    if (!identity->key)
        return ERR(ERR_DAMAGED, 0, "the client certificate's file holds no private key, or an encrypted one");
    if (!X509_check_private_key(identity->cert, identity->key))
        return ERR(ERR_DAMAGED, 0, "the client certificate and its private key do not belong together");
    return OK;
}

static struct err read_all(struct tls_identity *identity, struct str text)
{
    BIO *certs = BIO_new_mem_buf(text.len ? text.ptr : "", (int)text.len);
    BIO *key = BIO_new_mem_buf(text.len ? text.ptr : "", (int)text.len);
    struct err err;

    CHECK(certs && key && identity->chain);
    err = read_certs(identity, certs);
    if (!err_is(err))
        err = read_key(identity, key);
    BIO_free(certs);
    BIO_free(key);
    return err;
}

struct err tls_identity_open(const char *path, struct tls_identity **ret_identity)
{
    struct tls_identity *identity;
    struct buf text;
    struct err err;

    buf_init(&text, FILE_BYTES_MAX);
    err = os_file_read_all(path, &text);
    if (err_is(err)) {
        buf_deinit(&text);
        return err;
    }
    identity = calloc(1, sizeof(*identity));
    CHECK(identity);
    identity->chain = sk_X509_new_null();
    err = read_all(identity, buf_str(&text));
    if (text.bytes)
        OPENSSL_cleanse(text.bytes, text.size);
    buf_deinit(&text);
    if (err_is(err))
        tls_identity_free(&identity);
    else
        *ret_identity = identity;
    return err;
}

void tls_identity_free(struct tls_identity **identity)
{
    struct tls_identity *freed = *identity;

    if (!freed)
        return;
    *identity = NULL;
    X509_free(freed->cert);
    sk_X509_pop_free(freed->chain, X509_free);
    EVP_PKEY_free(freed->key);
    free(freed);
}

struct err tls_identity_use(const struct tls_identity *identity, SSL *ssl)
{
    if (SSL_use_cert_and_key(ssl, identity->cert, identity->key, identity->chain, 1) != 1)
        return ERR(ERR_TLS, 0, "OpenSSL does not take the client certificate");
    return OK;
}
