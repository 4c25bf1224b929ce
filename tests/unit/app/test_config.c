/* Covers app/config*: every option in every place, precedence, units, messages, hostile files, and the documents. */
#include "app/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/config_args.h"
#include "app/config_env.h"
#include "app/config_file.h"
#include "app/config_options.h"
#include "base/buf.h"
#include "os/file.h"

static int begin(void **state)
{
    static struct app_config config;

    assert_false(err_is(app_config_init(&config)));
    *state = &config;
    return 0;
}

static int end(void **state)
{
    app_config_deinit(*state);
    return 0;
}

static void set(struct app_config *config, const char *name, const char *value)
{
    struct err err = app_config_set(config, str_from(name), str_from(value));

    if (err_is(err))
        fail_msg("%s", config->problem);
}

static void refuses(struct app_config *config, const char *name, const char *value, const char *part)
{
    assert_true(err_is(app_config_set(config, str_from(name), str_from(value))));
    if (!strstr(config->problem, part))
        fail_msg("'%s' does not say '%s'", config->problem, part);
}

static void text(struct app_config *config, const char *content)
{
    struct err err = app_config_file_parse(config, "/etc/x/sekisho.conf", str_from(content));

    if (err_is(err))
        fail_msg("%s", config->problem);
}

static void refuses_text(struct app_config *config, struct str content, const char *part)
{
    assert_true(err_is(app_config_file_parse(config, "/etc/x/sekisho.conf", content)));
    if (!strstr(config->problem, part))
        fail_msg("'%s' does not say '%s'", config->problem, part);
}

#define ARGS(...) ((char *[]){__VA_ARGS__, NULL})

static int take(struct app_config *config, bool is_run, char **argv)
{
    int argc = 0, left;
    struct err err;

    while (argv[argc])
        argc++;
    err = app_config_args_take(config, is_run, argc, argv, &left);
    if (err_is(err))
        fail_msg("%s", config->problem);
    return left;
}

static void refuses_args(struct app_config *config, char **argv, const char *part)
{
    int argc = 0, left;

    while (argv[argc])
        argc++;
    assert_true(err_is(app_config_args_take(config, true, argc, argv, &left)));
    if (!strstr(config->problem, part))
        fail_msg("'%s' does not say '%s'", config->problem, part);
}

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_from(expected)))
        fail_msg("'%.*s' is not '%s'", STR_ARG(s), expected);
}

/* ---- Defaults and values ---- */

static void app_config_has_documented_defaults(void **state)
{
    struct app_config *config = *state;
    char addr[OS_ADDR_TEXT_BYTES];

    assert_string_equal(os_addr_format(&config->listen, addr), "127.0.0.1:8080");
    assert_string_equal(os_addr_format(&config->admin, addr), "127.0.0.1:8081");
    assert_str(config->project, "default");
    assert_true(str_ends(config->dir, STR("/.sekisho")));
    assert_int_equal(config->connect_timeout_ms, 30000);
    assert_int_equal(config->peek_timeout_ms, 500);
    assert_int_equal(config->response_body_timeout_ms, 3600000);
    assert_int_equal(config->head_max_bytes, 256 * 1024);
    assert_int_equal(config->capture_file_max_bytes, 1024 * 1024 * 1024);
    assert_int_equal(config->field_count_max, 1000);
    assert_int_equal(config->origin_verify.kind, APP_CONFIG_VERIFY_ON);
    assert_false(err_is(app_config_check(config)));
}

static void app_config_reads_units_exactly(void **state)
{
    static const struct {
        const char *value;
        uint64_t ms;
    } durations[] = {{"500ms", 500}, {"1.5s", 1500},    {"2m", 120000}, {"1h", 3600000},
                     {"0.001s", 1},  {"7D", 604800000}, {"2 s", 2000},  {"3min", 180000}};
    static const struct {
        const char *value;
        uint64_t bytes;
    } sizes[] = {{"4096", 4096},    {"4096b", 4096},    {"256kib", 262144},
                 {"256kb", 256000}, {"1.5mb", 1500000}, {"2MiB", 2097152}};

    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        set(*state, "connect-timeout", durations[i].value);
        assert_int_equal(((struct app_config *)*state)->connect_timeout_ms, durations[i].ms);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        set(*state, "head-max", sizes[i].value);
        assert_int_equal(((struct app_config *)*state)->head_max_bytes, sizes[i].bytes);
    }
}

