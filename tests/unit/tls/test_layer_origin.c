/* Covers tls/layer toward origins, tls/trust and tls/identity: each kind of bad certificate has its verdict, and the
 * user's exceptions decide. */
#include "pki.h"
#include "rig.h"

#include <openssl/param_build.h>

#define ORIGIN STR("origin.test")

static struct rig rig;
static struct pki root, middle;
static char root_file[64];

/* What the origin shows. */
static struct {
    struct pki leaf;
    X509 *chain[4];
    int version; /* 0: any */
    bool asks_for_certificate;
    const char *alpn;
} origin;

static void write_pem(const char *path, X509 *cert, X509_CRL *crl, EVP_PKEY *key)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    if (cert)
        assert_true(PEM_write_X509(file, cert));
    if (crl)
        assert_true(PEM_write_X509_CRL(file, crl));
    if (key)
        assert_true(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
}

static int open_rig(void **state)
{
    (void)state;
    root = pki_make_ca("root", NULL);
    middle = pki_make_ca("middle", &root);
    snprintf(root_file, sizeof(root_file), "/tmp/sekisho-root-%d.pem", (int)getpid());
    write_pem(root_file, root.cert, NULL, NULL);
    rig_open(&rig, root_file);
    rig.reads_when_ready = rig.closes_at_eof = true;
    memset(&origin, 0, sizeof(origin));
    return 0;
}

static int end_rig(void **state)
{
    (void)state;
    rig_end(&rig);
    pki_drop(&root);
    pki_drop(&middle);
    pki_drop(&origin.leaf);
    return unlink(root_file);
}

static struct pki_recipe good(void)
{
    return (struct pki_recipe){.name = "leaf", .alt_names = "DNS:origin.test", .purpose = "serverAuth"};
}

static void show(struct pki leaf, X509 *first, X509 *second)
{
    pki_drop(&origin.leaf);
    origin.leaf = leaf;
    origin.chain[0] = first;
    origin.chain[1] = second;
    origin.chain[2] = NULL;
}

/* LIMIT: the parameters are OpenSSL's */
static int choose_alpn(SSL *ssl, const unsigned char **ret_protocol, unsigned char *ret_len,
                       const unsigned char *offered, unsigned len, void *owner)
{
    (void)ssl;
    (void)owner;
    *ret_len = (unsigned char)strlen(origin.alpn);
    for (unsigned at = 0; at < len; at += offered[at] + 1u)
        if (offered[at] == *ret_len && memcmp(offered + at + 1, origin.alpn, *ret_len) == 0) {
            *ret_protocol = offered + at + 1;
            return SSL_TLSEXT_ERR_OK;
        }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int accept_any(X509_STORE_CTX *chain, void *owner)
{
    (void)chain;
    (void)owner;
    return 1;
}

static SSL_CTX *make_server(void)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(server, 0);
    SSL_CTX_set_cipher_list(server, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(server, TLS1_VERSION);
    SSL_CTX_set_session_id_context(server, (const unsigned char *)"test", 4);
    if (origin.version)
        SSL_CTX_set_max_proto_version(server, origin.version);
    if (origin.alpn)
        SSL_CTX_set_alpn_select_cb(server, choose_alpn, NULL);
    if (origin.asks_for_certificate) {
        SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_cert_verify_callback(server, accept_any, NULL);
    }
    SSL_CTX_use_certificate(server, origin.leaf.cert);
    SSL_CTX_use_PrivateKey(server, origin.leaf.key);
    for (size_t i = 0; origin.chain[i]; i++)
        SSL_CTX_add1_chain_cert(server, origin.chain[i]);
    return server;
}

/* Kept over connections, for its ticket keys. */
static SSL_CTX *kept_server;

/* Greets, and tells in peer_text what it saw: the SNI, the client certificate's name. */
static void greet(struct rig *rig_, int fd)
{
    SSL_CTX *server = kept_server ? kept_server : make_server();
    SSL *ssl = SSL_new(server);

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        X509 *client = SSL_get0_peer_certificate(ssl);
        char name[64] = "";

        if (client)
            X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, name, sizeof(name));
        snprintf(rig_->peer_text, sizeof(rig_->peer_text), "%s/%s", sni ? sni : "", name);
        rig_->peer_result = 1;
        SSL_write(ssl, "welcome", 7);
        SSL_shutdown(ssl);
        while (SSL_read(ssl, name, sizeof(name)) > 0)
            ;
    }
    SSL_free(ssl);
    if (!kept_server)
        SSL_CTX_free(server);
}

