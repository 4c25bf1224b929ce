#include "tls/leaf.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/map.h"
#include "os/addr.h"
#include "os/clock.h"

#define DAY_S ((int64_t)24 * 3600)
#define BACK_DATED_S (2 * DAY_S)
#define COMMON_NAME_MAX 64 /* ub-common-name, RFC 5280, Appendix A */
#define LABEL_MAX 63
#define SERIAL_BYTES 16
#define NAMES_DER_MAX (TLS_LEAF_NAME_MAX + 8)
#define SHARED_EXTENSION_COUNT 4

struct leaf {
    X509 *cert;
    int64_t not_before_s;
    int64_t not_after_s;
};

struct tls_leaf_cache {
    const struct tls_ca *ca;
    struct map leaves; /* name -> struct leaf */
    uint64_t signed_count;
    X509_EXTENSION *extensions[SHARED_EXTENSION_COUNT]; /* what every leaf has */
};

/* A checked name. */
struct name {
    char text[TLS_LEAF_NAME_MAX + 1];
    size_t len;
    bool is_ip;
    struct os_addr addr;
};

static bool is_label_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

static bool is_dotted_labels(struct str name)
{
    size_t label_len = 0;

    for (size_t i = 0; i < name.len; i++) {
        bool is_dot = name.ptr[i] == '.';

        if (is_dot ? label_len == 0 : !is_label_char(name.ptr[i]) || label_len == LABEL_MAX)
            return false;
        label_len = is_dot ? 0 : label_len + 1;
    }
    return label_len > 0;
}

static bool read_name(struct str text, struct name *name)
{
    if (text.len > 1 && text.ptr[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len > TLS_LEAF_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        name->text[i] = str_fold_char(text.ptr[i]);
    name->text[text.len] = '\0';
    name->len = text.len;
    name->is_ip = !err_is(os_addr_parse(text, 0, &name->addr));
    if (name->is_ip) {
        os_addr_format_ip(&name->addr, name->text);
        name->len = strlen(name->text);
        return name->addr.scope_id == 0;
    }
    return is_dotted_labels((struct str){name->text, name->len});
}

bool tls_leaf_is_name(struct str text)
{
    struct name name;

    return read_name(text, &name);
}

static bool set_serial(X509 *cert)
{
    unsigned char serial[SERIAL_BYTES];

    os_clock_random(serial, sizeof(serial));
    serial[0] = (unsigned char)((serial[0] & 0x7F) | 0x40); /* positive, and never short */
    return ASN1_STRING_set(X509_get_serialNumber(cert), serial, sizeof(serial));
}

static bool set_subject(X509 *cert, const struct name *name)
{
    return name->len > COMMON_NAME_MAX ||
           X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_ASC,
                                      (const unsigned char *)name->text, (int)name->len, -1, 0);
}

/* Tag and length in front of what `der` already holds up to its end (DER, in its shortest form); returns the start. */
static size_t put_head(unsigned char *der, size_t start, size_t len, unsigned char tag)
{
    der[--start] = (unsigned char)len;
    if (len > 0xFF)
        der[--start] = (unsigned char)(len >> 8);
    if (len > 0x7F)
        der[--start] = len > 0xFF ? 0x82 : 0x81;
    der[--start] = tag;
    return start;
}

/* GeneralNames with one name (RFC 5280, 4.2.1.6): [2] IA5String or [7] OCTET STRING; written from its end. */
static struct str encode_names(const struct name *name, unsigned char der[NAMES_DER_MAX])
{
    const void *value = name->is_ip ? (const void *)name->addr.ip : (const void *)name->text;
    size_t value_len = name->is_ip ? (name->addr.family == OS_FAMILY_IP4 ? 4 : 16) : name->len;
    size_t start = NAMES_DER_MAX - value_len;

    memcpy(der + start, value, value_len);
    start = put_head(der, start, value_len, name->is_ip ? 0x87 : 0x82);
    start = put_head(der, start, NAMES_DER_MAX - start, 0x30);
    return (struct str){(const char *)der + start, NAMES_DER_MAX - start};
}

static bool add_names(X509 *cert, const struct name *name)
{
    unsigned char der[NAMES_DER_MAX];
    struct str value = encode_names(name, der);
    ASN1_OCTET_STRING *names = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool is_added = false;

    if (names && ASN1_OCTET_STRING_set(names, (const unsigned char *)value.ptr, (int)value.len))
        extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, name->len > COMMON_NAME_MAX, names);
    if (extension)
        is_added = X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(names);
    return is_added;
}

static bool add_extensions(const struct tls_leaf_cache *cache, X509 *cert, const struct name *name)
{
    for (size_t i = 0; i < SHARED_EXTENSION_COUNT; i++)
        if (!X509_add_ext(cert, cache->extensions[i], -1))
            return false;
    return add_names(cert, name);
}

/* Built through setters: reading a finished certificate back, however cheaply it was put together, costs OpenSSL 3 some
 * 300 us for its public key. */
static X509 *make_cert(const struct tls_leaf_cache *cache, const struct name *name, const struct leaf *leaf)
{
    X509 *cert = X509_new();

    CHECK(cert);
    if (X509_set_version(cert, X509_VERSION_3) && set_serial(cert) && set_subject(cert, name) &&
        X509_set_issuer_name(cert, X509_get_subject_name(tls_ca_cert(cache->ca))) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)leaf->not_before_s) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)leaf->not_after_s) &&
        X509_set_pubkey(cert, tls_ca_leaf_key(cache->ca)) && add_extensions(cache, cert, name) &&
        X509_sign(cert, tls_ca_key(cache->ca), EVP_sha256()))
        return cert;
    X509_free(cert);
    return NULL;
}

