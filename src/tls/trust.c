#include "tls/trust.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>

#include "base/map.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"

#define HOST_MAX 253
#define KEY_BYTES (HOST_MAX + 8) /* "host:65535" */
#define DEPTH_MAX 16
/* Debian's level: keys of 112 bits, no SHA-1 (SSL_CTX_set_security_level(3)). */
#define SECURITY_LEVEL 2

struct exception {
    bool is_any;
    unsigned char sha256[TLS_TRUST_SHA256_BYTES];
};

struct tls_trust {
    X509_STORE *store;
    bool has_crls;
    /* Touched by every loop and by the control loop. */
    struct {
        struct os_lock *lock;
        struct map exceptions; /* "host:port" -> struct exception; under the lock */
        _Atomic uint64_t generation;
    } shared;
};

static const char *const check_names[TLS_TRUST_CHECK_COUNT] = {
    [TLS_TRUST_EXPIRED] = "expired",
    [TLS_TRUST_NOT_YET_VALID] = "not-yet-valid",
    [TLS_TRUST_WRONG_NAME] = "wrong-name",
    [TLS_TRUST_SELF_SIGNED] = "self-signed",
    [TLS_TRUST_UNKNOWN_ROOT] = "unknown-root",
    [TLS_TRUST_UNKNOWN_ISSUER] = "unknown-issuer",
    [TLS_TRUST_WEAK] = "weak",
    [TLS_TRUST_REVOKED] = "revoked",
    [TLS_TRUST_BAD_CONSTRAINTS] = "bad-constraints",
    [TLS_TRUST_BAD_PURPOSE] = "bad-purpose",
    [TLS_TRUST_BAD_SIGNATURE] = "bad-signature",
    [TLS_TRUST_MALFORMED] = "malformed",
    [TLS_TRUST_OTHER] = "other",
};

static const char *const outcome_names[] = {
    [TLS_TRUST_UNKNOWN] = "unknown", [TLS_TRUST_VERIFIED] = "ok",    [TLS_TRUST_EXCEPTED] = "exception",
    [TLS_TRUST_UNCHECKED] = "off",   [TLS_TRUST_REFUSED] = "failed",
};

/* OpenSSL's numbers by check; what is not named is OTHER. */
static const struct {
    int error;
    enum tls_trust_check check;
} checks[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, TLS_TRUST_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, TLS_TRUST_NOT_YET_VALID},
    {X509_V_ERR_HOSTNAME_MISMATCH, TLS_TRUST_WRONG_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, TLS_TRUST_WRONG_NAME},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_TRUST_SELF_SIGNED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_TRUST_UNKNOWN_ROOT},
    {X509_V_ERR_CERT_UNTRUSTED, TLS_TRUST_UNKNOWN_ROOT},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_TRUST_UNKNOWN_ISSUER},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_TRUST_UNKNOWN_ISSUER},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_TRUST_UNKNOWN_ISSUER},
    {X509_V_ERR_EE_KEY_TOO_SMALL, TLS_TRUST_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, TLS_TRUST_WEAK},
    {X509_V_ERR_CA_MD_TOO_WEAK, TLS_TRUST_WEAK},
    {X509_V_ERR_CERT_REVOKED, TLS_TRUST_REVOKED},
    {X509_V_ERR_CERT_REJECTED, TLS_TRUST_REVOKED},
    {X509_V_ERR_INVALID_CA, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_PERMITTED_VIOLATION, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_EXCLUDED_VIOLATION, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_SUBTREE_MINMAX, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, TLS_TRUST_BAD_CONSTRAINTS},
    {X509_V_ERR_INVALID_PURPOSE, TLS_TRUST_BAD_PURPOSE},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, TLS_TRUST_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, TLS_TRUST_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, TLS_TRUST_MALFORMED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, TLS_TRUST_MALFORMED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, TLS_TRUST_MALFORMED},
    {X509_V_ERR_INVALID_EXTENSION, TLS_TRUST_MALFORMED},
};

const char *tls_trust_check_name(enum tls_trust_check check) { return check_names[check]; }

const char *tls_trust_outcome_name(enum tls_trust_outcome outcome) { return outcome_names[outcome]; }

const char *tls_trust_format(const struct tls_trust_verdict *verdict, char text[TLS_TRUST_TEXT_BYTES])
{
    bool has_prefix = verdict->outcome == TLS_TRUST_EXCEPTED || verdict->outcome == TLS_TRUST_UNCHECKED;
    const char *separator = has_prefix ? ":" : "";
    size_t len;

    if (!verdict->failed) {
        snprintf(text, TLS_TRUST_TEXT_BYTES, "%s", outcome_names[verdict->outcome]);
        return text;
    }
    len = (size_t)snprintf(text, TLS_TRUST_TEXT_BYTES, "%s", has_prefix ? outcome_names[verdict->outcome] : "");
    for (unsigned i = 0; i < TLS_TRUST_CHECK_COUNT && len < TLS_TRUST_TEXT_BYTES; i++) {
        if (!(verdict->failed >> i & 1))
            continue;
        len += (size_t)snprintf(text + len, TLS_TRUST_TEXT_BYTES - len, "%s%s", separator, check_names[i]);
        separator = ",";
    }
    return text;
}

