#include "store/project.h"

#include <stdlib.h>

#include "base/list.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/thread.h"
#include "store/project_database.h"

#define PATH_MAX_BYTES 4096
#define SETTING_NAME_MAX 128
#define HOST_MAX 255

struct trust {
    struct list link;
    uint16_t port;
    char sha256[STORE_PROJECT_SHA256_HEX];
    int64_t at_us;
    size_t host_len;
    char host[];
};

struct store_project {
    char folder[PATH_MAX_BYTES];
    char name[STORE_PROJECT_NAME_MAX + 1];
    bool is_writable;
    struct os_file *lock_file;
    sqlite3 *database;
    struct os_lock *lock; /* of the two below; never held while the disk is asked */
    struct list trusts;
    size_t trust_count;
    struct os_lock *write_lock; /* of changes of trust, table and memory together */
};

static const char schema[] =
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE trust(host TEXT, port INTEGER, sha256 TEXT NOT NULL, at_us INTEGER NOT NULL, "
    "PRIMARY KEY(host, port)) WITHOUT ROWID;"
    "CREATE TABLE note(exchange INTEGER PRIMARY KEY, text TEXT NOT NULL, changed_us INTEGER NOT NULL);"
    "CREATE TABLE tag(exchange INTEGER, tag TEXT, PRIMARY KEY(exchange, tag)) WITHOUT ROWID;"
    "CREATE TABLE color(exchange INTEGER PRIMARY KEY, color TEXT NOT NULL);";

static const char *const pragmas[] = {"PRAGMA journal_mode=DELETE", "PRAGMA synchronous=FULL", NULL};

static const struct store_database_kind kind = {
    .application_id = 0x736b7072, .version = 1, .schema = schema, .pragmas = pragmas, .is_shared = true};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

/* Names that Windows keeps for devices, with or without an extension: a project may be copied there. */
static bool is_device_name(struct str name)
{
    static const struct str devices[] = {{"con", 3}, {"prn", 3}, {"aux", 3}, {"nul", 3}};
    struct str stem, rest;

    str_cut(name, '.', &stem, &rest);
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (str_eq_nocase(stem, devices[i]))
            return true;
    }
    return stem.len == 4 && stem.ptr[3] >= '0' && stem.ptr[3] <= '9' &&
           (str_starts_nocase(stem, STR("com")) || str_starts_nocase(stem, STR("lpt")));
}

bool store_project_name_is_valid(struct str name)
{
    if (name.len == 0 || name.len > STORE_PROJECT_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.ptr[i]))
            return false;
    }
    if (name.ptr[0] == '.' || name.ptr[0] == '_' || name.ptr[0] == '-' || name.ptr[name.len - 1] == '.')
        return false;
    return !is_device_name(name);
}

struct listing {
    const char *folder;
    bool (*on_name)(void *owner, const char *name);
    void *owner;
};

/* A project is a folder with a capture or a project.db in it. */
static bool on_entry(void *owner, const char *name)
{
    struct listing *listing = owner;
    char path[PATH_MAX_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%s/project.db", listing->folder, name);

    if (!store_project_name_is_valid(str_from(name)) || len < 0 || (size_t)len >= sizeof(path) || !os_file_exists(path))
        return true;
    return listing->on_name(listing->owner, name);
}

struct err store_project_list(const char *projects_folder, bool (*on_name)(void *owner, const char *name), void *owner)
{
    struct listing listing = {projects_folder, on_name, owner};
    struct err err = os_file_list(projects_folder, on_entry, &listing);

    return err.code == ERR_ABSENT ? OK : err;
}

static struct err join(const struct store_project *project, const char *name, char path[PATH_MAX_BYTES])
{
    int len = snprintf(path, PATH_MAX_BYTES, "%s/%s", project->folder, name);

    return len > 0 && len < PATH_MAX_BYTES ? OK : ERR(ERR_LIMIT, 0, "the project's path is too long");
}

static struct err take_lock(struct store_project *project)
{
    char path[PATH_MAX_BYTES];
    struct err err;

    TRY(join(project, "lock", path));
    TRY(os_file_open(path, OS_FILE_APPEND, &project->lock_file));
    err = os_file_lock(project->lock_file);
    return err.code == ERR_BUSY ? ERR(ERR_BUSY, 0, "another process has the project open for writing") : err;
}

static void remember(struct store_project *project, struct str host, uint16_t port, struct str sha256, int64_t at_us)
{
    struct trust *trust = calloc(1, sizeof(*trust) + host.len);

    CHECK(trust && str_to_c(sha256, trust->sha256, sizeof(trust->sha256)));
    memcpy(trust->host, host.ptr, host.len);
    trust->host_len = host.len;
    trust->port = port;
    trust->at_us = at_us;
    list_push_last(&project->trusts, &trust->link);
    project->trust_count++;
}

static struct trust *find_trust(struct store_project *project, struct str host, uint16_t port)
{
    for (struct list *node = project->trusts.next; node != &project->trusts; node = node->next) {
        struct trust *trust = LIST_OWNER(node, struct trust, link);

        if (trust->port == port && str_eq((struct str){trust->host, trust->host_len}, host))
            return trust;
    }
    return NULL;
}

static bool is_sha256(struct str text)
{
    if (str_eq(text, STR("any")))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("0123456789abcdef", text.ptr[i]) || text.ptr[i] == '\0')
            return false;
    }
    return text.len == 64;
}

