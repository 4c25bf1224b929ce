#include "tls/install.h"

#include "base/buf.h"
#include "os/file.h"
#include "os/process.h"

#define PATH_BYTES 4096
#define ARENA_BYTES_MAX ((size_t)256 * 1024)
#define PROFILES_MAX 64
#define SYSTEM_FOLDER "/usr/local/share/ca-certificates"
/* Not in every user's PATH. */
#define SYSTEM_UPDATER "/usr/sbin/update-ca-certificates"

/* Where browsers keep their NSS databases below HOME: fixed places, and folders of profiles. */
static const char *const chromium_stores[] = {".pki/nssdb", "snap/chromium/current/.pki/nssdb"};
static const char *const firefox_folders[] = {".mozilla/firefox", "snap/firefox/common/.mozilla/firefox",
                                              ".var/app/org.mozilla.firefox/.mozilla/firefox"};

static void report(const struct tls_install *install, const char *store, struct err err)
{
    if (install->on_store)
        install->on_store(install->owner, store, err);
}

/* ---- The system's store ---- */

static struct err find_updater(const char **ret_path)
{
    if (!os_file_exists(SYSTEM_UPDATER))
        return ERR(ERR_ABSENT, 0, "update-ca-certificates is not installed");
    *ret_path = SYSTEM_UPDATER;
    return OK;
}

/* The file's name carries the CA's fingerprint, so that several CAs do not meet. */
static void system_path(const struct tls_install *install, char path[PATH_BYTES])
{
    const char *mark = tls_ca_fingerprint(install->ca);

    snprintf(path, PATH_BYTES, "%s/sekisho-%.2s%.2s%.2s%.2s.crt", SYSTEM_FOLDER, mark, mark + 3, mark + 6, mark + 9);
}

static struct err install_system(const struct tls_install *install, const char *path)
{
    const char *const copy[] = {"install", "-m", "644", "-D", install->ca_path, path, NULL};
    const char *update[] = {NULL, NULL};

    TRY(find_updater(&update[0]));
    if (os_process_run(copy) != 0)
        return ERR(ERR_DENIED, 0, "the folder of the system's certificates cannot be written: run as root");
    if (os_process_run(update) != 0)
        return ERR(ERR_IO, 0, "update-ca-certificates failed");
    return OK;
}

static struct err remove_system(const char *path)
{
    /* Without --fresh the links to what is gone stay. */
    const char *update[] = {NULL, "--fresh", NULL};

    TRY(find_updater(&update[0]));
    TRY(os_file_remove(path));
    if (os_process_run(update) != 0)
        return ERR(ERR_IO, 0, "update-ca-certificates failed");
    return OK;
}

struct err tls_install_system(const struct tls_install *install)
{
    char path[PATH_BYTES];
    struct err err;

    system_path(install, path);
    err = install_system(install, path);
    report(install, path, err);
    return err;
}

struct err tls_install_remove_system(const struct tls_install *install)
{
    char path[PATH_BYTES];
    struct err err;

    system_path(install, path);
    if (!os_file_exists(path))
        return OK;
    err = remove_system(path);
    report(install, path, err);
    return err;
}

/* ---- NSS ---- */

static struct err put(struct arena *arena, const char *const *args, size_t count, const char **ret_args)
{
    struct str copy;

    CHECK(count < TLS_INSTALL_ARG_MAX);
    for (size_t i = 0; i < count; i++) {
        TRY(arena_copy(arena, str_from(args[i]), &copy));
        ret_args[i] = copy.ptr;
    }
    ret_args[count] = NULL;
    return OK;
}

/* certutil reads "sql:" in front of a folder as the format that browsers use today. */
static struct err database(struct arena *arena, const char *folder, const char **ret_text)
{
    struct str text;

    TRY(arena_format(arena, &text, "sql:%s", folder));
    *ret_text = text.ptr;
    return OK;
}

struct err tls_install_args_nss_add(struct arena *arena, const struct tls_install *install, const char *folder,
                                    const char *ret_args[TLS_INSTALL_ARG_MAX])
{
    const char *where;

    TRY(database(arena, folder, &where));
    /* C: trusted to issue server certificates; nothing for mail and code. */
    return put(arena,
               (const char *const[]){"certutil", "-d", where, "-A", "-n", tls_ca_name(install->ca), "-t", "C,,", "-i",
                                     install->ca_path},
               10, ret_args);
}

struct err tls_install_args_nss_remove(struct arena *arena, const struct tls_install *install, const char *folder,
                                       const char *ret_args[TLS_INSTALL_ARG_MAX])
{
    const char *where;

    TRY(database(arena, folder, &where));
    return put(arena, (const char *const[]){"certutil", "-d", where, "-D", "-n", tls_ca_name(install->ca)}, 6,
               ret_args);
}

