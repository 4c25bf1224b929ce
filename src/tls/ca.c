/* For EC_KEY; see make_leaf_key(). */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tls/ca.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/process.h"

#define PATH_BYTES 4096
#define FILE_BYTES_MAX ((size_t)16 * 1024)
#define DAY_S ((int64_t)24 * 3600)
#define BACK_DATED_S (2 * DAY_S)
#define VALID_S (3652 * DAY_S)
#define CLOCK_MIN_S ((int64_t)1704067200) /* 2024-01-01 */
#define CLOCK_MAX_S ((int64_t)4102444800) /* 2100-01-01 */

struct tls_ca {
    EVP_PKEY *key;
    X509 *cert;
    EVP_PKEY *leaf_key;
    struct buf pem;
    unsigned char *der;
    size_t der_len;
    unsigned char *crl_der;
    size_t crl_der_len;
    char name[80];
    char fingerprint[TLS_CA_FINGERPRINT_BYTES];
    int64_t not_before_s;
    int64_t not_after_s;
    unsigned char ticket_key[TLS_CA_TICKET_KEY_BYTES];
};

/* Everything that making and loading needs. */
struct opening {
    struct tls_ca *ca;
    int64_t now_s;
    char key_path[PATH_BYTES];
    char cert_path[PATH_BYTES];
};

static struct err failed(void) { return ERR(ERR_TLS, 0, "OpenSSL cannot make the certificate authority"); }

/* OpenSSL asks for a password of an encrypted key; there is nobody to ask. */
static int no_password(char *text, int size, int is_writing, void *owner)
{
    (void)text;
    (void)size;
    (void)is_writing;
    (void)owner;
    return 0;
}

static void drop_secret(struct buf *secret)
{
    if (secret->bytes)
        OPENSSL_cleanse(secret->bytes, secret->size);
    buf_deinit(secret);
}

static struct err read_private(const char *path, struct err denied, struct buf *ret_bytes)
{
    struct err err;

    if (!os_file_exists(path))
        return ERR(ERR_ABSENT, 0, "no such file");
    err = os_file_check_private(path);
    if (!err_is(err))
        err = os_file_read_all(path, ret_bytes);
    return err.code == ERR_DENIED ? denied : err;
}

/* The key of the file, or ERR_ABSENT. */
static struct err load_key(struct opening *opening)
{
    struct err denied = ERR(ERR_DENIED, 0,
                            "ca.key must be a plain file of yours that nobody else can read (chmod 600), and no link; "
                            "put that right, or remove ca.key and ca.pem to get a new CA");
    struct buf text;
    struct err err;
    BIO *bio;

    buf_init(&text, FILE_BYTES_MAX);
    err = read_private(opening->key_path, denied, &text);
    if (err_is(err)) {
        drop_secret(&text);
        return err;
    }
    bio = BIO_new_mem_buf(text.len ? buf_str(&text).ptr : "", (int)text.len);
    CHECK(bio);
    opening->ca->key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    BIO_free(bio);
    drop_secret(&text);
    if (!opening->ca->key)
        return ERR(ERR_DAMAGED, 0, "ca.key holds no private key; restore it, or remove ca.key and ca.pem");
    if (!EVP_PKEY_is_a(opening->ca->key, "EC") || EVP_PKEY_get_bits(opening->ca->key) != 256)
        return ERR(ERR_DAMAGED, 0, "ca.key is no P-256 key; restore it, or remove ca.key and ca.pem");
    return OK;
}

/* ERR_BUSY when another process was faster. */
static struct err make_key(struct opening *opening)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    struct err err = failed();
    char *text;
    long len;

    CHECK(bio);
    if (key && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
        len = BIO_get_mem_data(bio, &text);
        err = os_file_write_all(opening->key_path, (struct str){text, (size_t)len}, false);
        OPENSSL_cleanse(text, (size_t)len);
    }
    BIO_free(bio);
    if (err_is(err))
        EVP_PKEY_free(key);
    else
        opening->ca->key = key;
    return err;
}

/* The key comes before the certificate in the folder, always, so ca.pem without ca.key is nobody's first start. */
static struct err load_or_make_key(struct opening *opening)
{
    bool has_cert = os_file_exists(opening->cert_path);
    struct err err = load_key(opening);

