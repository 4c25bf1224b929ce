/* Covers tls/ca: made once, loaded after, one for two racers, and refused when its files or the clock are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <fcntl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "os/clock.h"
#include "tls/ca.h"

#define YEAR_S ((int64_t)31557600)
#define RACERS 6
#define ROUNDS 15

static char folder[64];
static char key_path[96], cert_path[96];

static int64_t now_s(void) { return os_clock_wall_us() / 1000000; }

static int make_place(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/sekisho-ca-XXXXXX");
    assert_non_null(mkdtemp(folder));
    /* The CA makes its own folder. */
    snprintf(folder + strlen(folder), sizeof(folder) - strlen(folder), "/ca");
    snprintf(key_path, sizeof(key_path), "%s/ca.key", folder);
    snprintf(cert_path, sizeof(cert_path), "%s/ca.pem", folder);
    return 0;
}

static int remove_place(void **state)
{
    (void)state;
    unlink(key_path);
    unlink(cert_path);
    rmdir(folder);
    *strrchr(folder, '/') = '\0';
    return rmdir(folder);
}

static struct tls_ca *open_ca(void)
{
    struct tls_ca *ca = NULL;
    struct err err = tls_ca_open(folder, &ca);

    if (err_is(err))
        fail_msg("%s: %s", err_name(err.code), err.what);
    return ca;
}

static void expect_refusal(enum err_code code, const char *word)
{
    struct tls_ca *ca = NULL;
    struct err err = tls_ca_open(folder, &ca);

    assert_int_equal(err.code, code);
    assert_null(ca);
    assert_non_null(strstr(err.what, word));
}

static void ca_is_made_private_and_loaded_again(void **state)
{
    struct tls_ca *ca = open_ca();
    struct tls_ca *again = open_ca();
    struct stat status;

    (void)state;
    assert_string_equal(tls_ca_fingerprint(ca), tls_ca_fingerprint(again));
    assert_true(str_eq(tls_ca_der(ca), tls_ca_der(again)));
    assert_true(str_eq(tls_ca_pem(ca), tls_ca_pem(again)));
    assert_int_equal(stat(folder, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(key_path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_true(strncmp(tls_ca_name(ca), "sekisho ", 8) == 0);
    assert_int_equal(strlen(tls_ca_fingerprint(ca)), 95);
    tls_ca_free(&ca);
    tls_ca_free(&again);
    assert_null(ca);
}

static void ca_certificate_is_a_root_that_browsers_take(void **state)
{
    struct tls_ca *ca = open_ca();
    X509 *cert = tls_ca_cert(ca);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *chain = X509_STORE_CTX_new();

    (void)state;
    assert_int_equal(X509_get_version(cert), X509_VERSION_3);
    assert_int_equal(X509_check_ca(cert), 1);
    assert_int_equal(X509_get_pathlen(cert), 0);
    assert_int_equal(X509_get_key_usage(cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_ext_by_NID(cert, NID_ext_key_usage, -1), -1);
    assert_true(X509_EXTENSION_get_critical(X509_get_ext(cert, X509_get_ext_by_NID(cert, NID_basic_constraints, -1))));
    assert_true(X509_EXTENSION_get_critical(X509_get_ext(cert, X509_get_ext_by_NID(cert, NID_key_usage, -1))));
    assert_non_null(X509_get0_subject_key_id(cert));
    assert_true(tls_ca_not_before_s(ca) < now_s());
    assert_true(tls_ca_not_after_s(ca) > now_s() + 9 * YEAR_S);
    assert_true(tls_ca_not_after_s(ca) < now_s() + 10 * YEAR_S);
    X509_STORE_add_cert(store, cert);
    X509_STORE_CTX_init(chain, store, cert, NULL);
    X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(chain), X509_V_FLAG_X509_STRICT);
    assert_int_equal(X509_verify_cert(chain), 1);
    X509_STORE_CTX_free(chain);
    X509_STORE_free(store);
    tls_ca_free(&ca);
}

static void ca_gives_an_empty_signed_crl(void **state)
{
    struct tls_ca *ca = open_ca();
    struct str der = tls_ca_crl_der(ca);
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);

    (void)state;
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, tls_ca_key(ca)), 1);
    assert_null(X509_CRL_get_REVOKED(crl));
    assert_int_equal(X509_cmp_current_time(X509_CRL_get0_nextUpdate(crl)), 1);
    X509_CRL_free(crl);
    tls_ca_free(&ca);
}

static void ca_names_differ(void **state)
{
    struct tls_ca *first = open_ca(), *second;
    char name[80];

    (void)state;
    snprintf(name, sizeof(name), "%s", tls_ca_name(first));
    unlink(key_path);
    unlink(cert_path);
    second = open_ca();
    assert_string_not_equal(name, tls_ca_name(second));
    tls_ca_free(&first);
    tls_ca_free(&second);
}

static void ca_opened_by_racing_processes_is_one(void **state)
{
    char texts[RACERS][TLS_CA_FINGERPRINT_BYTES];
    int ends[2], status;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(pipe(ends), 0);
        for (int i = 0; i < RACERS; i++) {
            struct tls_ca *ca;

            if (fork())
                continue;
            if (err_is(tls_ca_open(folder, &ca)) ||
                write(ends[1], tls_ca_fingerprint(ca), TLS_CA_FINGERPRINT_BYTES) != TLS_CA_FINGERPRINT_BYTES)
                _exit(1);
            _exit(0);
        }
        for (int i = 0; i < RACERS; i++) {
            assert_int_equal(read(ends[0], texts[i], TLS_CA_FINGERPRINT_BYTES), TLS_CA_FINGERPRINT_BYTES);
            assert_string_equal(texts[i], texts[0]);
        }
        while (wait(&status) > 0)
            assert_int_equal(status, 0);
        close(ends[0]);
        close(ends[1]);
        unlink(key_path);
        unlink(cert_path);
    }
}