static struct err args_nss_find(struct arena *arena, const struct tls_install *install, const char *folder,
                                const char *ret_args[TLS_INSTALL_ARG_MAX])
{
    const char *where;

    TRY(database(arena, folder, &where));
    /* -V checks a certificate that must be there, quietly. */
    return put(arena, (const char *const[]){"certutil", "-d", where, "-V", "-u", "L", "-n", tls_ca_name(install->ca)},
               8, ret_args);
}

struct err tls_install_args_nss_new(struct arena *arena, const char *folder, const char *ret_args[TLS_INSTALL_ARG_MAX])
{
    const char *where;

    TRY(database(arena, folder, &where));
    return put(arena, (const char *const[]){"certutil", "-d", where, "-N", "--empty-password"}, 5, ret_args);
}

static struct err find_certutil(void)
{
    char path[PATH_BYTES];

    return err_is(os_process_find("certutil", path, sizeof(path)))
               ? ERR(ERR_ABSENT, 0, "certutil is not installed (Debian: libnss3-tools)")
               : OK;
}

static struct err run(const char *const *args, const char *what)
{
    return os_process_run(args) == 0 ? OK : ERR(ERR_IO, 0, what);
}

static bool has_database(const char *folder)
{
    char path[PATH_BYTES];

    return snprintf(path, sizeof(path), "%s/cert9.db", folder) < (int)sizeof(path) && os_file_exists(path);
}

/* Makes the database when there is none. */
static struct err add_to(struct arena *arena, const struct tls_install *install, const char *folder)
{
    const char *args[TLS_INSTALL_ARG_MAX];

    if (!has_database(folder)) {
        TRY(os_file_make_folder(folder));
        TRY(tls_install_args_nss_new(arena, folder, args));
        TRY(run(args, "certutil cannot make a certificate database"));
    }
    TRY(tls_install_args_nss_add(arena, install, folder, args));
    return run(args, "certutil cannot add the CA");
}

static struct err remove_from(struct arena *arena, const struct tls_install *install, const char *folder)
{
    const char *args[TLS_INSTALL_ARG_MAX];

    TRY(tls_install_args_nss_remove(arena, install, folder, args));
    return run(args, "certutil cannot remove the CA");
}

/* All databases of a user. */
struct stores {
    struct arena arena;
    const char *folders[PROFILES_MAX];
    size_t count;
    const char *parent; /* whose profiles are being listed */
};

static bool collect(struct stores *stores, const char *parent, const char *name)
{
    struct str path;

    if (stores->count == PROFILES_MAX || err_is(arena_format(&stores->arena, &path, "%s/%s", parent, name)))
        return false;
    stores->folders[stores->count++] = path.ptr;
    return true;
}

static bool on_profile(void *owner, const char *name)
{
    struct stores *stores = owner;
    char path[PATH_BYTES];

    if (snprintf(path, sizeof(path), "%s/%s", stores->parent, name) >= (int)sizeof(path))
        return true;
    return !has_database(path) || collect(stores, stores->parent, name);
}

static void find_stores(struct stores *stores, const char *home, bool makes_first)
{
    char path[PATH_BYTES];

    for (size_t i = 0; i < sizeof(chromium_stores) / sizeof(chromium_stores[0]); i++) {
        if (snprintf(path, sizeof(path), "%s/%s", home, chromium_stores[i]) >= (int)sizeof(path))
            return;
        if (has_database(path) || (i == 0 && makes_first))
            (void)collect(stores, home, chromium_stores[i]);
    }
    for (size_t i = 0; i < sizeof(firefox_folders) / sizeof(firefox_folders[0]); i++) {
        if (snprintf(path, sizeof(path), "%s/%s", home, firefox_folders[i]) >= (int)sizeof(path))
            return;
        stores->parent = path;
        /* Most of them do not exist. */
        IGNORE(os_file_list(path, on_profile, stores));
    }
}

static bool is_in(struct arena *arena, const struct tls_install *install, const char *folder)
{
    const char *args[TLS_INSTALL_ARG_MAX];

    return !err_is(args_nss_find(arena, install, folder, args)) && os_process_run(args) == 0;
}

static struct err change_all(const struct tls_install *install, bool removes)
{
    struct stores stores = {.count = 0};
    struct err first = OK;

    TRY(find_certutil());
    arena_init(&stores.arena, ARENA_BYTES_MAX);
    find_stores(&stores, install->home, !removes);
    for (size_t i = 0; i < stores.count; i++) {
        struct err err = OK;

        if (!removes)
            err = add_to(&stores.arena, install, stores.folders[i]);
        else if (is_in(&stores.arena, install, stores.folders[i]))
            err = remove_from(&stores.arena, install, stores.folders[i]);
        else
            continue;
        report(install, stores.folders[i], err);
        if (!err_is(first))
            first = err;
    }
    arena_deinit(&stores.arena);
    return first;
}

struct err tls_install_nss(const struct tls_install *install) { return change_all(install, false); }

struct err tls_install_remove_nss(const struct tls_install *install) { return change_all(install, true); }

/* ---- Browsers of ours ---- */