/* Certificates and CRLs of a PEM file. */
static struct err load_file(struct tls_trust *trust, const char *path)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(trust->store, X509_LOOKUP_file());
    STACK_OF(X509_OBJECT) * objects;
    int cert_count = 0;

    if (!os_file_exists(path))
        return ERR(ERR_ABSENT, 0, "the file of trusted certificates does not exist");
    if (!lookup || X509_load_cert_crl_file(lookup, path, X509_FILETYPE_PEM) <= 0)
        return ERR(ERR_DAMAGED, 0, "the file of trusted certificates holds none in PEM form");
    objects = X509_STORE_get0_objects(trust->store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509_LOOKUP_TYPE type = X509_OBJECT_get_type(sk_X509_OBJECT_value(objects, i));

        cert_count += type == X509_LU_X509;
        trust->has_crls = trust->has_crls || type == X509_LU_CRL;
    }
    if (cert_count == 0)
        return ERR(ERR_DAMAGED, 0, "the file of trusted certificates holds no certificate");
    return OK;
}

static struct err load(struct tls_trust *trust, const char *ca_file)
{
    unsigned long flags = X509_V_FLAG_TRUSTED_FIRST;

    if (!ca_file)
        return X509_STORE_set_default_paths(trust->store) ? OK
                                                          : ERR(ERR_IO, 0, "the system's certificates cannot be read");
    TRY(load_file(trust, ca_file));
    /* A file may name an intermediate, or the origin's own certificate, as what to trust. */
    flags |= X509_V_FLAG_PARTIAL_CHAIN;
    if (trust->has_crls)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    return X509_STORE_set_flags(trust->store, flags) ? OK : ERR(ERR_TLS, 0, "OpenSSL refuses the store's flags");
}

struct err tls_trust_new(const char *ca_file, struct tls_trust **ret_trust)
{
    struct tls_trust *trust = calloc(1, sizeof(*trust));
    uint64_t seed[2];
    struct err err;

    CHECK(trust);
    os_clock_random(seed, sizeof(seed));
    map_init(&trust->shared.exceptions, TLS_TRUST_EXCEPTION_MAX, seed);
    trust->store = X509_STORE_new();
    CHECK(trust->store);
    err = os_lock_new(&trust->shared.lock);
    if (!err_is(err))
        err = load(trust, ca_file);
    if (err_is(err))
        tls_trust_free(&trust);
    else
        *ret_trust = trust;
    return err;
}

void tls_trust_free(struct tls_trust **trust)
{
    struct tls_trust *freed = *trust;
    struct str key;
    void *exception;

    if (!freed)
        return;
    *trust = NULL;
    while (map_oldest(&freed->shared.exceptions, &key, &exception)) {
        (void)map_remove(&freed->shared.exceptions, key);
        free(exception);
    }
    map_deinit(&freed->shared.exceptions);
    if (freed->shared.lock)
        os_lock_free(&freed->shared.lock);
    X509_STORE_free(freed->store);
    free(freed);
}

X509_STORE *tls_trust_store(const struct tls_trust *trust) { return trust->store; }

uint64_t tls_trust_generation(struct tls_trust *trust) { return atomic_load(&trust->shared.generation); }

/* "host:port" in lower case; false when the host is too long to be one. */
static bool exception_key(struct str host, uint16_t port, char text[KEY_BYTES], struct str *ret_key)
{
    char lower[HOST_MAX + 1];
    int len;

    if (host.len == 0 || host.len > HOST_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++)
        lower[i] = str_fold_char(host.ptr[i]);
    len = snprintf(text, KEY_BYTES, "%.*s:%u", (int)host.len, lower, port);
    *ret_key = (struct str){text, (size_t)len};
    return len > 0 && len < KEY_BYTES;
}

struct err tls_trust_allow(struct tls_trust *trust, struct str host, uint16_t port, const unsigned char *sha256)
{
    struct exception *exception, *old;
    char text[KEY_BYTES];
    struct str key;
    struct err err;

    if (!exception_key(host, port, text, &key))
        return ERR(ERR_SYNTAX, 0, "not a host name or address");
    exception = calloc(1, sizeof(*exception));
    CHECK(exception);
    exception->is_any = !sha256;
    if (sha256)
        memcpy(exception->sha256, sha256, sizeof(exception->sha256));
    os_lock_enter(trust->shared.lock);
    old = map_remove(&trust->shared.exceptions, key);
    err = map_put(&trust->shared.exceptions, key, exception);
    os_lock_leave(trust->shared.lock);
    free(err_is(err) ? exception : old);
    atomic_fetch_add(&trust->shared.generation, 1);
    return err;
}

