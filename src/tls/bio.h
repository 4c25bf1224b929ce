/* bio.h - where OpenSSL reads and writes records: the layer's input, and the loop's buffer for one write below. */
#ifndef TLS_BIO_H
#define TLS_BIO_H

#include <openssl/bio.h>

struct tls_layer;

/* One for each loop; freed with BIO_meth_free(). */
BIO_METHOD *tls_bio_method(void);
BIO *tls_bio_new(const BIO_METHOD *method, struct tls_layer *layer);
/* Writes what has been collected to the layer below, in one piece. */
void tls_bio_flush(struct tls_layer *layer);

#endif