    if (err.code != ERR_ABSENT)
        return err;
    if (has_cert)
        return ERR(ERR_DAMAGED, 0, "ca.pem is there without its ca.key; restore ca.key, or remove ca.pem");
    err = make_key(opening);
    return err.code == ERR_BUSY ? load_key(opening) : err;
}

/* Letters, digits and a few signs of a name that the system gives; others become '-'. */
static void clean(char *text)
{
    for (; *text; text++)
        if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text >= '0' && *text <= '9') ||
              *text == '.' || *text == '_'))
            *text = '-';
}

static void host_name(char *name, size_t size)
{
    struct buf text;
    struct str first = STR("localhost"), rest;

    buf_init(&text, 256);
    if (!err_is(os_file_read_all("/etc/hostname", &text)) && text.len)
        (void)str_cut(buf_str(&text), '\n', &first, &rest);
    snprintf(name, size, "%.*s", STR_ARG(first));
    buf_deinit(&text);
}

static bool set_name(X509 *cert)
{
    const char *user = os_process_env("USER");
    X509_NAME *name = X509_get_subject_name(cert);
    char text[65], user_text[21], host[25];
    unsigned char random[3];

    os_clock_random(random, sizeof(random));
    host_name(host, sizeof(host));
    snprintf(user_text, sizeof(user_text), "%s", user && *user ? user : "user");
    clean(user_text);
    clean(host);
    snprintf(text, sizeof(text), "sekisho %s@%s %02x%02x%02x", user_text, host, random[0], random[1], random[2]);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"sekisho", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)text, -1, -1, 0) &&
           X509_set_issuer_name(cert, name);
}

static bool set_serial(ASN1_INTEGER *serial)
{
    unsigned char bytes[16];
    BIGNUM *number;
    bool is_set;

    os_clock_random(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7F) | 0x40); /* positive, and never short */
    number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    is_set = number && BN_to_ASN1_INTEGER(number, serial);
    BN_free(number);
    return is_set;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX about;
    bool is_added;

    X509V3_set_ctx(&about, cert, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &about, nid, value);
    is_added = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

static X509 *make_cert(EVP_PKEY *key, int64_t now_s)
{
    X509 *cert = X509_new();

    CHECK(cert);
    if (X509_set_version(cert, X509_VERSION_3) && set_serial(X509_get_serialNumber(cert)) && set_name(cert) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(now_s - BACK_DATED_S)) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(now_s - BACK_DATED_S + VALID_S)) &&
        X509_set_pubkey(cert, key) && add_extension(cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(cert, NID_subject_key_identifier, "hash") && X509_sign(cert, key, EVP_sha256()))
        return cert;
    X509_free(cert);
    return NULL;
}

static struct err load_cert(struct opening *opening)
{
    struct err denied = ERR(ERR_DENIED, 0,
                            "ca.pem must be a plain file of yours that nobody else can write or read (chmod 600), and "
                            "no link; put that right, or remove ca.key and ca.pem to get a new CA");
    struct buf text;
    struct err err;
    BIO *bio;

    buf_init(&text, FILE_BYTES_MAX);
    err = read_private(opening->cert_path, denied, &text);
    if (err_is(err)) {
        buf_deinit(&text);
        return err;
    }
    bio = BIO_new_mem_buf(text.len ? buf_str(&text).ptr : "", (int)text.len);
    CHECK(bio);
    opening->ca->cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    BIO_free(bio);
    buf_deinit(&text);
    if (!opening->ca->cert)
        return ERR(ERR_DAMAGED, 0, "ca.pem holds no certificate; restore it, or remove it to have it made again");
    return OK;
}

static struct err write_cert(struct opening *opening)
{
    X509 *cert = make_cert(opening->ca->key, opening->now_s);
    BIO *bio = BIO_new(BIO_s_mem());
    struct err err = failed();
    char *text;
    long len;

    CHECK(bio);
    if (cert && PEM_write_bio_X509(bio, cert)) {
        len = BIO_get_mem_data(bio, &text);
        err = os_file_write_all(opening->cert_path, (struct str){text, (size_t)len}, false);
    }
    BIO_free(bio);
    if (err_is(err))
        X509_free(cert);
    else
        opening->ca->cert = cert;
    return err;
}