static bool is_host(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.ptr[i];

        if (c <= ' ' || c == 0x7f || (c >= 'A' && c <= 'Z'))
            return false;
    }
    return host.len > 0 && host.len <= HOST_MAX;
}

static struct err load_trusts(struct store_project *project)
{
    sqlite3_stmt *statement;
    bool has_row;
    struct err err;

    TRY(store_database_prepare(project->database, "SELECT host, port, sha256, at_us FROM trust", &statement));
    while (!err_is(err = store_database_step_row(statement, &has_row)) && has_row) {
        struct str host = store_database_text(statement, 0), sha256 = store_database_text(statement, 2);
        int64_t port = sqlite3_column_int64(statement, 1);

        if (!is_host(host) || !is_sha256(sha256) || port < 0 || port > UINT16_MAX ||
            project->trust_count == STORE_PROJECT_TRUST_MAX)
            continue;
        remember(project, host, (uint16_t)port, sha256, sqlite3_column_int64(statement, 3));
    }
    sqlite3_finalize(statement);
    return err;
}

static struct err open_all(struct store_project *project)
{
    char path[PATH_MAX_BYTES];

    if (project->is_writable) {
        TRY(os_file_make_folder(project->folder));
        TRY(take_lock(project));
    }
    TRY(join(project, "project.db", path));
    TRY(store_database_open(path, &kind, project->is_writable ? STORE_DATABASE_CHECKED_WRITE : STORE_DATABASE_READ,
                            &project->database));
    return load_trusts(project);
}

struct err store_project_open(const char *projects_folder, struct str name, enum store_project_mode mode,
                              struct store_project **ret_project)
{
    struct store_project *project;
    struct err err;
    int len;

    if (!store_project_name_is_valid(name))
        return ERR(ERR_SYNTAX, 0, "a project's name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or digit");
    project = calloc(1, sizeof(*project));
    CHECK(project && str_to_c(name, project->name, sizeof(project->name)));
    list_init(&project->trusts);
    project->is_writable = mode == STORE_PROJECT_WRITE;
    len = snprintf(project->folder, sizeof(project->folder), "%s/%s", projects_folder, project->name);
    err = len > 0 && (size_t)len < sizeof(project->folder) ? OK : ERR(ERR_LIMIT, 0, "the project's path is too long");
    if (!err_is(err))
        err = os_lock_new(&project->lock);
    if (!err_is(err))
        err = os_lock_new(&project->write_lock);
    if (!err_is(err))
        err = open_all(project);
    if (err_is(err)) {
        store_project_close(&project);
        return err;
    }
    *ret_project = project;
    return OK;
}

void store_project_close(struct store_project **project)
{
    struct list *node;

    if (!*project)
        return;
    while ((node = list_first(&(*project)->trusts))) {
        list_remove(node);
        free(LIST_OWNER(node, struct trust, link));
    }
    store_database_close(&(*project)->database);
    os_file_close(&(*project)->lock_file);
    os_lock_free(&(*project)->lock);
    os_lock_free(&(*project)->write_lock);
    free(*project);
    *project = NULL;
}

const char *store_project_folder(const struct store_project *project) { return project->folder; }
const char *store_project_name(const struct store_project *project) { return project->name; }
bool store_project_is_writable(const struct store_project *project) { return project->is_writable; }
sqlite3 *store_project_database(struct store_project *project) { return project->database; }
const struct store_database_kind *store_project_database_kind(void) { return &kind; }

static struct err check_setting(struct str name, struct str value)
{
    if (name.len == 0 || name.len > SETTING_NAME_MAX)
        return ERR(ERR_SYNTAX, 0, "a setting's name is 1 to 128 bytes");
    return value.len <= STORE_PROJECT_SETTING_MAX ? OK : ERR(ERR_LIMIT, 0, "a setting's value is at most 64 KiB");
}

struct err store_project_setting_get(struct store_project *project, struct str name, struct buf *value)
{
    sqlite3_stmt *statement;
    bool has_row;
    struct err err;

    TRY(store_database_prepare(project->database, "SELECT value FROM setting WHERE name = ?", &statement));
    store_database_bind_text(statement, 1, name);
    err = store_database_step_row(statement, &has_row);
    if (!err_is(err))
        err = has_row ? buf_append(value, store_database_text(statement, 0))
                      : ERR(ERR_ABSENT, 0, "there is no such setting");
    sqlite3_finalize(statement);
    return err;
}

struct err store_project_setting_set(struct store_project *project, struct str name, struct str value)
{
    const char *sql =
        value.ptr ? "INSERT OR REPLACE INTO setting(name, value) VALUES(?, ?)" : "DELETE FROM setting WHERE name = ?";
    sqlite3_stmt *statement;
    struct err err;

