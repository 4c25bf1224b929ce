/* Covers tls/install: argument lists, Firefox's preferences, and certutil's own view of the databases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "os/file.h"
#include "os/process.h"
#include "tls/install.h"

static char home[64], ca_path[96];
static struct tls_ca *ca;
static struct arena arena;
static struct tls_install install;
static unsigned done_count, failed_count;

static void count_store(void *owner, const char *store, struct err err)
{
    (void)owner;
    assert_non_null(store);
    if (err_is(err))
        failed_count++;
    else
        done_count++;
}

static int open_home(void **state)
{
    (void)state;
    snprintf(home, sizeof(home), "/tmp/sekisho-home-XXXXXX");
    assert_non_null(mkdtemp(home));
    assert_false(err_is(tls_ca_open(home, &ca)));
    snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", home);
    arena_init(&arena, 1 << 20);
    install = (struct tls_install){ca, home, ca_path, count_store, NULL};
    done_count = failed_count = 0;
    return 0;
}

static int close_home(void **state)
{
    const char *const args[] = {"rm", "-rf", home, NULL};

    (void)state;
    tls_ca_free(&ca);
    arena_deinit(&arena);
    return os_process_run(args);
}

static bool has_certutil(void)
{
    char path[256];

    return !err_is(os_process_find("certutil", path, sizeof(path)));
}

/* Whether certutil trusts our CA there as an issuer of server certificates. */
static bool is_trusted_in(const char *folder)
{
    char where[256];
    const char *const args[] = {"certutil", "-d", where, "-V", "-u", "L", "-n", tls_ca_name(ca), NULL};

    snprintf(where, sizeof(where), "sql:%s", folder);
    return os_process_run(args) == 0;
}

static void add_arguments_name_the_ca_and_its_trust(void **state)
{
    const char *args[TLS_INSTALL_ARG_MAX];

    (void)state;
    assert_false(err_is(tls_install_args_nss_add(&arena, &install, "/a b/;rm", args)));
    assert_string_equal(args[0], "certutil");
    assert_string_equal(args[1], "-d");
    assert_string_equal(args[2], "sql:/a b/;rm");
    assert_string_equal(args[3], "-A");
    assert_string_equal(args[5], tls_ca_name(ca));
    assert_string_equal(args[7], "C,,");
    assert_string_equal(args[9], ca_path);
    assert_null(args[10]);
}

static void other_arguments_end_with_null(void **state)
{
    const char *args[TLS_INSTALL_ARG_MAX];

    (void)state;
    assert_false(err_is(tls_install_args_nss_remove(&arena, &install, "/x", args)));
    assert_string_equal(args[3], "-D");
    assert_string_equal(args[5], tls_ca_name(ca));
    assert_null(args[6]);
    assert_false(err_is(tls_install_args_nss_new(&arena, "/x", args)));
    assert_string_equal(args[4], "--empty-password");
    assert_null(args[5]);
}

static void firefox_prefs_send_all_through_the_proxy(void **state)
{
    struct str text;

    (void)state;
    assert_false(err_is(tls_install_firefox_prefs(&arena, "127.0.0.1", 8080, &text)));
    assert_int_not_equal(str_find(text, STR("user_pref(\"network.proxy.ssl\", \"127.0.0.1\");\n")), STR_ABSENT);
    assert_int_not_equal(str_find(text, STR("user_pref(\"network.proxy.http_port\", 8080);\n")), STR_ABSENT);
    assert_int_not_equal(str_find(text, STR("allow_hijacking_localhost\", true")), STR_ABSENT);
    assert_int_equal(tls_install_firefox_prefs(&arena, "a\");evil(\"", 1, &text).code, ERR_SYNTAX);
    assert_int_equal(tls_install_firefox_prefs(&arena, "", 1, &text).code, ERR_SYNTAX);
}

static void nss_stores_get_and_lose_the_ca(void **state)
{
    char chromium[128], firefox[128], other[128];

    (void)state;
    if (!has_certutil())
        skip();
    snprintf(chromium, sizeof(chromium), "%s/.pki/nssdb", home);
    snprintf(firefox, sizeof(firefox), "%s/.mozilla/firefox/abc.default", home);
    snprintf(other, sizeof(other), "%s/.mozilla/firefox/Crash Reports", home);
    assert_false(err_is(os_file_make_folder(other)));
    assert_false(err_is(tls_install_firefox_profile(&install, firefox, "127.0.0.1", 8080)));
    assert_true(is_trusted_in(firefox));
    assert_false(err_is(tls_install_remove_nss(&install)));
    assert_false(is_trusted_in(firefox));
    assert_int_equal(done_count, 2);
    assert_false(err_is(tls_install_nss(&install)));
    assert_int_equal(done_count, 4);
    assert_true(is_trusted_in(firefox));
    assert_true(is_trusted_in(chromium));
    /* Once more changes nothing. */
    assert_false(err_is(tls_install_nss(&install)));
    assert_true(is_trusted_in(chromium));
    assert_false(err_is(tls_install_remove_nss(&install)));
    assert_false(is_trusted_in(firefox));
    assert_false(is_trusted_in(chromium));
    assert_false(err_is(tls_install_remove_nss(&install)));
    assert_int_equal(failed_count, 0);
}

static void chromium_home_trusts_the_ca(void **state)
{
    char folder[96], store[128];

    (void)state;
    if (!has_certutil())
        skip();
    snprintf(folder, sizeof(folder), "%s/fresh", home);
    snprintf(store, sizeof(store), "%s/.pki/nssdb", folder);
    install.on_store = NULL;
    assert_false(err_is(tls_install_chromium_home(&install, folder)));
    assert_true(is_trusted_in(store));
}

static void firefox_profile_has_its_prefs(void **state)
{
    char folder[96], path[128];
    struct stat status;

    (void)state;
    if (!has_certutil())
        skip();
    snprintf(folder, sizeof(folder), "%s/fox", home);
    snprintf(path, sizeof(path), "%s/user.js", folder);
    assert_false(err_is(tls_install_firefox_profile(&install, folder, "::1", 8080)));
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 500);
}

#define HOMED(test) cmocka_unit_test_setup_teardown(test, open_home, close_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOMED(add_arguments_name_the_ca_and_its_trust),
        HOMED(other_arguments_end_with_null),
        HOMED(firefox_prefs_send_all_through_the_proxy),
        HOMED(nss_stores_get_and_lose_the_ca),
        HOMED(chromium_home_trusts_the_ca),
        HOMED(firefox_profile_has_its_prefs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