static void expect_good(const char *verify)
{
    assert_int_equal(rig.ready_count, 1);
    if (err_is(rig.ready_err))
        fail_msg("%s: %s", rig.facts.verify, rig.ready_err.what);
    assert_string_equal(rig.facts.verify, verify);
    assert_true(str_eq(buf_str(&rig.received), STR("welcome")));
    assert_true(rig.facts.has_certificate);
}

static void expect_refused(const char *verify)
{
    assert_int_equal(rig.ready_count, 1);
    assert_string_equal(rig.facts.verify, verify);
    assert_int_equal(rig.ready_err.code, ERR_VERIFY);
    assert_int_not_equal(rig.ready_err.wire, 0);
    assert_true(rig.facts.has_certificate);
    assert_int_equal(strncmp(rig.facts.version_text, "TLSv1", 5), 0);
    assert_string_not_equal(rig.facts.cipher, "");
    assert_int_equal(rig.peer_result, 0);
}

static void origin_with_a_good_chain_is_verified(void **state)
{
    unsigned char sha256[EVP_MAX_MD_SIZE];

    (void)state;
    origin.alpn = "http/1.1";
    show(pki_make(good(), &middle), middle.cert, NULL);
    rig_visit_with(&rig, (struct tls_layer_origin_options){.alpn = STR("h2,http/1.1")}, greet);
    expect_good("ok");
    assert_string_equal(rig.peer_text, "origin.test/");
    assert_string_equal(rig.facts.version_text, "TLSv1.3");
    assert_string_equal(rig.facts.alpn, "http/1.1");
    assert_string_equal(rig.facts.sni, "origin.test");
    assert_string_equal(rig.facts.subject, "CN=leaf");
    assert_string_equal(rig.facts.issuer, "CN=middle");
    assert_true(X509_digest(origin.leaf.cert, EVP_sha256(), sha256, NULL));
    assert_memory_equal(rig.facts.sha256, sha256, 32);
    assert_true(rig.facts.not_before_s < time(NULL) && rig.facts.not_after_s > time(NULL));
    assert_int_equal(rig.eof_count, 1);
}

static void origin_that_is_an_address_is_verified_without_sni(void **state)
{
    struct pki_recipe recipe = good();

    (void)state;
    recipe.alt_names = "IP:127.0.0.1,IP:::1";
    show(pki_make(recipe, &root), NULL, NULL);
    rig_visit_with(&rig, (struct tls_layer_origin_options){.host = STR("127.0.0.1")}, greet);
    expect_good("ok");
    assert_string_equal(rig.peer_text, "/");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.host = STR("::1")}, greet);
    expect_good("ok");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.host = STR("127.0.0.2")}, greet);
    expect_refused("wrong-name");
}

static void origin_gets_the_sni_that_was_asked_for(void **state)
{
    (void)state;
    show(pki_make(good(), &root), NULL, NULL);
    rig_visit_with(&rig, (struct tls_layer_origin_options){.sni = STR("front.test.")}, greet);
    expect_good("ok");
    assert_string_equal(rig.peer_text, "front.test/");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.sni = STR("a\0b"), .port = 444}, greet);
    expect_good("ok");
    assert_string_equal(rig.peer_text, "origin.test/");
}

