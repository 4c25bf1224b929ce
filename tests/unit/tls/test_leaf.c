/* Covers tls/leaf: leaves verify strictly, names are checked, the cache is bounded and leaves are renewed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <malloc.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "os/clock.h"
#include "tls/leaf.h"

#define DAY_S ((int64_t)24 * 3600)
#define LONG_LABEL "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

static char folder[64];
static struct tls_ca *ca;
static struct tls_leaf_cache *cache;

static int64_t now_s(void) { return os_clock_wall_us() / 1000000; }

static int open_cache(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/sekisho-leaf-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_false(err_is(tls_ca_open(folder, &ca)));
    assert_false(err_is(tls_leaf_cache_new(ca, 16, &cache)));
    return 0;
}

static int close_cache(void **state)
{
    char path[96];

    (void)state;
    tls_leaf_cache_free(&cache);
    tls_ca_free(&ca);
    snprintf(path, sizeof(path), "%s/ca.key", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/ca.pem", folder);
    unlink(path);
    return rmdir(folder);
}

static X509 *leaf_for(struct str name)
{
    X509 *cert = NULL;

    assert_false(err_is(tls_leaf_for(cache, name, &cert)));
    return cert;
}

/* X509_V_OK, or what a strict verifier of our CA says at that time. */
static int verify(X509 *cert, const char *host, int64_t at_s)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *chain = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int error;

    X509_STORE_add_cert(store, tls_ca_cert(ca));
    X509_STORE_CTX_init(chain, store, cert, NULL);
    param = X509_STORE_CTX_get0_param(chain);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_time(param, (time_t)at_s);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_STORE_CTX_set_purpose(chain, X509_PURPOSE_SSL_SERVER);
    if (!X509_VERIFY_PARAM_set1_ip_asc(param, host))
        X509_VERIFY_PARAM_set1_host(param, host, 0);
    X509_verify_cert(chain);
    error = X509_STORE_CTX_get_error(chain);
    X509_STORE_CTX_free(chain);
    X509_STORE_free(store);
    return error;
}

static void leaf_verifies_strictly_for_its_name_only(void **state)
{
    static const char *const names[] = {
        "www.example.com", "xn--bcher-kva.example",  "under_score.test", "localhost", "127.0.0.1", "::1",
        "2001:db8::7",     LONG_LABEL ".example.com"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        X509 *cert = leaf_for(str_from(names[i]));

        assert_int_equal(verify(cert, names[i], now_s()), X509_V_OK);
        assert_int_not_equal(verify(cert, "other.example", now_s()), X509_V_OK);
        assert_int_equal(X509_check_private_key(cert, tls_ca_leaf_key(ca)), 1);
        assert_int_equal(X509_check_ca(cert), 0);
    }
}

static void leaf_verifies_for_names_of_every_length(void **state)
{
    char name[TLS_LEAF_NAME_MAX + 1];

    (void)state;
    for (size_t len = 1; len <= TLS_LEAF_NAME_MAX; len++) {
        X509 *cert;

        for (size_t i = 0; i < len; i++)
            name[i] = i % 50 == 49 && i + 1 < len ? '.' : 'a';
        name[len] = '\0';
        cert = leaf_for(str_from(name));
        assert_int_equal(verify(cert, name, now_s()), X509_V_OK);
    }
}

static void leaf_is_dated_back_and_for_199_days(void **state)
{
    X509 *cert = leaf_for(STR("a.test"));
    int days, seconds;

    (void)state;
    assert_true(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert), X509_get0_notAfter(cert)));
    assert_int_equal(days, TLS_LEAF_VALID_DAYS);
    assert_int_equal(seconds, 0);
    assert_int_equal(verify(cert, "a.test", now_s() - DAY_S), X509_V_OK);
    assert_int_equal(verify(cert, "a.test", now_s() + 190 * DAY_S), X509_V_OK);
}

static void leaf_never_leaves_the_dates_of_its_ca(void **state)
{
    X509 *cert = NULL;

    (void)state;
    assert_false(err_is(tls_leaf_sign(cache, STR("a.test"), tls_ca_not_after_s(ca) - DAY_S, &cert)));
    assert_int_equal(ASN1_TIME_compare(X509_get0_notAfter(cert), X509_get0_notAfter(tls_ca_cert(ca))), 0);
    X509_free(cert);
    assert_int_equal(tls_leaf_sign(cache, STR("a.test"), tls_ca_not_after_s(ca), &cert).code, ERR_DENIED);
    assert_int_equal(tls_leaf_sign(cache, STR("a.test"), tls_ca_not_before_s(ca) - 1, &cert).code, ERR_DENIED);
}

static void leaf_uses_both_forms_of_time(void **state)
{
    struct tls_leaf_cache *late_cache;
    struct tls_ca *late = NULL;
    X509 *cert = NULL;
    char place[128], path[160];
    int64_t at_s = 2524608000 - 30 * DAY_S; /* thirty days before 2050 */

    (void)state;
    snprintf(place, sizeof(place), "%s/late", folder);
    assert_false(err_is(tls_ca_open_at(place, at_s, &late)));
    assert_false(err_is(tls_leaf_cache_new(late, 1, &late_cache)));
    assert_false(err_is(tls_leaf_sign(late_cache, STR("a.test"), at_s, &cert)));
    assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(cert)), V_ASN1_UTCTIME);
    assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(cert)), V_ASN1_GENERALIZEDTIME);
    X509_free(cert);
    tls_leaf_cache_free(&late_cache);
    tls_ca_free(&late);
    snprintf(path, sizeof(path), "%s/ca.key", place);
    unlink(path);
    snprintf(path, sizeof(path), "%s/ca.pem", place);
    unlink(path);
    assert_int_equal(rmdir(place), 0);
}