static struct err load_or_make_cert(struct opening *opening)
{
    struct err err = load_cert(opening);

    if (err.code != ERR_ABSENT)
        return err;
    err = write_cert(opening);
    return err.code == ERR_BUSY ? load_cert(opening) : err;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm utc;

    return ASN1_TIME_to_tm(time, &utc) ? (int64_t)timegm(&utc) : 0;
}

static struct err check(struct opening *opening)
{
    struct tls_ca *ca = opening->ca;

    if (!X509_check_private_key(ca->cert, ca->key))
        return ERR(ERR_DAMAGED, 0, "ca.pem and ca.key do not belong together; restore them, or remove both");
    if (X509_check_ca(ca->cert) != 1 || !X509_get0_subject_key_id(ca->cert))
        return ERR(ERR_DAMAGED, 0, "ca.pem is not the certificate of an authority; remove it to have it made again");
    ca->not_before_s = seconds_of(X509_get0_notBefore(ca->cert));
    ca->not_after_s = seconds_of(X509_get0_notAfter(ca->cert));
    if (opening->now_s < ca->not_before_s)
        return ERR(
            ERR_DENIED, 0,
            "by this machine's clock the CA is not valid yet: set the clock, or, if it was wrong when the CA was "
            "made, remove ca.key and ca.pem to get a new CA");
    if (opening->now_s >= ca->not_after_s)
        return ERR(
            ERR_DENIED, 0,
            "by this machine's clock the CA has expired: set the clock, or remove ca.key and ca.pem to get a new "
            "CA");
    return OK;
}

static bool add_crl_extensions(X509_CRL *crl, X509 *cert)
{
    X509_EXTENSION *key_id;
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    X509V3_CTX about;
    bool is_added;

    X509V3_set_ctx(&about, cert, NULL, NULL, crl, 0);
    key_id = X509V3_EXT_conf_nid(NULL, &about, NID_authority_key_identifier, "keyid:always");
    is_added = number && key_id && ASN1_INTEGER_set(number, 1) && X509_CRL_add_ext(crl, key_id, -1) &&
               X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0);
    X509_EXTENSION_free(key_id);
    ASN1_INTEGER_free(number);
    return is_added;
}

/* An empty CRL that holds until the CA ends, since nothing is ever revoked. */
static bool make_crl(struct tls_ca *ca)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *first = ASN1_TIME_set(NULL, (time_t)ca->not_before_s);
    ASN1_TIME *last = ASN1_TIME_set(NULL, (time_t)ca->not_after_s);
    int len = -1;

    if (crl && first && last && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) && X509_CRL_set1_lastUpdate(crl, first) &&
        X509_CRL_set1_nextUpdate(crl, last) && add_crl_extensions(crl, ca->cert) &&
        X509_CRL_sign(crl, ca->key, EVP_sha256()))
        len = i2d_X509_CRL(crl, &ca->crl_der);
    X509_CRL_free(crl);
    ASN1_TIME_free(first);
    ASN1_TIME_free(last);
    ca->crl_der_len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static bool make_pem(struct tls_ca *ca)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_made = false;
    char *text;

    CHECK(bio);
    if (PEM_write_bio_X509(bio, ca->cert)) {
        size_t len = (size_t)BIO_get_mem_data(bio, &text);

        is_made = !err_is(buf_append(&ca->pem, (struct str){text, len}));
    }
    BIO_free(bio);
    return is_made;
}

/* A key in the form of OpenSSL before 3.0: the only one that X509_set_pubkey() takes as it is.  A newer form is encoded
 * and decoded again for every leaf, which costs more than all else together. */
static EVP_PKEY *make_leaf_key(void)
{
    EC_KEY *inner = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    EVP_PKEY *key = EVP_PKEY_new();

    if (inner && key && EC_KEY_generate_key(inner) && EVP_PKEY_set1_EC_KEY(key, inner)) {
        EC_KEY_free(inner);
        return key;
    }
    EC_KEY_free(inner);
    EVP_PKEY_free(key);
    return NULL;
}