static void app_config_refuses_what_is_no_number_with_unit(void **state)
{
    static const char *const bad[] = {"",     "30",   "s",           "-1s",  "1.s.", "1..5s", "0.0001s",
                                      "1e3s", "1 0s", "9999999999s", "1sec", "0x1s", "1s2s",  "+1s"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        refuses(*state, "connect-timeout", bad[i], "is not a duration");
    refuses(*state, "head-max", "10eb", "is not a size");
    refuses(*state, "head-max", "0.3b", "is not a size");
    refuses(*state, "workers", "1.5", "is not a whole number");
    refuses(*state, "workers", "99999999999999999999", "is not a whole number");
    assert_int_equal(((struct app_config *)*state)->connect_timeout_ms, 30000);
}

static void app_config_keeps_numbers_within_bounds(void **state)
{
    refuses(*state, "workers", "257", "must be from 0 to 256");
    set(*state, "workers", "256");
    refuses(*state, "connect-timeout", "0s", "must be from 1ms to 365d");
    set(*state, "connect-timeout", "1ms");
    set(*state, "connect-timeout", "365d");
    refuses(*state, "connect-timeout", "366d", "must be from 1ms to 365d");
    refuses(*state, "head-max", "1023", "must be from 1kib to 16mib");
    set(*state, "head-max", "1024");
    refuses(*state, "head-max", "16777217", "must be from 1kib to 16mib");
}

static void app_config_reads_listening_addresses(void **state)
{
    struct app_config *config = *state;
    char addr[OS_ADDR_TEXT_BYTES];

    set(config, "listen", "9090");
    assert_string_equal(os_addr_format(&config->listen, addr), "127.0.0.1:9090");
    set(config, "listen", "[::1]:0");
    assert_string_equal(os_addr_format(&config->listen, addr), "[::1]:0");
    set(config, "listen", "localhost:81");
    assert_string_equal(os_addr_format(&config->listen, addr), "127.0.0.1:81");
    refuses(config, "listen", "example.com:80", "--set listen: 'example.com:80' is not an address");
    refuses(config, "listen", "127.0.0.1:65536", "is not an address");
    refuses(config, "listen", "127.1:80", "is not an address");
}

static void app_config_reads_switches(void **state)
{
    struct app_config *config = *state;

    set(config, "strict", "Yes");
    assert_true(config->strict);
    set(config, "strict", "0");
    assert_false(config->strict);
    refuses(config, "strict", "maybe", "is neither on nor off");
}

static void app_config_reads_modes_and_has_only_regular(void **state)
{
    struct app_config *config = *state;

    set(config, "mode", "regular");
    assert_false(err_is(app_config_check(config)));
    set(config, "mode", "reverse:https://user@example.com:8443@127.0.0.1:9000");
    assert_int_equal(config->modes.count, 2);
    assert_int_equal(config->modes.items[1].kind, APP_CONFIG_REVERSE);
    assert_str(config->modes.items[1].url, "https://user@example.com:8443");
    assert_true(config->modes.items[1].has_listener);
    assert_int_equal(config->modes.items[1].listen.port, 9000);
    assert_false(err_is(app_config_check(config)));
    set(config, "mode", "reverse:http://user@example.com");
    assert_false(config->modes.items[2].has_listener);
    assert_true(err_is(app_config_check(config)));
    assert_string_equal(config->problem,
                        "mode: two modes share the port of --listen; give one an @ADDR:PORT of its own");
    refuses(config, "mode", "reverse:ftp://example.com", "needs an http or https URL");
    refuses(config, "mode", "sideways", "is not a mode");
}

static void app_config_reads_hosts_and_refuses_urls(void **state)
{
    struct app_config *config = *state;

    set(config, "pass", "example.com, *.test ,[::1]");
    set(config, "pass", ".later.example");
    assert_int_equal(config->pass.count, 4);
    assert_str(config->pass.items[0], "example.com");
    assert_str(config->pass.items[2], "::1");
    assert_str(config->pass.items[3], ".later.example");
    refuses(config, "pass", "good.example,https://example.com/", "is not a list of hosts");
    assert_int_equal(config->pass.count, 4);
    refuses(config, "pass", "", "is not a list of hosts");
}

static void app_config_reads_overrides(void **state)
{
    struct app_config *config = *state;
    char addr[OS_ADDR_TEXT_BYTES];

    set(config, "resolve", "example.com:443:127.0.0.1");
    set(config, "resolve", "example.com:443:[::1]");
    set(config, "resolve", "*.test=10.0.0.1");
    assert_int_equal(config->resolve.count, 3);
    assert_int_equal(config->resolve.items[0].port, 443);
    assert_string_equal(os_addr_format(&config->resolve.items[1].addr, addr), "[::1]:443");
    assert_int_equal(config->resolve.items[2].port, 0);
    refuses(config, "resolve", "example.com:0:127.0.0.1", "HOST:PORT:ADDRESS");
    refuses(config, "resolve", "example.com=localhost", "HOST:PORT:ADDRESS");
    refuses(config, "resolve", "example.com", "HOST:PORT:ADDRESS");
}

static void app_config_reads_verification_and_certificates(void **state)
{
    struct app_config *config = *state;

    set(config, "origin-verify", "off");
    assert_int_equal(config->origin_verify.kind, APP_CONFIG_VERIFY_OFF);
    set(config, "origin-verify", "ca=/x/root.pem");
    assert_int_equal(config->origin_verify.kind, APP_CONFIG_VERIFY_CA);
    assert_string_equal(config->origin_verify.ca_path.ptr, "/x/root.pem");
    refuses(config, "origin-verify", "sometimes", "is none of on, off and ca=FILE");
    refuses(config, "origin-verify", "ca=", "names no file");
    set(config, "client-cert", "*.example.com=/x/me.pem");
    assert_str(config->client_certs.items[0].host, "*.example.com");
    assert_string_equal(config->client_certs.items[0].path.ptr, "/x/me.pem");
    refuses(config, "client-cert", "/x/me.pem", "is not HOST=FILE.pem");
    set(config, "proxy-auth", "me:a:b");
    assert_str(config->proxy_auth.user, "me");
    assert_str(config->proxy_auth.password, "a:b");
    refuses(config, "proxy-auth", ":x", "is not USER:PASSWORD");
}

static void app_config_reads_upstreams(void **state)
{
    struct app_config *config = *state;

    set(config, "upstream", "socks5://me:p%40ss%3a@[::1]:1080");
    assert_int_equal(config->upstream.kind, APP_CONFIG_UPSTREAM_SOCKS5);
    assert_str(config->upstream.host, "::1");
    assert_int_equal(config->upstream.port, 1080);
    assert_str(config->upstream.password, "p@ss:");
    assert_false(err_is(app_config_check(config)));
    assert_int_equal(config->upstream_http.kind, APP_CONFIG_UPSTREAM_SOCKS5);
    assert_int_equal(config->upstream_https.kind, APP_CONFIG_UPSTREAM_SOCKS5);
    refuses(config, "upstream", "http://proxy.example", "needs a port");
    refuses(config, "upstream", "https://proxy.example:443", "reached over TLS");
    refuses(config, "upstream", "ftp://proxy.example:21", "is not http://");
    refuses(config, "upstream", "http://a%zz@proxy.example:21", "begins no %HH");
    refuses(config, "upstream", "http://a%00@proxy.example:21", "begins no %HH");
    set(config, "upstream", "http://127.0.0.1:8080");
    assert_true(err_is(app_config_check(config)));
    assert_string_equal(config->problem, "upstream: is this proxy's own address");
}

static void app_config_refuses_one_port_for_two_listeners(void **state)
{
    struct app_config *config = *state;

    set(config, "admin", "127.0.0.1:8080");
    assert_true(err_is(app_config_check(config)));
    assert_non_null(strstr(config->problem, "each needs its own port"));
    set(config, "admin", "127.0.0.1:0");
    set(config, "listen", "127.0.0.1:0");
    assert_false(err_is(app_config_check(config)));
}

static void app_config_suggests_the_nearest_name(void **state)
{
    refuses(*state, "listne", "x", "--set: there is no option 'listne'; did you mean 'listen'?");
    refuses(*state, "Listen", "x", "did you mean 'listen'?");
    refuses(*state, "conect-timeout", "x", "did you mean 'connect-timeout'?");
    refuses(*state, "zzzzzzzz", "x", "`sekisho help run` lists them");
    refuses(*state, "\x1b[31m", "x", "\\x1b[31m");
}

/* ---- Places ---- */

static void app_config_places_have_their_order(void **state)
{
    struct app_config *config = *state;

    assert_int_equal(take(config, true, ARGS("--project", "from-line", "--pass=line.test")), 0);
    assert_false(err_is(app_config_env_read(config, (const char *[]){"SEKISHO_PROJECT=from-env", "SEKISHO_WORKERS=3",
                                                                     "SEKISHO_PASS=a.test b.test",
                                                                     "SEKISHO_LEGACY_TLS=c.test\td.test", NULL})));
    text(config, "project = from-file\nworkers = 5\nstrict = on\npass = file.test\nlegacy-tls = file.test\n");
    assert_str(config->project, "from-line");
    assert_int_equal(config->workers, 3);
    assert_true(config->strict);
    assert_int_equal(config->pass.count, 1);
    assert_str(config->pass.items[0], "line.test");
    assert_int_equal(config->legacy_tls.count, 2);
    assert_str(config->legacy_tls.items[1], "d.test");
}

static void app_config_checks_values_that_lose(void **state)
{
    struct app_config *config = *state;

    set(config, "workers", "2");
    refuses_text(config, STR("workers = many"), "/etc/x/sekisho.conf:1: workers: 'many' is not a whole number");
    assert_int_equal(config->workers, 2);
}

static void app_config_line_takes_options_and_leaves_the_rest(void **state)
{
    struct app_config *config = *state;
    char **argv = ARGS("log", "--project", "p", "path : \"x\"", "--limit", "5", "--json", "--", "--dir", "x");

    assert_int_equal(take(config, false, argv), 7);
    assert_string_equal(argv[0], "log");
    assert_string_equal(argv[1], "path : \"x\"");
    assert_string_equal(argv[2], "--limit");
    assert_string_equal(argv[4], "--");
    assert_string_equal(argv[6], "x");
    assert_true(config->json);
    assert_str(config->project, "p");
    /* What only run has stays for the command to refuse. */
    argv = ARGS("log", "--listen", "127.0.0.1:1");
    assert_int_equal(take(config, false, argv), 3);
    assert_int_equal(config->listen.port, 8080);
}

static void app_config_line_has_every_form(void **state)
{
    struct app_config *config = *state;

    assert_int_equal(take(config, true, ARGS("--strict", "--json=off", "--set", "workers=4", "--set=durable=yes")), 0);
    assert_true(config->strict);
    assert_false(config->json);
    assert_int_equal(config->workers, 4);
    assert_true(config->durable);
    assert_int_equal(take(config, true, ARGS("--no-strict", "--no-upstream")), 0);
    assert_false(config->strict);
    assert_true(config->no_upstream);
    refuses_args(config, ARGS("--listen"), "--listen: needs a value");
    refuses_args(config, ARGS("--set", "workers"), "needs name=value");
    refuses_args(config, ARGS("--strict=perhaps"), "--strict: 'perhaps' is neither");
}

static void app_config_finds_the_command(void **state)
{
    (void)state;
    assert_int_equal(app_config_args_find_command(4, ARGS("--project", "run", "log", "x")), 2);
    assert_int_equal(app_config_args_find_command(2, ARGS("--project=run", "log")), 1);
    assert_int_equal(app_config_args_find_command(2, ARGS("--json", "log")), 1);
    assert_int_equal(app_config_args_find_command(2, ARGS("--json", "--browser")), 2);
    assert_int_equal(app_config_args_find_command(2, ARGS("--", "log")), 2);
    assert_int_equal(app_config_args_find_command(1, ARGS("--listen")), 1);
    assert_int_equal(app_config_args_find_command(2, ARGS("--no-strict", "url")), 1);
}

static void app_config_environment_knows_only_options(void **state)
{
    struct app_config *config = *state;

    assert_false(err_is(app_config_env_read(config, (const char *[]){"PATH=/bin", "SEKISHO_PROJECT=", "odd", NULL})));
    assert_str(config->project, "default");
    assert_true(err_is(app_config_env_read(config, (const char *[]){"SEKISHO_LISTNE=1", NULL})));
    assert_string_equal(config->problem, "SEKISHO_LISTNE: there is no option 'listne'; did you mean 'listen'?");
    assert_true(err_is(app_config_env_read(config, (const char *[]){"SEKISHO_STRICT=x", NULL})));
    assert_string_equal(config->problem, "SEKISHO_STRICT: 'x' is neither on nor off");
}

static void app_config_environment_names_upstreams(void **state)
{
    struct app_config *config = *state;
    const char *environment[] = {"HTTP_PROXY=http://upper.test:1", "http_proxy=lower.test:3128",
                                 "ALL_PROXY=socks5://all.test:1080", "NO_PROXY=plain.test, .dotted.test,10.0.0.0/8,*",
                                 NULL};

    assert_false(err_is(app_config_env_read(config, environment)));
    assert_false(err_is(app_config_check(config)));
    assert_str(config->upstream_http.host, "lower.test");
    assert_str(config->upstream_https.host, "all.test");
    assert_int_equal(config->upstream_except.count, 3);
    assert_str(config->upstream_except.items[0], ".plain.test");
    assert_str(config->upstream_except.items[1], ".dotted.test");
    assert_str(config->upstream_except.items[2], "*");
    set(config, "no-upstream", "on");
    assert_false(err_is(app_config_check(config)));
    assert_int_equal(config->upstream_http.kind, APP_CONFIG_DIRECT);
}

static void app_config_environment_that_names_us_is_no_upstream(void **state)
{
    struct app_config *config = *state;

    assert_false(err_is(app_config_env_read(config, (const char *[]){"http_proxy=http://localhost:8080", NULL})));
    assert_false(err_is(app_config_check(config)));
    assert_int_equal(config->upstream_http.kind, APP_CONFIG_DIRECT);
    assert_false(err_is(app_config_env_read(config, (const char *[]){"https_proxy=nonsense://x", NULL})));
    assert_true(err_is(app_config_check(config)));
    assert_non_null(strstr(config->problem, "HTTPS_PROXY (--no-upstream ignores it): 'nonsense://x'"));
}

/* ---- The file ---- */

static void app_config_file_has_comments_quotes_and_relative_paths(void **state)
{
    struct app_config *config = *state;

    text(config, "\xef\xbb\xbf# head\r\n\r\n  project=p # why\r\nproxy-auth = \"me:a # \\\"b\\\\\"  # word\r\n"
                 "client-cert = h.test=certs/me.pem\r\ntls-keylog = ~/keys\r\nresolve = a.test=1.2.3.4\n"
                 "resolve = b.test=1.2.3.5");
    assert_str(config->project, "p");
    assert_str(config->proxy_auth.password, "a # \"b\\");
    assert_str(config->client_certs.items[0].path, "/etc/x/certs/me.pem");
    assert_true(config->tls_keylog.ptr[0] == '/');
    assert_int_equal(config->resolve.count, 2);
}

static void app_config_file_errors_have_a_line(void **state)
{
    refuses_text(*state, STR("\n\nlisten 1"), "/etc/x/sekisho.conf:3: a line is `name = value`");
    refuses_text(*state, STR("#\nlisen = 1"),
                 "/etc/x/sekisho.conf:2: there is no option 'lisen'; did you mean 'listen'?");
    refuses_text(*state, STR("dir = /tmp"), "dir: cannot be set in the file; use --dir");
    refuses_text(*state, STR("project = \"x"), "the closing quote is missing");
    refuses_text(*state, STR("project = \"x\" y"), "text after the closing quote");
    refuses_text(*state, STR("project = \"\\n\""), "only \\\" and \\\\ are escapes");
    refuses_text(*state, STR("project ="), "project: '' is empty");
    refuses_text(*state, STR("project = a\xff"), "is not UTF-8");
    refuses_text(*state, STR("project = a\x1b[2J"), "control characters");
    refuses_text(*state, STR("project = a\0b"), "NUL");
    refuses_text(*state, STR("\xff\xfe = 1"), "there is no option '\\xff\\xfe'");
}

static void app_config_file_is_bounded(void **state)
{
    struct app_config *config = *state;
    struct buf many;

    buf_init(&many, 1 << 20);
    for (int i = 0; i < 1000; i++)
        assert_false(err_is(buf_append(&many, STR("pass = a.test\n"))));
    assert_false(err_is(app_config_file_parse(config, "/x/c", buf_str(&many))));
    assert_int_equal(config->pass.count, 1000);
    assert_false(err_is(buf_append(&many, STR("pass = a.test\n"))));
    app_config_deinit(config);
    assert_false(err_is(app_config_init(config)));
    refuses_text(config, buf_str(&many), ":1001: pass: 'a.test' is one value too many");
    buf_deinit(&many);
}

/* ---- The documents ---- */

static void assert_document_says(const char *path, const char *words)
{
    struct buf document;

    buf_init(&document, 1 << 20);
    assert_false(err_is(os_file_read_all(path, &document)));
    if (str_find(buf_str(&document), str_from(words)) == STR_ABSENT)
        fail_msg("%s does not say: %s", path, words);
    buf_deinit(&document);
}

static void app_config_documents_name_every_option(void **state)
{
    char words[160];

    (void)state;
    for (size_t i = 0; i < app_config_options_count; i++) {
        const struct app_config_option *option = &app_config_options[i];

        snprintf(words, sizeof(words), "| `%s` | %s%s%s |", option->name, option->fallback ? "`" : "",
                 option->fallback ? option->fallback : "", option->fallback ? "`" : "");
        assert_document_says("docs/configuration.md", words);
        snprintf(words, sizeof(words), "\n.B \\-\\-%s", option->name);
        assert_document_says("docs/man/sekisho.1", words);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(app_config_has_documented_defaults),
        TEST(app_config_reads_units_exactly),
        TEST(app_config_refuses_what_is_no_number_with_unit),
        TEST(app_config_keeps_numbers_within_bounds),
        TEST(app_config_reads_listening_addresses),
        TEST(app_config_reads_switches),
        TEST(app_config_reads_modes_and_has_only_regular),
        TEST(app_config_reads_hosts_and_refuses_urls),
        TEST(app_config_reads_overrides),
        TEST(app_config_reads_verification_and_certificates),
        TEST(app_config_reads_upstreams),
        TEST(app_config_refuses_one_port_for_two_listeners),
        TEST(app_config_suggests_the_nearest_name),
        TEST(app_config_places_have_their_order),
        TEST(app_config_checks_values_that_lose),
        TEST(app_config_line_takes_options_and_leaves_the_rest),
        TEST(app_config_line_has_every_form),
        TEST(app_config_finds_the_command),
        TEST(app_config_environment_knows_only_options),
        TEST(app_config_environment_names_upstreams),
        TEST(app_config_environment_that_names_us_is_no_upstream),
        TEST(app_config_file_has_comments_quotes_and_relative_paths),
        TEST(app_config_file_errors_have_a_line),
        TEST(app_config_file_is_bounded),
        TEST(app_config_documents_name_every_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
