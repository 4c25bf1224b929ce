#include "tls/loop.h"

#include "os/clock.h"
#include "tls/bio.h"
#include "tls/hooks.h"
#include "tls/loop_parts.h"

#define LEAF_COUNT_MAX 1000
#define SESSION_COUNT_MAX 1000
/* Resuming skips verification, so a session does not live long. */
#define SESSION_AGE_MAX_MS ((uint64_t)3600 * 1000)
/* A leaf with 10,000 names has some 300 KiB. */
#define PEER_CHAIN_BYTES_MAX (512L * 1024)

#define GROUPS "X25519:P-256:P-384:P-521"
/* The leaves are P-256; 128 bits of AES cost least and protect the last mile on the same machine. */
#define CLIENT_SIDE_SUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS "DEFAULT:@SECLEVEL=2"
#define LEGACY_CIPHERS "ALL:!aNULL:!eNULL:@SECLEVEL=0"

struct session {
    SSL_SESSION *session;
    struct tls_trust_verdict verdict;
    uint64_t made_ms;
};

static struct err failed(void) { return ERR(ERR_TLS, 0, "OpenSSL cannot make what TLS connections share"); }

static void free_session(struct session *session)
{
    if (!session)
        return;
    SSL_SESSION_free(session->session);
    free(session);
}

bool tls_loop_session_get(struct tls_loop *tls, struct str key, SSL_SESSION **ret_session,
                          struct tls_trust_verdict *ret_verdict)
{
    struct session *session = map_get(&tls->sessions, key);

    if (!session)
        return false;
    if (session->verdict.generation != tls_trust_generation(tls->trust) ||
        os_loop_now_ms(tls->loop) - session->made_ms > SESSION_AGE_MAX_MS) {
        free_session(map_remove(&tls->sessions, key));
        return false;
    }
    *ret_session = session->session;
    *ret_verdict = session->verdict;
    return true;
}

void tls_loop_session_put(struct tls_loop *tls, struct str key, SSL_SESSION *taken,
                          const struct tls_trust_verdict *verdict)
{
    struct session *session = malloc(sizeof(*session));
    struct str oldest_key;
    void *oldest;

    CHECK(session);
    *session = (struct session){taken, *verdict, os_loop_now_ms(tls->loop)};
    free_session(map_remove(&tls->sessions, key));
    if (tls->sessions.count == tls->sessions.max_count && map_oldest(&tls->sessions, &oldest_key, &oldest))
        free_session(map_remove(&tls->sessions, oldest_key));
    CHECK(!err_is(map_put(&tls->sessions, key, session)));
}

/* What old peers need: every version and key size that OpenSSL still has. */
static bool set_strength(SSL_CTX *made, bool is_legacy)
{
    SSL_CTX_set_min_proto_version(made, is_legacy ? TLS1_VERSION : TLS1_2_VERSION);
    if (is_legacy)
        SSL_CTX_set_options(made, SSL_OP_LEGACY_SERVER_CONNECT);
    return SSL_CTX_set_cipher_list(made, is_legacy ? LEGACY_CIPHERS : CIPHERS) &&
           SSL_CTX_set1_groups_list(made, GROUPS);
}

static bool set_client_side(struct tls_loop *tls, SSL_CTX *made)
{
    unsigned char keys[TLS_CA_TICKET_KEY_BYTES];
    bool is_set;

    memcpy(keys, tls_ca_ticket_key(tls->ca), sizeof(keys));
    SSL_CTX_set_mode(made, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_options(made, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(made, 1);
    is_set = SSL_CTX_set_tlsext_ticket_keys(made, keys, sizeof(keys)) &&
             SSL_CTX_set_session_id_context(made, (const unsigned char *)"sekisho", 7) &&
             SSL_CTX_set_ciphersuites(made, CLIENT_SIDE_SUITES) &&
             SSL_CTX_use_PrivateKey(made, tls_ca_leaf_key(tls->ca));
    OPENSSL_cleanse(keys, sizeof(keys));
    return is_set;
}

static bool set_origin_side(struct tls_loop *tls, SSL_CTX *made)
{
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_max_cert_list(made, PEER_CHAIN_BYTES_MAX);
    SSL_CTX_set1_cert_store(made, tls_trust_store(tls->trust));
    return true;
}

static SSL_CTX *make_side(struct tls_loop *tls, enum tls_layer_side side, bool is_legacy)
{
    bool is_client = side == TLS_LAYER_CLIENT_SIDE;
    SSL_CTX *made = SSL_CTX_new(is_client ? TLS_server_method() : TLS_client_method());

    if (!made)
        return NULL;
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION);
    tls_hooks_install(made, side, tls->keylog != NULL);
    if (set_strength(made, is_legacy) && (is_client ? set_client_side(tls, made) : set_origin_side(tls, made)))
        return made;
    SSL_CTX_free(made);
    return NULL;
}

struct err tls_loop_side(struct tls_loop *tls, enum tls_layer_side side, bool is_legacy, SSL_CTX **ret_side)
{
    SSL_CTX **kept = &tls->sides[side][is_legacy];

    if (!*kept)
        *kept = make_side(tls, side, is_legacy);
    if (!*kept)
        return failed();
    *ret_side = *kept;
    return OK;
}

static struct err make_parts(struct tls_loop *tls, const struct tls_loop_options *options)
{
    SSL_CTX *made;

    tls->plaintext = malloc(TLS_LOOP_PLAINTEXT_BYTES);
    tls->gathered = malloc(TLS_LOOP_GATHER_BYTES);
    tls->records = malloc(TLS_LOOP_RECORDS_BYTES);
    CHECK(tls->plaintext && tls->gathered && tls->records);
    tls->bio_method = tls_bio_method();
    TRY(tls_leaf_cache_new(options->ca, options->leaf_count_max ? options->leaf_count_max : LEAF_COUNT_MAX,
                           &tls->leaves));
    TRY(tls_loop_side(tls, TLS_LAYER_CLIENT_SIDE, false, &made));
    return tls_loop_side(tls, TLS_LAYER_ORIGIN_SIDE, false, &made);
}

struct err tls_loop_new(const struct tls_loop_options *options, struct tls_loop **ret_tls)
{
    struct tls_loop *tls = calloc(1, sizeof(*tls));
    uint64_t seed[2];
    struct err err;

    CHECK(tls);
    tls->loop = options->loop;
    tls->ca = options->ca;
    tls->trust = options->trust;
    tls->keylog = options->keylog;
    os_clock_random(seed, sizeof(seed));
    map_init(&tls->sessions, options->session_count_max ? options->session_count_max : SESSION_COUNT_MAX, seed);
    err = make_parts(tls, options);
    if (err_is(err))
        tls_loop_free(&tls);
    else
        *ret_tls = tls;
    return err;
}

void tls_loop_free(struct tls_loop **tls)
{
    struct tls_loop *freed = *tls;
    struct str key;
    void *session;

    if (!freed)
        return;
    *tls = NULL;
    while (map_oldest(&freed->sessions, &key, &session))
        free_session(map_remove(&freed->sessions, key));
    map_deinit(&freed->sessions);
    for (size_t i = 0; i < 4; i++)
        SSL_CTX_free(freed->sides[i / 2][i % 2]);
    BIO_meth_free(freed->bio_method);
    tls_leaf_cache_free(&freed->leaves);
    free(freed->plaintext);
    free(freed->gathered);
    free(freed->records);
    free(freed);
}

struct tls_leaf_cache *tls_loop_leaves(struct tls_loop *tls) { return tls->leaves; }