static void verdicts_of_dates_names_and_keys(void **state)
{
    static const struct {
        struct pki_recipe recipe;
        const char *verify;
    } cases[] = {
        {{.name = "a", .alt_names = "DNS:origin.test", .from_days = -30, .to_days = -1}, "expired"},
        {{.name = "a", .alt_names = "DNS:origin.test", .from_days = 1, .to_days = 30}, "not-yet-valid"},
        {{.name = "a", .alt_names = "DNS:other.test"}, "wrong-name"},
        {{.name = "a", .alt_names = "DNS:*.test"}, "wrong-name"},
        {{.name = "a", .alt_names = "DNS:o*.test"}, "wrong-name"},
        {{.name = "a", .alt_names = "DNS:other.test", .from_days = -30, .to_days = -1}, "expired,wrong-name"},
        {{.name = "a", .alt_names = "DNS:origin.test", .rsa_bits = 1024}, "weak"},
        {{.name = "a", .alt_names = "DNS:origin.test", .rsa_bits = 2048}, "ok"},
        {{.name = "a", .alt_names = "DNS:origin.test", .purpose = "clientAuth"}, "bad-purpose"},
        {{.name = "a", .alt_names = "DNS:origin.test", .serial = -5}, "ok"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        show(pki_make(cases[i].recipe, &root), NULL, NULL);
        rig_visit(&rig, greet);
        if (strcmp(cases[i].verify, "ok") == 0)
            expect_good("ok");
        else
            expect_refused(cases[i].verify);
    }
}

static void verdict_of_a_weak_digest(void **state)
{
    struct pki_recipe recipe = good();

    (void)state;
    recipe.digest = EVP_sha1();
    show(pki_make(recipe, &root), NULL, NULL);
    rig_visit(&rig, greet);
    expect_refused("weak");
}

static void verdicts_of_chains(void **state)
{
    struct pki stranger = pki_make_ca("stranger", NULL);
    struct pki plain = pki_make((struct pki_recipe){.name = "plain", .alt_names = "DNS:plain.test"}, &root);
    struct pki short_path = pki_make(
        (struct pki_recipe){.name = "short", .constraints = "critical,CA:TRUE,pathlen:0", .usage = "keyCertSign"},
        &root);
    struct pki below = pki_make_ca("below", &short_path);
    struct pki narrow = pki_make((struct pki_recipe){.name = "narrow",
                                                     .constraints = "critical,CA:TRUE",
                                                     .usage = "keyCertSign",
                                                     .subtrees = "critical,permitted;DNS:example.test"},
                                 &root);

    (void)state;
    show(pki_make(good(), NULL), NULL, NULL);
    rig_visit(&rig, greet);
    expect_refused("self-signed");
    show(pki_make(good(), &stranger), stranger.cert, NULL);
    rig_visit(&rig, greet);
    expect_refused("unknown-root");
    show(pki_make(good(), &stranger), NULL, NULL);
    rig_visit(&rig, greet);
    expect_refused("unknown-issuer");
    show(pki_make(good(), &middle), NULL, NULL); /* its intermediate is missing */
    rig_visit(&rig, greet);
    expect_refused("unknown-issuer");
    show(pki_make(good(), &plain), plain.cert, NULL);
    rig_visit(&rig, greet);
    expect_refused("bad-constraints,bad-purpose");
    show(pki_make(good(), &below), below.cert, short_path.cert);
    rig_visit(&rig, greet);
    expect_refused("bad-constraints");
    show(pki_make(good(), &narrow), narrow.cert, NULL);
    rig_visit(&rig, greet);
    expect_refused("bad-constraints");
    pki_drop(&stranger);
    pki_drop(&plain);
    pki_drop(&short_path);
    pki_drop(&below);
    pki_drop(&narrow);
}

static void verdict_of_a_false_signature(void **state)
{
    struct pki impostor = pki_make_ca("root", NULL);

    (void)state;
    /* Named as the root, with its key identifier left out, and signed by another key. */
    show(pki_make(good(), &impostor), NULL, NULL);
    rig_visit(&rig, greet);
    expect_refused("bad-signature");
    pki_drop(&impostor);
}

static void verdict_of_critical_parts_nobody_knows(void **state)
{
    (void)state;
    show(pki_make(good(), &root), NULL, NULL);
    pki_extend_raw(origin.leaf.cert, "1.2.3.4.5", true, "\x05\x00", 2);
    pki_sign(origin.leaf.cert, &root, NULL, NULL);
    rig_visit(&rig, greet);
    expect_refused("bad-constraints");
}

static void verdict_of_a_name_with_a_nul(void **state)
{
    static const char names[] = "\x30\x12\x82\x10origin.test\0evil";

    (void)state;
    show(pki_make((struct pki_recipe){.name = "origin.test"}, &root), NULL, NULL);
    pki_extend_raw(origin.leaf.cert, "2.5.29.17", false, names, 20);
    pki_sign(origin.leaf.cert, &root, NULL, NULL);
    rig_visit(&rig, greet);
    expect_refused("wrong-name");
}

static void verdict_of_a_malformed_part(void **state)
{
    (void)state;
    show(pki_make((struct pki_recipe){.name = "origin.test"}, &root), NULL, NULL);
    pki_extend_raw(origin.leaf.cert, "2.5.29.17", false, "\x30\x7f\x82", 3);
    pki_sign(origin.leaf.cert, &root, NULL, NULL);
    rig_visit(&rig, greet);
    assert_int_equal(rig.ready_err.code, ERR_VERIFY);
    assert_int_equal(rig.facts.verdict.outcome, TLS_TRUST_REFUSED);
}

static void origin_with_ten_thousand_names_is_read(void **state)
{
    struct pki_recipe recipe = good();
    char *names = malloc(400000);
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 10000; i++)
        len += (size_t)snprintf(names + len, 400000 - len, "DNS:name-%05d.example.test,", i);
    snprintf(names + len, 400000 - len, "DNS:origin.test");
    recipe.alt_names = names;
    show(pki_make(recipe, &root), NULL, NULL);
    rig_visit(&rig, greet);
    expect_good("ok");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.host = STR("absent.test")}, greet);
    expect_refused("wrong-name");
    free(names);
}