static void leaf_serials_are_positive_and_differ(void **state)
{
    X509 *first = NULL, *second = NULL;

    (void)state;
    assert_false(err_is(tls_leaf_sign(cache, STR("a.test"), now_s(), &first)));
    assert_false(err_is(tls_leaf_sign(cache, STR("a.test"), now_s(), &second)));
    assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(first)), 16);
    assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(first)), V_ASN1_INTEGER);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(first), X509_get0_serialNumber(second)), 0);
    X509_free(first);
    X509_free(second);
}

static void leaf_names_are_checked(void **state)
{
    static const struct {
        struct str name;
        bool is_good;
    } cases[] = {
        {STR("example.com"), true},
        {STR("example.com."), true},
        {STR("EXAMPLE.com"), true},
        {STR("[::1]"), true},
        {STR("_dmarc.a-b.c"), true},
        {STR_NONE, false},
        {STR("."), false},
        {STR(".."), false},
        {STR("a..b"), false},
        {STR(".a"), false},
        {STR("a.."), false},
        {STR("a\0b.test"), false},
        {STR("a b"), false},
        {STR("*.example.com"), false},
        {STR("../../etc/passwd"), false},
        {STR("\xc3\xa9.test"), false},
        {STR("a@b"), false},
        {STR("a:443"), false},
        {STR("fe80::1%lo"), false},
        {STR(LONG_LABEL), true},
        {STR(LONG_LABEL "4"), false},
        {STR(LONG_LABEL "." LONG_LABEL "." LONG_LABEL "." LONG_LABEL), false}, /* 255 bytes */
        {STR(LONG_LABEL "." LONG_LABEL "." LONG_LABEL
                        ".dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"),
         false}, /* 254 */
        {STR(LONG_LABEL "." LONG_LABEL "." LONG_LABEL ".ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"),
         true}, /* 253 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        X509 *cert = NULL;
        struct err err = tls_leaf_for(cache, cases[i].name, &cert);

        assert_int_equal(tls_leaf_is_name(cases[i].name), cases[i].is_good);
        assert_int_equal(err.code, cases[i].is_good ? ERR_NONE : ERR_SYNTAX);
    }
}

static void leaf_subject_is_empty_when_the_name_is_long(void **state)
{
    X509 *cert = leaf_for(STR(LONG_LABEL ".example.com"));
    X509_EXTENSION *names = X509_get_ext(cert, X509_get_ext_by_NID(cert, NID_subject_alt_name, -1));

    (void)state;
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
    assert_int_equal(X509_EXTENSION_get_critical(names), 1);
    cert = leaf_for(STR("short.test"));
    names = X509_get_ext(cert, X509_get_ext_by_NID(cert, NID_subject_alt_name, -1));
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 1);
    assert_int_equal(X509_EXTENSION_get_critical(names), 0);
}

static void leaf_is_cached_without_regard_to_case(void **state)
{
    X509 *cert = leaf_for(STR("a.test"));

    (void)state;
    assert_ptr_equal(leaf_for(STR("A.TEST.")), cert);
    assert_int_equal(tls_leaf_signed_count(cache), 1);
    assert_int_equal(tls_leaf_count(cache), 1);
}

static void leaf_cache_drops_the_least_used(void **state)
{
    char name[32];

    (void)state;
    (void)leaf_for(STR("kept.test"));
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "n%d.test", i);
        (void)leaf_for(str_from(name));
        (void)leaf_for(STR("kept.test"));
        assert_true(tls_leaf_count(cache) <= 16);
    }
    assert_int_equal(tls_leaf_signed_count(cache), 41);
}

static void leaf_cache_stays_flat_over_100000_names(void **state)
{
    size_t used_before = 0;
    char name[32];

    (void)state;
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof(name), "name-%d.example.test", i);
        (void)leaf_for(str_from(name));
        if (i == 100)
            used_before = mallinfo2().uordblks;
    }
    assert_int_equal(tls_leaf_count(cache), 16);
    assert_true(mallinfo2().uordblks <= used_before + (size_t)64 * 1024);
}

#define CACHED(test) cmocka_unit_test_setup_teardown(test, open_cache, close_cache)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHED(leaf_verifies_strictly_for_its_name_only),
        CACHED(leaf_verifies_for_names_of_every_length),
        CACHED(leaf_is_dated_back_and_for_199_days),
        CACHED(leaf_never_leaves_the_dates_of_its_ca),
        CACHED(leaf_uses_both_forms_of_time),
        CACHED(leaf_serials_are_positive_and_differ),
        CACHED(leaf_names_are_checked),
        CACHED(leaf_subject_is_empty_when_the_name_is_long),
        CACHED(leaf_is_cached_without_regard_to_case),
        CACHED(leaf_cache_drops_the_least_used),
        CACHED(leaf_cache_stays_flat_over_100000_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