static struct err add_to_fresh(const struct tls_install *install, const char *folder)
{
    struct arena arena;
    struct err err;

    TRY(find_certutil());
    arena_init(&arena, ARENA_BYTES_MAX);
    err = add_to(&arena, install, folder);
    arena_deinit(&arena);
    report(install, folder, err);
    return err;
}

struct err tls_install_chromium_home(const struct tls_install *install, const char *folder)
{
    char path[PATH_BYTES];

    if (snprintf(path, sizeof(path), "%s/%s", folder, chromium_stores[0]) >= (int)sizeof(path))
        return ERR(ERR_LIMIT, 0, "the path of the browser's folder is too long");
    return add_to_fresh(install, path);
}

/* What keeps a fresh Firefox from asking, reporting and updating, and sends everything through us. */
static const char *const quiet_prefs[] = {
    "\"network.proxy.type\", 1",
    "\"network.proxy.no_proxies_on\", \"\"",
    "\"network.proxy.allow_hijacking_localhost\", true",
    "\"network.captive-portal-service.enabled\", false",
    "\"network.connectivity-service.enabled\", false",
    "\"network.dns.disablePrefetch\", true",
    "\"network.prefetch-next\", false",
    "\"network.trr.mode\", 5",
    "\"network.http.http3.enable\", false",
    "\"app.update.auto\", false",
    "\"app.update.enabled\", false",
    "\"app.normandy.enabled\", false",
    "\"browser.aboutwelcome.enabled\", false",
    "\"browser.newtabpage.enabled\", false",
    "\"browser.newtabpage.activity-stream.feeds.topsites\", false",
    "\"browser.safebrowsing.malware.enabled\", false",
    "\"browser.safebrowsing.phishing.enabled\", false",
    "\"browser.safebrowsing.downloads.remote.enabled\", false",
    "\"browser.search.update\", false",
    "\"browser.shell.checkDefaultBrowser\", false",
    "\"browser.startup.homepage\", \"about:blank\"",
    "\"browser.startup.page\", 0",
    "\"datareporting.healthreport.uploadEnabled\", false",
    "\"datareporting.policy.dataSubmissionEnabled\", false",
    "\"extensions.getAddons.cache.enabled\", false",
    "\"extensions.update.enabled\", false",
    "\"security.OCSP.enabled\", 0",
    "\"security.remote_settings.crlite_filters.enabled\", false",
    "\"services.settings.server\", \"data:,\"",
    "\"signon.rememberSignons\", false",
    "\"toolkit.telemetry.enabled\", false",
    "\"toolkit.telemetry.reportingpolicy.firstRun\", false",
    "\"toolkit.telemetry.server\", \"\"",
};

static struct err write_prefs(struct buf *text, const char *proxy_host, uint16_t proxy_port)
{
    static const char *const schemes[] = {"http", "ssl"};

    for (size_t i = 0; i < 2; i++) {
        TRY(buf_format(text, "user_pref(\"network.proxy.%s\", \"%s\");\n", schemes[i], proxy_host));
        TRY(buf_format(text, "user_pref(\"network.proxy.%s_port\", %u);\n", schemes[i], proxy_port));
    }
    for (size_t i = 0; i < sizeof(quiet_prefs) / sizeof(quiet_prefs[0]); i++)
        TRY(buf_format(text, "user_pref(%s);\n", quiet_prefs[i]));
    return OK;
}

/* The host stands in a string of JavaScript. */
static bool is_plain_host(const char *host)
{
    for (const char *at = host; *at; at++)
        if (!((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '.' ||
              *at == ':' || *at == '-'))
            return false;
    return *host != '\0';
}

struct err tls_install_firefox_prefs(struct arena *arena, const char *proxy_host, uint16_t proxy_port,
                                     struct str *ret_text)
{
    struct buf text;
    struct err err;

    if (!is_plain_host(proxy_host))
        return ERR(ERR_SYNTAX, 0, "not the host of a proxy");
    buf_init(&text, 64 * 1024);
    err = write_prefs(&text, proxy_host, proxy_port);
    if (!err_is(err))
        err = arena_copy(arena, buf_str(&text), ret_text);
    buf_deinit(&text);
    return err;
}

struct err tls_install_firefox_profile(const struct tls_install *install, const char *folder, const char *proxy_host,
                                       uint16_t proxy_port)
{
    char path[PATH_BYTES];
    struct arena arena;
    struct str prefs;
    struct err err;

    if (snprintf(path, sizeof(path), "%s/user.js", folder) >= (int)sizeof(path))
        return ERR(ERR_LIMIT, 0, "the path of the browser's folder is too long");
    TRY(add_to_fresh(install, folder));
    arena_init(&arena, ARENA_BYTES_MAX);
    err = tls_install_firefox_prefs(&arena, proxy_host, proxy_port, &prefs);
    if (!err_is(err))
        err = os_file_write_all(path, prefs, true);
    arena_deinit(&arena);
    return err;
}