static void ca_heals_after_a_crash_between_its_files(void **state)
{
    struct tls_ca *ca = open_ca();

    (void)state;
    tls_ca_free(&ca);
    unlink(cert_path);
    ca = open_ca();
    assert_int_equal(X509_check_private_key(tls_ca_cert(ca), tls_ca_key(ca)), 1);
    tls_ca_free(&ca);
}

static void ca_refuses_keys_that_others_may_reach(void **state)
{
    struct tls_ca *ca = open_ca();
    char other[128];

    (void)state;
    tls_ca_free(&ca);
    assert_int_equal(chmod(key_path, 0640), 0);
    expect_refusal(ERR_DENIED, "ca.key");
    assert_int_equal(chmod(key_path, 0600), 0);
    /* A second name. */
    snprintf(other, sizeof(other), "%s/other", folder);
    assert_int_equal(link(key_path, other), 0);
    expect_refusal(ERR_DENIED, "ca.key");
    /* A symbolic link. */
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(symlink(other, key_path), 0);
    expect_refusal(ERR_DENIED, "ca.key");
    assert_int_equal(unlink(key_path), 0);
    /* A dangling one, which must not be written through. */
    assert_int_equal(rename(other, cert_path), 0);
    assert_int_equal(unlink(cert_path), 0);
    assert_int_equal(symlink(other, key_path), 0);
    expect_refusal(ERR_DENIED, "ca.key");
    assert_int_not_equal(access(other, F_OK), 0);
    /* A FIFO does not make it wait. */
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(mkfifo(key_path, 0600), 0);
    expect_refusal(ERR_DENIED, "ca.key");
}

static void ca_refuses_a_key_of_another_user(void **state)
{
    struct tls_ca *ca;

    (void)state;
    if (geteuid() != 0)
        skip();
    ca = open_ca();
    tls_ca_free(&ca);
    assert_int_equal(chown(key_path, 65534, 65534), 0);
    expect_refusal(ERR_DENIED, "ca.key");
}

static void ca_refuses_a_folder_that_is_a_link(void **state)
{
    struct tls_ca *ca = NULL;

    (void)state;
    assert_int_equal(symlink("/tmp", folder), 0);
    assert_true(err_is(tls_ca_open(folder, &ca)));
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void ca_refuses_damaged_files(void **state)
{
    struct tls_ca *ca = open_ca();

    (void)state;
    tls_ca_free(&ca);
    write_file(cert_path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect_refusal(ERR_DAMAGED, "ca.pem");
    write_file(key_path, "");
    expect_refusal(ERR_DAMAGED, "ca.key");
    assert_int_equal(unlink(key_path), 0);
    expect_refusal(ERR_DAMAGED, "ca.key");
}

static void ca_refuses_parts_of_two_authorities(void **state)
{
    struct tls_ca *ca = open_ca();
    char kept[128];

    (void)state;
    tls_ca_free(&ca);
    snprintf(kept, sizeof(kept), "%s/kept", folder);
    assert_int_equal(rename(cert_path, kept), 0);
    assert_int_equal(unlink(key_path), 0);
    ca = open_ca();
    tls_ca_free(&ca);
    assert_int_equal(rename(kept, cert_path), 0);
    expect_refusal(ERR_DAMAGED, "belong together");
}

static void ca_says_when_the_clock_is_wrong(void **state)
{
    struct tls_ca *ca = NULL;
    struct err err;

    (void)state;
    assert_int_equal(tls_ca_open_at(folder, 3600, &ca).code, ERR_DENIED);
    assert_int_not_equal(access(key_path, F_OK), 0);
    ca = open_ca();
    tls_ca_free(&ca);
    err = tls_ca_open_at(folder, now_s() - 2 * YEAR_S, &ca);
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.what, "clock"));
    err = tls_ca_open_at(folder, now_s() + 10 * YEAR_S, &ca);
    assert_int_equal(err.code, ERR_DENIED);
    assert_non_null(strstr(err.what, "clock"));
    assert_null(ca);
}

static void ca_made_while_the_clock_was_behind_is_valid_now(void **state)
{
    struct tls_ca *ca = NULL;

    (void)state;
    assert_false(err_is(tls_ca_open_at(folder, now_s() - 2 * YEAR_S, &ca)));
    tls_ca_free(&ca);
    ca = open_ca();
    tls_ca_free(&ca);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(ca_is_made_private_and_loaded_again),
        PLACED(ca_certificate_is_a_root_that_browsers_take),
        PLACED(ca_gives_an_empty_signed_crl),
        PLACED(ca_names_differ),
        PLACED(ca_opened_by_racing_processes_is_one),
        PLACED(ca_heals_after_a_crash_between_its_files),
        PLACED(ca_refuses_keys_that_others_may_reach),
        PLACED(ca_refuses_a_key_of_another_user),
        PLACED(ca_refuses_a_folder_that_is_a_link),
        PLACED(ca_refuses_damaged_files),
        PLACED(ca_refuses_parts_of_two_authorities),
        PLACED(ca_says_when_the_clock_is_wrong),
        PLACED(ca_made_while_the_clock_was_behind_is_valid_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