static void origin_with_a_megabyte_of_chain_is_cut_off(void **state)
{
    char *names = malloc(600000);
    size_t len = 0;
    struct pki big;

    (void)state;
    for (int i = 0; i < 14000; i++)
        len += (size_t)snprintf(names + len, 600000 - len, "%sDNS:name-%05d.quite-long-example.test", i ? "," : "", i);
    big = pki_make((struct pki_recipe){.name = "big", .constraints = "critical,CA:TRUE", .alt_names = names}, &root);
    show(pki_make(good(), &big), big.cert, big.cert);
    rig_visit(&rig, greet);
    assert_int_equal(rig.ready_err.code, ERR_TLS);
    assert_non_null(strstr(rig.ready_err.what, "excessive"));
    pki_drop(&big);
    free(names);
}

/* 16,384 bits of which nobody has the private half. */
static void origin_with_a_giant_key_in_its_chain_costs_little(void **state)
{
    struct pki giant = pki_make_ca("giant", &root);
    struct pki leaf = pki_make(good(), &giant);
    BIGNUM *modulus = BN_new(), *exponent = BN_new();
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params;

    (void)state;
    BN_rand(modulus, 16384, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
    BN_set_word(exponent, 65537);
    OSSL_PARAM_BLD_push_BN(builder, "n", modulus);
    OSSL_PARAM_BLD_push_BN(builder, "e", exponent);
    params = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(maker), 1);
    assert_int_equal(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    assert_true(X509_set_pubkey(giant.cert, key));
    pki_sign(giant.cert, &root, NULL, NULL);
    show(leaf, giant.cert, NULL);
    rig_visit(&rig, greet);
    assert_int_equal(rig.ready_err.code, ERR_VERIFY);
    assert_int_equal(rig.facts.verdict.outcome, TLS_TRUST_REFUSED);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(maker);
    EVP_PKEY_free(key);
    BN_free(modulus);
    BN_free(exponent);
    pki_drop(&giant);
}

static void origin_revoked_by_a_list_in_the_file_is_refused(void **state)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL) - 60), *later = ASN1_TIME_set(NULL, time(NULL) + 86400);

    (void)state;
    show(pki_make((struct pki_recipe){.name = "a", .alt_names = "DNS:origin.test", .serial = 76}, &root), NULL, NULL);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(root.cert));
    X509_CRL_set1_lastUpdate(crl, now);
    X509_CRL_set1_nextUpdate(crl, later);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(origin.leaf.cert));
    X509_REVOKED_set_revocationDate(entry, now);
    X509_CRL_add0_revoked(crl, entry);
    assert_true(X509_CRL_sign(crl, root.key, EVP_sha256()));
    write_pem(root_file, root.cert, crl, NULL);
    rig_end(&rig);
    rig_open(&rig, root_file);
    rig.reads_when_ready = rig.closes_at_eof = true;
    rig_visit(&rig, greet);
    expect_refused("revoked");
    pki_drop(&origin.leaf);
    origin.leaf = pki_make((struct pki_recipe){.name = "b", .alt_names = "DNS:origin.test", .serial = 77}, &root);
    rig_visit(&rig, greet);
    expect_good("ok");
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
}

