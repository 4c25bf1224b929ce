/* pki.h - certificates of every good and bad kind, for the origins of the tests. */
#ifndef TESTS_UNIT_TLS_PKI_H
#define TESTS_UNIT_TLS_PKI_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

struct pki {
    X509 *cert;
    EVP_PKEY *key;
};

struct pki_recipe {
    const char *name;        /* common name */
    const char *alt_names;   /* "DNS:a.test,IP:127.0.0.1"; NULL: none */
    const char *constraints; /* basicConstraints; NULL: "critical,CA:FALSE" */
    const char *usage;       /* keyUsage; NULL: none */
    const char *purpose;     /* extendedKeyUsage; NULL: none */
    const char *subtrees;    /* nameConstraints; NULL: none */
    int from_days, to_days;  /* from now; both 0: -1 to 30 */
    unsigned rsa_bits;       /* 0: P-256 */
    const EVP_MD *digest;    /* NULL: SHA-256 */
    long serial;             /* 0: 1 */
};

static inline void pki_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX about;

    if (!value)
        return;
    X509V3_set_ctx(&about, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &about, nid, value);
    assert_non_null(extension);
    assert_true(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

/* An extension with the given bytes inside. */
static inline void pki_extend_raw(X509 *cert, const char *oid, bool is_critical, const void *bytes, int len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    assert_true(ASN1_OCTET_STRING_set(value, bytes, len));
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, is_critical, value);
    assert_true(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static inline void pki_sign(X509 *cert, const struct pki *issuer, const struct pki *self, const EVP_MD *digest)
{
    assert_true(X509_sign(cert, issuer ? issuer->key : self->key, digest ? digest : EVP_sha256()) > 0);
}

/* A certificate signed by `issuer`, or by itself when NULL. */
static inline struct pki pki_make(struct pki_recipe recipe, const struct pki *issuer)
{
    struct pki made = {X509_new(), recipe.rsa_bits ? EVP_RSA_gen(recipe.rsa_bits) : EVP_EC_gen("P-256")};
    X509 *issuer_cert = issuer ? issuer->cert : made.cert;
    time_t now = time(NULL);

    if (!recipe.from_days && !recipe.to_days) {
        recipe.from_days = -1;
        recipe.to_days = 30;
    }
    assert_non_null(made.key);
    X509_set_version(made.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), recipe.serial ? recipe.serial : 1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN", MBSTRING_ASC, (const unsigned char *)recipe.name,
                               -1, -1, 0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(issuer_cert));
    ASN1_TIME_set(X509_getm_notBefore(made.cert), now + recipe.from_days * 86400L);
    ASN1_TIME_set(X509_getm_notAfter(made.cert), now + recipe.to_days * 86400L);
    X509_set_pubkey(made.cert, made.key);
    pki_extend(made.cert, issuer_cert, NID_basic_constraints,
               recipe.constraints ? recipe.constraints : "critical,CA:FALSE");
    pki_extend(made.cert, issuer_cert, NID_subject_key_identifier, "hash");
    pki_extend(made.cert, issuer_cert, NID_key_usage, recipe.usage);
    pki_extend(made.cert, issuer_cert, NID_ext_key_usage, recipe.purpose);
    pki_extend(made.cert, issuer_cert, NID_name_constraints, recipe.subtrees);
    pki_extend(made.cert, issuer_cert, NID_subject_alt_name, recipe.alt_names);
    pki_sign(made.cert, issuer, &made, recipe.digest);
    return made;
}

static inline struct pki pki_make_ca(const char *name, const struct pki *issuer)
{
    return pki_make(
        (struct pki_recipe){.name = name, .constraints = "critical,CA:TRUE", .usage = "keyCertSign,cRLSign"}, issuer);
}

static inline void pki_drop(struct pki *pki)
{
    X509_free(pki->cert);
    EVP_PKEY_free(pki->key);
    memset(pki, 0, sizeof(*pki));
}

#endif