bool tls_trust_disallow(struct tls_trust *trust, struct str host, uint16_t port)
{
    struct exception *exception;
    char text[KEY_BYTES];
    struct str key;

    if (!exception_key(host, port, text, &key))
        return false;
    os_lock_enter(trust->shared.lock);
    exception = map_remove(&trust->shared.exceptions, key);
    os_lock_leave(trust->shared.lock);
    free(exception);
    atomic_fetch_add(&trust->shared.generation, 1);
    return exception != NULL;
}

static bool is_excepted(struct tls_trust *trust, X509 *leaf, struct str host, uint16_t port)
{
    unsigned char sha256[EVP_MAX_MD_SIZE];
    const struct exception *exception;
    char text[KEY_BYTES];
    struct str key;
    bool is_allowed;

    if (!leaf || !exception_key(host, port, text, &key) || !X509_digest(leaf, EVP_sha256(), sha256, NULL))
        return false;
    os_lock_enter(trust->shared.lock);
    exception = map_get(&trust->shared.exceptions, key);
    is_allowed = exception && (exception->is_any || memcmp(exception->sha256, sha256, sizeof(exception->sha256)) == 0);
    os_lock_leave(trust->shared.lock);
    return is_allowed;
}

static enum tls_trust_check check_of(int error)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        if (checks[i].error == error)
            return checks[i].check;
    return TLS_TRUST_OTHER;
}

/* A chain being verified; OpenSSL's callback finds it in the context. */
struct verification {
    struct tls_trust_verdict verdict;
    int first_error;
};

/* Notes the failure and goes on, so that all checks are made. */
static int on_check(int is_good, X509_STORE_CTX *chain)
{
    struct verification *verification = X509_STORE_CTX_get_app_data(chain);
    int error = X509_STORE_CTX_get_error(chain);

    /* Only what a CRL is there for can be looked up in one. */
    if (is_good || error == X509_V_ERR_UNABLE_TO_GET_CRL)
        return 1;
    if (!verification->verdict.failed) {
        verification->first_error = error;
        verification->verdict.first_text = X509_verify_cert_error_string(error);
    }
    verification->verdict.failed |= 1u << check_of(error);
    return 1;
}

/* Where small keys are allowed for the connection they are in its chain, too. */
static int level_of(X509_STORE_CTX *chain)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());

    return ssl && SSL_get_security_level(ssl) < SECURITY_LEVEL ? SSL_get_security_level(ssl) : SECURITY_LEVEL;
}

static bool set_expectations(X509_STORE_CTX *chain, struct str host)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(chain);
    char text[HOST_MAX + 1];

    if (host.len && host.ptr[host.len - 1] == '.')
        host.len--;
    if (!str_to_c(host, text, sizeof(text)) || host.len == 0)
        return false;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set_auth_level(param, level_of(chain));
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    return X509_VERIFY_PARAM_set1_ip_asc(param, text) || X509_VERIFY_PARAM_set1_host(param, text, host.len);
}

struct tls_trust_verdict tls_trust_verify(struct tls_trust *trust, X509_STORE_CTX *chain, struct str host,
                                          uint16_t port, enum tls_trust_mode mode)
{
    struct verification verification = {.verdict = {.generation = tls_trust_generation(trust)}};
    struct tls_trust_verdict *verdict = &verification.verdict;

    X509_STORE_CTX_set_app_data(chain, &verification);
    X509_STORE_CTX_set_verify_cb(chain, on_check);
    if (!set_expectations(chain, host))
        verdict->failed |= 1u << TLS_TRUST_WRONG_NAME;
    if (X509_verify_cert(chain) <= 0 && !verdict->failed) {
        verification.first_error = X509_STORE_CTX_get_error(chain);
        verdict->failed |= 1u << TLS_TRUST_OTHER;
    }
    if (!verdict->failed)
        verdict->outcome = TLS_TRUST_VERIFIED;
    else if (is_excepted(trust, X509_STORE_CTX_get0_cert(chain), host, port))
        verdict->outcome = TLS_TRUST_EXCEPTED;
    else
        verdict->outcome = mode == TLS_TRUST_OFF ? TLS_TRUST_UNCHECKED : TLS_TRUST_REFUSED;
    /* The alert that is sent follows from the first failure. */
    X509_STORE_CTX_set_error(chain, verdict->outcome == TLS_TRUST_REFUSED ? verification.first_error : X509_V_OK);
    X509_STORE_CTX_set_app_data(chain, NULL);
    return verification.verdict;
}