static void origin_is_never_checked_in_silence(void **state)
{
    (void)state;
    show(pki_make((struct pki_recipe){.name = "a", .from_days = -9, .to_days = -1}, NULL), NULL, NULL);
    rig_visit_with(&rig, (struct tls_layer_origin_options){.trust_mode = TLS_TRUST_OFF}, greet);
    expect_good("off:expired,wrong-name,self-signed");
    show(pki_make(good(), &root), NULL, NULL);
    rig_visit_with(&rig, (struct tls_layer_origin_options){.trust_mode = TLS_TRUST_OFF}, greet);
    expect_good("ok");
}

static void exceptions_hold_for_one_host_port_and_certificate(void **state)
{
    unsigned char sha256[EVP_MAX_MD_SIZE];

    (void)state;
    show(pki_make(good(), NULL), NULL, NULL);
    assert_true(X509_digest(origin.leaf.cert, EVP_sha256(), sha256, NULL));
    assert_false(err_is(tls_trust_allow(rig.trust, STR("Origin.TEST"), 443, sha256)));
    rig_visit(&rig, greet);
    expect_good("exception:self-signed");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.port = 8443}, greet);
    expect_refused("self-signed");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.host = STR("other.test")}, greet);
    expect_refused("wrong-name,self-signed");
    show(pki_make(good(), NULL), NULL, NULL); /* another certificate */
    rig_visit(&rig, greet);
    expect_refused("self-signed");
    assert_false(err_is(tls_trust_allow(rig.trust, ORIGIN, 443, NULL)));
    rig_visit(&rig, greet);
    expect_good("exception:self-signed");
    assert_true(tls_trust_disallow(rig.trust, ORIGIN, 443));
    assert_false(tls_trust_disallow(rig.trust, ORIGIN, 443));
    rig_visit(&rig, greet);
    expect_refused("self-signed");
}

static void exceptions_are_bounded(void **state)
{
    char name[32];

    (void)state;
    for (int i = 0; i < TLS_TRUST_EXCEPTION_MAX; i++) {
        snprintf(name, sizeof(name), "h%d.test", i);
        assert_false(err_is(tls_trust_allow(rig.trust, str_from(name), 443, NULL)));
    }
    assert_int_equal(tls_trust_allow(rig.trust, STR("one.more"), 443, NULL).code, ERR_LIMIT);
    assert_false(err_is(tls_trust_allow(rig.trust, STR("h5.test"), 443, NULL)));
}

static void sessions_resume_until_the_exceptions_change(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        origin.version = version;
        show(pki_make(good(), NULL), NULL, NULL);
        kept_server = make_server();
        assert_false(err_is(tls_trust_allow(rig.trust, ORIGIN, 443, NULL)));
        rig_visit(&rig, greet);
        assert_false(rig.facts.is_resumed);
        rig_visit(&rig, greet);
        assert_true(rig.facts.is_resumed);
        expect_good("exception:self-signed");
        rig_visit_with(&rig, (struct tls_layer_origin_options){.port = 444, .trust_mode = TLS_TRUST_OFF}, greet);
        assert_false(rig.facts.is_resumed);
        assert_true(tls_trust_disallow(rig.trust, ORIGIN, 443));
        rig_visit(&rig, greet);
        expect_refused("self-signed");
        SSL_CTX_free(kept_server);
        kept_server = NULL;
    }
}