static struct err issue(struct tls_leaf_cache *cache, const struct name *name, int64_t now_s, struct leaf *ret_leaf)
{
    struct leaf leaf = {NULL, now_s - BACK_DATED_S, now_s - BACK_DATED_S + TLS_LEAF_VALID_DAYS * DAY_S};

    if (leaf.not_before_s < tls_ca_not_before_s(cache->ca))
        leaf.not_before_s = tls_ca_not_before_s(cache->ca);
    if (leaf.not_after_s > tls_ca_not_after_s(cache->ca))
        leaf.not_after_s = tls_ca_not_after_s(cache->ca);
    if (now_s < leaf.not_before_s || now_s >= leaf.not_after_s)
        return ERR(ERR_DENIED, 0, "by this machine's clock the CA is not valid: set the clock");
    leaf.cert = make_cert(cache, name, &leaf);
    if (!leaf.cert)
        return ERR(ERR_TLS, 0, "OpenSSL cannot sign a certificate");
    cache->signed_count++;
    *ret_leaf = leaf;
    return OK;
}

struct err tls_leaf_sign(struct tls_leaf_cache *cache, struct str text, int64_t now_s, X509 **ret_cert)
{
    struct name name;
    struct leaf leaf;

    if (!read_name(text, &name))
        return ERR(ERR_SYNTAX, 0, "not a host name or address");
    TRY(issue(cache, &name, now_s, &leaf));
    *ret_cert = leaf.cert;
    return OK;
}

static void free_leaf(struct leaf *leaf)
{
    X509_free(leaf->cert);
    free(leaf);
}

static void make_room(struct tls_leaf_cache *cache)
{
    struct str name;
    void *oldest;

    if (cache->leaves.count < cache->leaves.max_count || !map_oldest(&cache->leaves, &name, &oldest))
        return;
    (void)map_remove(&cache->leaves, name);
    free_leaf(oldest);
}

/* Not within a day of its end, and not before its start, which only a clock that jumped back can bring about. */
static bool is_fresh(const struct leaf *leaf, int64_t now_s)
{
    return now_s >= leaf->not_before_s && now_s < leaf->not_after_s - DAY_S;
}

struct err tls_leaf_for(struct tls_leaf_cache *cache, struct str text, X509 **ret_cert)
{
    int64_t now_s = os_clock_wall_us() / 1000000;
    struct name name;
    struct str key;
    struct leaf *leaf, made;

    if (!read_name(text, &name))
        return ERR(ERR_SYNTAX, 0, "not a host name or address");
    key = (struct str){name.text, name.len};
    leaf = map_get(&cache->leaves, key);
    if (leaf && is_fresh(leaf, now_s)) {
        *ret_cert = leaf->cert;
        return OK;
    }
    TRY(issue(cache, &name, now_s, &made));
    if (leaf) {
        X509_free(leaf->cert);
    } else {
        make_room(cache);
        leaf = malloc(sizeof(*leaf));
        CHECK(leaf);
        CHECK(!err_is(map_put(&cache->leaves, key, leaf)));
    }
    *leaf = made;
    *ret_cert = leaf->cert;
    return OK;
}

static bool make_shared_extensions(struct tls_leaf_cache *cache)
{
    static const struct {
        int nid;
        const char *value;
    } list[SHARED_EXTENSION_COUNT] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_authority_key_identifier, "keyid:always"},
    };
    X509V3_CTX about;

    X509V3_set_ctx(&about, tls_ca_cert(cache->ca), NULL, NULL, NULL, 0);
    for (size_t i = 0; i < SHARED_EXTENSION_COUNT; i++) {
        cache->extensions[i] = X509V3_EXT_conf_nid(NULL, &about, list[i].nid, list[i].value);
        if (!cache->extensions[i])
            return false;
    }
    return true;
}

struct err tls_leaf_cache_new(const struct tls_ca *ca, size_t max_count, struct tls_leaf_cache **ret_cache)
{
    struct tls_leaf_cache *cache = calloc(1, sizeof(*cache));
    uint64_t seed[2];

    CHECK(cache && max_count > 0);
    cache->ca = ca;
    os_clock_random(seed, sizeof(seed));
    map_init(&cache->leaves, max_count, seed);
    if (!make_shared_extensions(cache)) {
        tls_leaf_cache_free(&cache);
        return ERR(ERR_TLS, 0, "OpenSSL cannot make the parts of a certificate");
    }
    *ret_cache = cache;
    return OK;
}

void tls_leaf_cache_free(struct tls_leaf_cache **cache)
{
    struct tls_leaf_cache *freed = *cache;
    struct str name;
    void *leaf;

    if (!freed)
        return;
    *cache = NULL;
    while (map_oldest(&freed->leaves, &name, &leaf)) {
        (void)map_remove(&freed->leaves, name);
        free_leaf(leaf);
    }
    map_deinit(&freed->leaves);
    for (size_t i = 0; i < SHARED_EXTENSION_COUNT; i++)
        X509_EXTENSION_free(freed->extensions[i]);
    free(freed);
}

size_t tls_leaf_count(const struct tls_leaf_cache *cache) { return cache->leaves.count; }

uint64_t tls_leaf_signed_count(const struct tls_leaf_cache *cache) { return cache->signed_count; }
