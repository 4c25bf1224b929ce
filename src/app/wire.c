#include "app/wire.h"

#include <stdarg.h>
#include <stdlib.h>

#include "app/probe.h"
#include "base/log.h"
#include "os/process.h"

#define CLOSE_WAIT_MS 1500

/* Leaves one sentence for the person and passes the error up. */
static struct err problem(struct app_wire *wire, struct err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static struct err problem(struct app_wire *wire, struct err err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(wire->problem, sizeof(wire->problem), format, args);
    va_end(args);
    return err;
}

/* --- the folder --- */

static struct err open_folder(struct app_wire *wire)
{
    char path[APP_WIRE_PATH_MAX + 32];
    struct err err;

    if (!str_to_c(wire->config->dir, wire->dir, sizeof(wire->dir) - 64))
        return problem(wire, ERR(ERR_LIMIT, 0, "path too long"), "--dir is too long");
    snprintf(wire->projects_folder, sizeof(wire->projects_folder), "%.4000s/projects", wire->dir);
    snprintf(wire->ca_path, sizeof(wire->ca_path), "%.4000s/ca.pem", wire->dir);
    err = os_file_make_folder(wire->dir);
    if (err_is(err))
        return problem(wire, err, "the folder %s cannot be used: %s. Choose another with --dir", wire->dir, err.what);
    snprintf(path, sizeof(path), "%s/lock", wire->dir);
    err = os_file_open(path, OS_FILE_APPEND, &wire->lock);
    if (!err_is(err))
        err = os_file_lock(wire->lock);
    if (err.code == ERR_BUSY)
        return problem(wire, err,
                       "sekisho already runs with the folder %s. `sekisho url` shows its page; another --dir starts a "
                       "second one",
                       wire->dir);
    if (err_is(err))
        return problem(wire, err, "%s cannot be locked: %s", path, err.what);
    return OK;
}

/* --- TLS --- */

static int hex_value(char c) { return c >= '0' && c <= '9' ? c - '0' : str_fold_char(c) - 'a' + 10; }

static struct err read_digest(struct str sha256, unsigned char ret_bytes[TLS_TRUST_SHA256_BYTES])
{
    if (sha256.len != (size_t)2 * TLS_TRUST_SHA256_BYTES)
        return ERR(ERR_SYNTAX, 0, "not a SHA-256 in hex");
    for (size_t i = 0; i < TLS_TRUST_SHA256_BYTES; i++)
        ret_bytes[i] = (unsigned char)(hex_value(sha256.ptr[2 * i]) << 4 | hex_value(sha256.ptr[2 * i + 1]));
    return OK;
}

struct err app_wire_trust(struct app_wire *wire, struct str host, uint16_t port, struct str sha256)
{
    unsigned char bytes[TLS_TRUST_SHA256_BYTES];

    TRY(read_digest(sha256, bytes));
    TRY(store_project_trust_set(wire->project, host, port, sha256));
    return tls_trust_allow(wire->trust, host, port, bytes);
}

static struct err allow(struct app_wire *wire, const struct store_project_trust *trust)
{
    unsigned char bytes[TLS_TRUST_SHA256_BYTES];

    if (strcmp(trust->sha256, "any") == 0)
        return tls_trust_allow(wire->trust, trust->host, trust->port, NULL);
    TRY(read_digest(str_from(trust->sha256), bytes));
    return tls_trust_allow(wire->trust, trust->host, trust->port, bytes);
}

/* Called under the project's lock: it must not write to the project. */
static bool allow_stored(void *owner, const struct store_project_trust *trust)
{
    struct err err = allow(owner, trust);

    if (err_is(err))
        log_write(LOG_WARNING, "a trusted certificate of this project could not be taken over: %s", err.what);
    return true;
}

static struct err open_tls(struct app_wire *wire)
{
    const struct app_config *config = wire->config;
    const char *ca_file = config->origin_verify.kind == APP_CONFIG_VERIFY_CA ? config->origin_verify.ca_path.ptr : NULL;
    struct err err = tls_ca_open(wire->dir, &wire->ca);

    if (err_is(err))
        return problem(wire, err, "the CA in %s cannot be used: %s", wire->dir, err.what);
    err = tls_trust_new(ca_file, &wire->trust);
    if (err_is(err))
        return problem(wire, err, "--origin-verify ca=%s: %s", ca_file ? ca_file : "", err.what);
    if (config->tls_keylog.len == 0)
        return OK;
    err = tls_keylog_open(config->tls_keylog.ptr, &wire->keylog);
    if (err_is(err))
        return problem(wire, err, "--tls-keylog %s: %s", config->tls_keylog.ptr, err.what);
    return OK;
}

/* --- the record --- */

/* Without it searches are slower, and nothing else. */
static void start_text_indexer(struct app_wire *wire)
{
    struct err err = store_text_indexer_start(store_project_folder(wire->project), NULL, &wire->text_indexer);

    if (err_is(err))
        log_write(LOG_WARNING, "text is not indexed: %s", err.what);
}

static struct err open_record(struct app_wire *wire)
{
    const struct app_config *config = wire->config;
    struct store_recorder_options options = {
        .ring_bytes = config->ring_max_bytes,
        .pending_bytes_max = config->pending_max_bytes,
        .file_bytes_max = config->capture_file_max_bytes,
        .gap_after_ms = config->record_stall_ms,
        .is_durable = config->durable,
    };
    struct err err = store_project_open(wire->projects_folder, config->project, STORE_PROJECT_WRITE, &wire->project);
    char name[128];

    log_safe(config->project, name, sizeof(name));
    if (err_is(err))
        return problem(wire, err, "the project %s cannot be opened: %s", name, err.what);
    err = store_recorder_open(wire->project, &options, &wire->recorder);
    if (err_is(err))
        return problem(wire, err, "the project %s cannot be recorded to: %s", name, err.what);
    err = store_project_trust_list(wire->project, allow_stored, wire);
    if (err_is(err))
        return problem(wire, err, "the trusted certificates of %s cannot be read: %s", name, err.what);
    if (config->text_index)
        start_text_indexer(wire);
    return OK;
}

/* --- the two listeners --- */

static struct err busy_port(struct app_wire *wire, struct err err, const char *option, const struct os_addr *addr)
{
    char text[OS_ADDR_TEXT_BYTES];

    os_addr_format(addr, text);
    if (err.code == ERR_BUSY)
        return problem(wire, err, "the port of %s is taken. Try --%s with port %u, or 0 for any free one", text, option,
                       addr->port < 65525 ? addr->port + 10u : 8090u);
    return problem(wire, err, "cannot listen on %s: %s", text, err.what);
}

static struct err open_proxy(struct app_wire *wire)
{
    struct proxy_start start = {
        .options = &wire->options,
        .listen = wire->listen_wanted,
        .modes = wire->modes,
        .worker_count = wire->config->workers,
    };
    size_t failed;
    struct err err = os_resolver_new(&(struct os_resolver_options){0}, &wire->resolver);

    if (err_is(err))
        return problem(wire, err, "the resolver cannot be started: %s", err.what);
    app_wire_modes(wire);
    start.listen_count = wire->listener_count;
    start.resolver = wire->resolver;
    TRY(app_wire_proxy_options(wire));
    start.identities = wire->identities; /* made with the options */
    err = proxy_open(&start, &wire->proxy, &failed);
    if (err_is(err))
        return busy_port(wire, err, failed ? "mode" : "listen", &wire->listen_wanted[failed]);
    for (size_t i = 0; i < wire->listener_count; i++)
        proxy_listen_addr(wire->proxy, i, &wire->listeners[i]);
    wire->listen = wire->listeners[0];
    os_addr_format(&wire->listen, wire->listen_text);
    return OK;
}

static void on_proxy_status(void *owner, struct admin_server_proxy *ret_status)
{
    struct app_wire *wire = owner;
    struct store_recorder_status recorder;
    struct proxy_status status;

    proxy_status(wire->proxy, &status);
    store_recorder_status(wire->recorder, &recorder);
    ret_status->client_connections = status.connection_count;
    ret_status->origin_connections = status.origin_count;
    ret_status->exchanges = recorder.living_count;
    ret_status->loop_count = status.worker_count;
}

static struct err on_trust(void *owner, struct str host, uint16_t port)
{
    struct app_wire *wire = owner;
    char sha256[65];

    TRY(app_probe_certificate(wire, host, port, sha256));
    return app_wire_trust(wire, host, port, str_from(sha256));
}

static void on_stop(void *owner)
{
    struct app_wire *wire = owner;

    app_wire_stop(wire);
}

static const struct admin_server_app server_app = {.proxy_status = on_proxy_status, .trust = on_trust, .stop = on_stop};

static struct err open_admin(struct app_wire *wire)
{
    struct admin_server_options options = {
        .loop = wire->loop,
        .listen = wire->config->admin,
        .project = wire->project,
        .recorder = wire->recorder,
        .projects_folder = wire->projects_folder,
        .proxy_listen = str_from(wire->listen_text),
        .ca_pem = tls_ca_pem(wire->ca),
        .ca_der = tls_ca_der(wire->ca),
        .app = &server_app,
        .app_owner = wire,
    };
    struct err err = admin_token_open(wire->dir, &wire->token);

    if (err_is(err))
        return problem(wire, err, "%s/admin.token cannot be used: %s", wire->dir, err.what);
    options.token = wire->token;
    err = admin_server_open(&options, &wire->server);
    if (err_is(err))
        return busy_port(wire, err, "admin", &wire->config->admin);
    wire->admin = wire->config->admin;
    wire->admin.port = admin_server_port(wire->server);
    os_addr_format(&wire->admin, wire->admin_text);
    admin_server_link(wire->server, wire->link, sizeof(wire->link));
    snprintf(wire->admin_url, sizeof(wire->admin_url), "http://%s/", wire->admin_text);
    wire->options.admin_url = str_from(wire->admin_url);
    return OK;
}

/* --- all of it --- */

struct err app_wire_open(struct app_wire *wire, const struct app_config *config)
{
    struct err err;

    *wire = (struct app_wire){.config = config};
    arena_init(&wire->arena, 64 * 1024);
    wire->file_max = os_process_raise_file_limit();
    os_process_forbid_dump();
    TRY(open_folder(wire));
    err = os_loop_new(&wire->loop);
    if (err_is(err))
        return problem(wire, err, "the control loop cannot be made: %s", err.what);
    TRY(open_tls(wire));
    TRY(open_record(wire));
    TRY(open_proxy(wire));
    TRY(open_admin(wire));
    err = proxy_run(wire->proxy);
    if (err_is(err))
        return problem(wire, err, "the proxy's threads cannot be started: %s", err.what);
    return OK;
}

static void on_server_closed(void *owner)
{
    struct app_wire *wire = owner;

    os_loop_stop(wire->loop);
}

void app_wire_stop(struct app_wire *wire)
{
    struct admin_server *server = wire->server;

    if (!server)
        return;
    wire->server = NULL;
    admin_server_close(server, on_server_closed, wire);
}

static void close_server(struct app_wire *wire)
{
    if (!wire->server)
        return;
    app_wire_stop(wire);
    os_loop_run(wire->loop);
}

static void close_record(struct app_wire *wire)
{
    struct err err = OK;

    store_text_indexer_stop(&wire->text_indexer);
    if (wire->recorder)
        err = store_recorder_close(&wire->recorder, CLOSE_WAIT_MS);
    if (err_is(err))
        log_write(LOG_WARNING, "the last exchanges could not be written: %s", err.what);
    /* A recorder that hangs in the disk still uses the project. */
    if (!err_is(err))
        store_project_close(&wire->project);
}

void app_wire_close(struct app_wire *wire)
{
    close_server(wire);
    proxy_close(&wire->proxy);
    close_record(wire);
    if (wire->resolver)
        os_resolver_free(&wire->resolver);
    for (size_t i = 0; i < wire->options.client_cert_count; i++)
        tls_identity_free(&wire->identities[i]);
    free(wire->identities);
    free(wire->overrides);
    free(wire->client_certs);
    if (wire->keylog)
        tls_keylog_close(&wire->keylog);
    tls_trust_free(&wire->trust);
    tls_ca_free(&wire->ca);
    if (wire->loop)
        os_loop_free(&wire->loop);
    if (wire->lock)
        os_file_close(&wire->lock);
    arena_deinit(&wire->arena);
}