static void origin_gets_a_client_certificate_when_it_asks(void **state)
{
    struct pki us = pki_make((struct pki_recipe){.name = "tester", .purpose = "clientAuth"}, &root);
    struct pki other = pki_make((struct pki_recipe){.name = "other"}, &root);
    struct tls_identity *identity = NULL;
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "/tmp/sekisho-identity-%d.pem", (int)getpid());
    write_pem(path, us.cert, NULL, us.key);
    assert_false(err_is(tls_identity_open(path, &identity)));
    show(pki_make(good(), &root), NULL, NULL);
    origin.asks_for_certificate = true;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        origin.version = version;
        rig_visit_with(&rig, (struct tls_layer_origin_options){.identity = identity}, greet);
        expect_good("ok");
        assert_string_equal(rig.peer_text, "origin.test/tester");
    }
    origin.version = TLS1_2_VERSION;
    rig_visit_with(&rig, (struct tls_layer_origin_options){.port = 444}, greet);
    assert_int_equal(rig.ready_err.code, ERR_TLS);
    assert_int_equal(rig.ready_err.wire, SSL_AD_HANDSHAKE_FAILURE);
    tls_identity_free(&identity);
    write_pem(path, us.cert, NULL, other.key);
    assert_int_equal(tls_identity_open(path, &identity).code, ERR_DAMAGED);
    write_pem(path, us.cert, NULL, NULL);
    assert_int_equal(tls_identity_open(path, &identity).code, ERR_DAMAGED);
    write_pem(path, NULL, NULL, us.key);
    assert_int_equal(tls_identity_open(path, &identity).code, ERR_DAMAGED);
    unlink(path);
    assert_int_equal(tls_identity_open(path, &identity).code, ERR_ABSENT);
    pki_drop(&us);
    pki_drop(&other);
}

static void old_origins_need_to_be_named_so(void **state)
{
    struct pki_recipe recipe = good();

    (void)state;
    recipe.rsa_bits = 1024;
    origin.version = TLS1_VERSION;
    show(pki_make(recipe, &root), NULL, NULL);
    rig_visit(&rig, greet);
    assert_int_equal(rig.ready_err.code, ERR_TLS);
    assert_int_equal(rig.facts.verdict.outcome, TLS_TRUST_UNKNOWN);
    assert_string_equal(rig.facts.verify, "unknown");
    rig_visit_with(&rig, (struct tls_layer_origin_options){.is_legacy = true}, greet);
    expect_good("ok");
    assert_string_equal(rig.facts.version_text, "TLSv1");
    recipe.alt_names = "DNS:other.test";
    show(pki_make(recipe, &root), NULL, NULL);
    rig_visit_with(&rig, (struct tls_layer_origin_options){.is_legacy = true}, greet);
    expect_refused("wrong-name");
}

static void refuse_protocol(struct rig *rig_, int fd)
{
    origin.alpn = "nothing/1";
    greet(rig_, fd);
}

static void hang_up(struct rig *rig_, int fd)
{
    (void)rig_;
    (void)!recv(fd, (char[600]){0}, 600, 0);
}