    TRY(check_setting(name, value));
    TRY(store_database_prepare(project->database, sql, &statement));
    store_database_bind_text(statement, 1, name);
    if (value.ptr)
        sqlite3_bind_blob64(statement, 2, value.ptr, value.len, SQLITE_STATIC);
    err = store_database_step_done(statement);
    sqlite3_finalize(statement);
    return err;
}

struct err store_project_setting_list(struct store_project *project,
                                      bool (*on_setting)(void *owner, struct str name, struct str value), void *owner)
{
    sqlite3_stmt *statement;
    bool has_row;
    struct err err;

    TRY(store_database_prepare(project->database, "SELECT name, value FROM setting ORDER BY name", &statement));
    while (!err_is(err = store_database_step_row(statement, &has_row)) && has_row) {
        if (!on_setting(owner, store_database_text(statement, 0), store_database_text(statement, 1)))
            break;
    }
    sqlite3_finalize(statement);
    return err;
}

bool store_project_trust_get(struct store_project *project, struct str host, uint16_t port,
                             char ret_sha256[STORE_PROJECT_SHA256_HEX])
{
    struct trust *trust;

    os_lock_enter(project->lock);
    trust = find_trust(project, host, port);
    if (trust)
        memcpy(ret_sha256, trust->sha256, STORE_PROJECT_SHA256_HEX);
    os_lock_leave(project->lock);
    return trust != NULL;
}

static struct err run_trust(struct store_project *project, const char *sql, const struct store_project_trust *trust)
{
    sqlite3_stmt *statement;
    struct err err;

    TRY(store_database_prepare(project->database, sql, &statement));
    store_database_bind_text(statement, 1, trust->host);
    sqlite3_bind_int(statement, 2, trust->port);
    if (sqlite3_bind_parameter_count(statement) > 2) {
        store_database_bind_text(statement, 3, str_from(trust->sha256));
        sqlite3_bind_int64(statement, 4, trust->at_us);
    }
    err = store_database_step_done(statement);
    sqlite3_finalize(statement);
    return err;
}

static void forget(struct store_project *project, struct trust *trust)
{
    list_remove(&trust->link);
    project->trust_count--;
    free(trust);
}

/* The table first: what the memory says is on the disk. */
static struct err replace_trust(struct store_project *project, const struct store_project_trust *trust)
{
    struct trust *old;

    TRY(run_trust(project, "INSERT OR REPLACE INTO trust(host, port, sha256, at_us) VALUES(?, ?, ?, ?)", trust));
    os_lock_enter(project->lock);
    old = find_trust(project, trust->host, trust->port);
    if (old)
        forget(project, old);
    remember(project, trust->host, trust->port, str_from(trust->sha256), trust->at_us);
    os_lock_leave(project->lock);
    return OK;
}

struct err store_project_trust_set(struct store_project *project, struct str host, uint16_t port, struct str sha256)
{
    struct store_project_trust trust = {.host = host, .port = port, .at_us = os_clock_wall_us()};
    struct err err = ERR(ERR_LIMIT, 0, "the project trusts as many certificates as it may");

    if (!is_host(host) || !is_sha256(sha256))
        return ERR(ERR_SYNTAX, 0, "not a host or not a SHA-256");
    CHECK(str_to_c(sha256, trust.sha256, sizeof(trust.sha256)));
    os_lock_enter(project->write_lock);
    if (find_trust(project, host, port) || project->trust_count < STORE_PROJECT_TRUST_MAX)
        err = replace_trust(project, &trust);
    os_lock_leave(project->write_lock);
    return err;
}

static struct err remove_trust(struct store_project *project, const struct store_project_trust *trust)
{
    if (!find_trust(project, trust->host, trust->port))
        return ERR(ERR_ABSENT, 0, "nothing is trusted there");
    TRY(run_trust(project, "DELETE FROM trust WHERE host = ? AND port = ?", trust));
    os_lock_enter(project->lock);
    forget(project, find_trust(project, trust->host, trust->port));
    os_lock_leave(project->lock);
    return OK;
}

struct err store_project_trust_remove(struct store_project *project, struct str host, uint16_t port)
{
    struct store_project_trust trust = {.host = host, .port = port};
    struct err err;

    os_lock_enter(project->write_lock);
    err = remove_trust(project, &trust);
    os_lock_leave(project->write_lock);
    return err;
}

struct err store_project_trust_list(struct store_project *project,
                                    bool (*on_trust)(void *owner, const struct store_project_trust *trust), void *owner)
{
    os_lock_enter(project->write_lock);
    for (struct list *node = project->trusts.next; node != &project->trusts; node = node->next) {
        const struct trust *trust = LIST_OWNER(node, struct trust, link);
        struct store_project_trust told = {
            .host = {trust->host, trust->host_len}, .port = trust->port, .at_us = trust->at_us};

        memcpy(told.sha256, trust->sha256, sizeof(told.sha256));
        if (!on_trust(owner, &told))
            break;
    }
    os_lock_leave(project->write_lock);
    return OK;
}