/* The forms in which the CA is shown. */
static struct err make_forms(struct tls_ca *ca)
{
    int len = i2d_X509(ca->cert, &ca->der);
    unsigned char hash[SHA256_DIGEST_LENGTH];

    if (len <= 0 || !make_pem(ca) || !make_crl(ca))
        return failed();
    ca->der_len = (size_t)len;
    SHA256(ca->der, ca->der_len, hash);
    for (size_t i = 0; i < sizeof(hash); i++)
        snprintf(ca->fingerprint + i * 3, 4, "%02X%s", hash[i], i + 1 < sizeof(hash) ? ":" : "");
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(ca->cert), NID_commonName, ca->name, sizeof(ca->name)) < 0)
        snprintf(ca->name, sizeof(ca->name), "sekisho");
    ca->leaf_key = make_leaf_key();
    os_clock_random(ca->ticket_key, sizeof(ca->ticket_key));
    return ca->leaf_key ? OK : failed();
}

static struct err open_files(struct opening *opening, const char *folder)
{
    int key_len = snprintf(opening->key_path, PATH_BYTES, "%s/ca.key", folder);
    int cert_len = snprintf(opening->cert_path, PATH_BYTES, "%s/ca.pem", folder);

    if (key_len >= PATH_BYTES || cert_len >= PATH_BYTES)
        return ERR(ERR_LIMIT, 0, "the path of the CA's folder is too long");
    if (opening->now_s < CLOCK_MIN_S || opening->now_s > CLOCK_MAX_S)
        return ERR(ERR_DENIED, 0, "this machine's clock cannot be right, so no certificate would be: set the clock");
    TRY(os_file_make_folder(folder));
    TRY(load_or_make_key(opening));
    TRY(load_or_make_cert(opening));
    TRY(check(opening));
    return make_forms(opening->ca);
}

struct err tls_ca_open_at(const char *folder, int64_t now_s, struct tls_ca **ret_ca)
{
    struct opening opening = {.now_s = now_s};
    struct err err;

    opening.ca = calloc(1, sizeof(*opening.ca));
    CHECK(opening.ca);
    buf_init(&opening.ca->pem, FILE_BYTES_MAX);
    err = open_files(&opening, folder);
    if (err_is(err))
        tls_ca_free(&opening.ca);
    else
        *ret_ca = opening.ca;
    return err;
}

struct err tls_ca_open(const char *folder, struct tls_ca **ret_ca)
{
    return tls_ca_open_at(folder, os_clock_wall_us() / 1000000, ret_ca);
}

void tls_ca_free(struct tls_ca **ca)
{
    struct tls_ca *freed = *ca;

    if (!freed)
        return;
    *ca = NULL;
    EVP_PKEY_free(freed->key);
    EVP_PKEY_free(freed->leaf_key);
    X509_free(freed->cert);
    OPENSSL_free(freed->der);
    OPENSSL_free(freed->crl_der);
    buf_deinit(&freed->pem);
    OPENSSL_cleanse(freed->ticket_key, sizeof(freed->ticket_key));
    free(freed);
}

struct str tls_ca_pem(const struct tls_ca *ca) { return buf_str(&ca->pem); }

struct str tls_ca_der(const struct tls_ca *ca) { return (struct str){(const char *)ca->der, ca->der_len}; }

struct str tls_ca_crl_der(const struct tls_ca *ca) { return (struct str){(const char *)ca->crl_der, ca->crl_der_len}; }

const char *tls_ca_name(const struct tls_ca *ca) { return ca->name; }

const char *tls_ca_fingerprint(const struct tls_ca *ca) { return ca->fingerprint; }

int64_t tls_ca_not_before_s(const struct tls_ca *ca) { return ca->not_before_s; }

int64_t tls_ca_not_after_s(const struct tls_ca *ca) { return ca->not_after_s; }

X509 *tls_ca_cert(const struct tls_ca *ca) { return ca->cert; }

EVP_PKEY *tls_ca_key(const struct tls_ca *ca) { return ca->key; }

EVP_PKEY *tls_ca_leaf_key(const struct tls_ca *ca) { return ca->leaf_key; }

const unsigned char *tls_ca_ticket_key(const struct tls_ca *ca) { return ca->ticket_key; }