static void talk_plain(struct rig *rig_, int fd)
{
    (void)!recv(fd, (char[600]){0}, 600, 0);
    (void)!write(fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    rig_->peer_result = (int)recv(fd, (char[600]){0}, 600, 0);
}

static void origin_that_fails_is_told_apart(void **state)
{
    (void)state;
    show(pki_make(good(), &root), NULL, NULL);
    rig_visit(&rig, refuse_protocol);
    assert_int_equal(rig.ready_err.code, ERR_TLS);
    assert_int_equal(rig.ready_err.wire, SSL_AD_NO_APPLICATION_PROTOCOL);
    rig_visit(&rig, hang_up);
    assert_true(rig.ready_err.code == ERR_CLOSED || rig.ready_err.code == ERR_RESET);
    assert_false(tls_layer_is_refusal(rig.ready_err));
    rig_visit(&rig, talk_plain);
    assert_int_equal(rig.ready_err.code, ERR_TLS);
    assert_string_equal(rig.ready_err.what, "wrong version number");
}

static size_t bent_at;

/* One bit of what the origin sends is wrong; in TLS 1.2 its certificates go in the clear. */
static void greet_bent(struct rig *rig_, int fd)
{
    SSL *ssl = SSL_new(kept_server);
    BIO *from_us = BIO_new(BIO_s_mem()), *to_us = BIO_new(BIO_s_mem());
    char bytes[8192], *sent;
    size_t sent_len = 0;
    ssize_t len;

    SSL_set_bio(ssl, from_us, to_us);
    SSL_set_accept_state(ssl);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 50000}, sizeof(struct timeval));
    while ((len = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        BIO_write(from_us, bytes, (int)len);
        (void)SSL_do_handshake(ssl);
        len = BIO_get_mem_data(to_us, &sent);
        if (bent_at >= sent_len && bent_at < sent_len + (size_t)len)
            sent[bent_at - sent_len] ^= 0x20;
        (void)!send(fd, sent, (size_t)len, MSG_NOSIGNAL);
        sent_len += (size_t)len;
        (void)BIO_reset(to_us);
    }
    rig_->peer_result = (int)sent_len;
    SSL_free(ssl);
}

static void origin_with_a_wrong_bit_anywhere_is_survived(void **state)
{
    size_t total = 1;
    unsigned failures = 0;

    (void)state;
    origin.version = TLS1_2_VERSION;
    show(pki_make(good(), &middle), middle.cert, NULL);
    kept_server = make_server();
    for (bent_at = 0; bent_at < total; bent_at += 7) {
        rig_visit(&rig, greet_bent);
        assert_int_equal(rig.ready_count, 1);
        assert_int_equal(rig.closed_count, 1);
        failures += err_is(rig.ready_err);
        if ((size_t)rig.peer_result > total)
            total = (size_t)rig.peer_result;
    }
    SSL_CTX_free(kept_server);
    kept_server = NULL;
    assert_true(total > 1000);
    /* Everything the origin sends in a handshake is covered by its signature or its Finished. */
    assert_true(failures > total / 7 - 15);
}

static void trust_file_must_hold_certificates(void **state)
{
    struct tls_trust *trust = NULL;
    char path[64];

    (void)state;
    snprintf(path, sizeof(path), "/tmp/sekisho-trust-%d.pem", (int)getpid());
    assert_int_equal(tls_trust_new(path, &trust).code, ERR_ABSENT);
    write_pem(path, NULL, NULL, root.key);
    assert_int_equal(tls_trust_new(path, &trust).code, ERR_DAMAGED);
    assert_null(trust);
    unlink(path);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, end_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(origin_with_a_good_chain_is_verified),
        RIGGED(origin_that_is_an_address_is_verified_without_sni),
        RIGGED(origin_gets_the_sni_that_was_asked_for),
        RIGGED(verdicts_of_dates_names_and_keys),
        RIGGED(verdict_of_a_weak_digest),
        RIGGED(verdicts_of_chains),
        RIGGED(verdict_of_a_false_signature),
        RIGGED(verdict_of_critical_parts_nobody_knows),
        RIGGED(verdict_of_a_name_with_a_nul),
        RIGGED(verdict_of_a_malformed_part),
        RIGGED(origin_with_ten_thousand_names_is_read),
        RIGGED(origin_with_a_megabyte_of_chain_is_cut_off),
        RIGGED(origin_with_a_giant_key_in_its_chain_costs_little),
        RIGGED(origin_revoked_by_a_list_in_the_file_is_refused),
        RIGGED(origin_is_never_checked_in_silence),
        RIGGED(exceptions_hold_for_one_host_port_and_certificate),
        RIGGED(exceptions_are_bounded),
        RIGGED(sessions_resume_until_the_exceptions_change),
        RIGGED(origin_gets_a_client_certificate_when_it_asks),
        RIGGED(old_origins_need_to_be_named_so),
        RIGGED(origin_that_fails_is_told_apart),
        RIGGED(origin_with_a_wrong_bit_anywhere_is_survived),
        RIGGED(trust_file_must_hold_certificates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
