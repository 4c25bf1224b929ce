#include "cli/launch.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "cli/removal.h"
#include "os/file.h"
#include "os/process.h"
#include "os/terminal.h"
#include "tls/install.h"

#define ARENA_BYTES_MAX ((size_t)256 * 1024)
#define PROFILE_DEPTH_MAX 24
#define ARG_MAX (sizeof(((struct cli_launch *)0)->argv) / sizeof(const char *))

static const char *const programs[] = {
    "chromium", "google-chrome-stable", "google-chrome", "chromium-browser", "firefox", "firefox-esr",
};

/* What a Chromium does without being asked; what is left is told by its hosts. */
static const char *const quiet[] = {
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-client-side-phishing-detection",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    ("--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,"
     "NetworkTimeServiceQuerying,CertificateTransparencyComponentUpdater,InterestFeedContentSuggestions"),
    "--allow-browser-signin=false",
    "--metrics-recording-only",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
};

static bool is_firefox(const struct cli_launch *launch)
{
    return str_find(str_from(launch->found), STR("firefox")) != STR_ABSENT;
}

static struct err find_program(struct cli_launch *launch)
{
    if (launch->program && strchr(launch->program, '/')) {
        if (str_to_c(str_from(launch->program), launch->found, sizeof(launch->found)) && os_file_exists(launch->found))
            return OK;
        return ERR(ERR_ABSENT, 0, "there is no browser at the path given with --with");
    }
    if (launch->program) {
        struct err err = os_process_find(launch->program, launch->found, sizeof(launch->found));

        return err_is(err) ? ERR(ERR_ABSENT, 0, "the browser named with --with is not installed") : OK;
    }
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (!err_is(os_process_find(programs[i], launch->found, sizeof(launch->found))))
            return OK;
    }
    return ERR(ERR_ABSENT, 0, "neither Chromium, Chrome nor Firefox is installed");
}

/* ---- Profiles ---- */

/* Profiles are named by the process that made them; those of processes that ended are left from a crash. */
static bool on_profile(void *owner, const char *name)
{
    const char *folder = owner;
    char path[CLI_LAUNCH_PATH_BYTES];
    uint64_t id;

    if (!str_to_u64(str_from(name), &id) || id > INT32_MAX || os_process_exists((int)id))
        return true;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    IGNORE(cli_removal_tree(path, PROFILE_DEPTH_MAX)); /* the next launch tries again */
    return true;
}

static struct err make_profile(struct cli_launch *launch)
{
    char folder[CLI_LAUNCH_PATH_BYTES];
    int len = snprintf(folder, sizeof(folder), "%s/browser", launch->dir);

    if (len < 0 || (size_t)len >= sizeof(folder) - 32)
        return ERR(ERR_LIMIT, 0, "the path of --dir is too long");
    IGNORE(os_file_list(folder, on_profile, folder)); /* there is none at the first launch */
    len = snprintf(launch->profile, sizeof(launch->profile), "%.4000s/%d", folder, os_process_id());
    CHECK(len > 0 && (size_t)len < sizeof(launch->profile));
    return os_file_make_folder(launch->profile);
}

void cli_launch_clean(struct cli_launch *launch)
{
    if (launch->profile[0])
        IGNORE(cli_removal_tree(launch->profile, PROFILE_DEPTH_MAX)); /* the next launch tries again */
    launch->profile[0] = '\0';
    arena_deinit(&launch->arena);
}

/* ---- Arguments ---- */

static void add(struct cli_launch *launch, const char *argument)
{
    size_t count = 0;

    while (launch->argv[count])
        count++;
    CHECK(count + 1 < ARG_MAX);
    launch->argv[count] = argument;
}

static struct err add_formatted(struct cli_launch *launch, const char *format, const char *value)
{
    struct str text;

    TRY(arena_format(&launch->arena, &text, format, value));
    add(launch, text.ptr);
    return OK;
}

/* SHA-256 of the SubjectPublicKeyInfo in base64 (RFC 7469, 2.4). */
bool cli_launch_key_pin(const struct tls_ca *ca, char text[CLI_LAUNCH_PIN_BYTES])
{
    unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned digest_len = 0;
    int len = i2d_PUBKEY(tls_ca_leaf_key(ca), &der);
    bool is_done = len > 0 && EVP_Digest(der, (size_t)len, digest, &digest_len, EVP_sha256(), NULL) == 1;

    OPENSSL_free(der);
    if (is_done)
        EVP_EncodeBlock((unsigned char *)text, digest, (int)digest_len);
    return is_done;
}

/* Where certutil is missing, the browser is told the key that the running program's certificates have. */
static struct err add_trust(struct cli_launch *launch)
{
    struct tls_install install = {.ca = launch->ca, .home = launch->profile, .ca_path = launch->ca_path};
    struct err err = tls_install_chromium_home(&install, launch->profile);

    if (err.code != ERR_ABSENT || !launch->key_pin)
        return err;
    return add_formatted(launch, "--ignore-certificate-errors-spki-list=%s", launch->key_pin);
}

static struct err write_chromium_arguments(struct cli_launch *launch)
{
    char addr[OS_ADDR_TEXT_BYTES];

    /* Chromium reads its certificate store from HOME. */
    add(launch, "env");
    TRY(add_formatted(launch, "HOME=%s", launch->profile));
    add(launch, launch->found);
    TRY(add_formatted(launch, "--user-data-dir=%s/profile", launch->profile));
    TRY(add_formatted(launch, "--proxy-server=http://%s", os_addr_format(&launch->proxy, addr)));
    /* "<-loopback>" takes back the rule that loopback goes direct. */
    TRY(add_formatted(launch, "--proxy-bypass-list=<-loopback>;%s", os_addr_format(&launch->admin, addr)));
    TRY(add_trust(launch));
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
        add(launch, quiet[i]);
    /* It refuses to run as root with its sandbox. */
    if (os_terminal_is_root())
        add(launch, "--no-sandbox");
    return OK;
}

static struct err write_firefox_arguments(struct cli_launch *launch)
{
    struct tls_install install = {.ca = launch->ca, .home = launch->profile, .ca_path = launch->ca_path};
    char ip[OS_ADDR_TEXT_BYTES];

    TRY(tls_install_firefox_profile(&install, launch->profile, os_addr_format_ip(&launch->proxy, ip),
                                    launch->proxy.port));
    add(launch, launch->found);
    add(launch, "-no-remote");
    add(launch, "-profile");
    add(launch, launch->profile);
    return OK;
}

struct err cli_launch_prepare(struct cli_launch *launch)
{
    struct err err;

    arena_init(&launch->arena, ARENA_BYTES_MAX);
    err = find_program(launch);
    if (!err_is(err))
        err = make_profile(launch);
    if (!err_is(err))
        err = is_firefox(launch) ? write_firefox_arguments(launch) : write_chromium_arguments(launch);
    for (size_t i = 0; i < CLI_LAUNCH_EXTRA_MAX && launch->extra[i] && !err_is(err); i++)
        add(launch, launch->extra[i]);
    if (!err_is(err))
        add(launch, launch->url);
    else
        cli_launch_clean(launch);
    return err;
}
