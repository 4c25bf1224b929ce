/* config.h - every option of the program, as typed fields.
 *
 * An option has one name, in four places: `--listen` on the command line, `listen = ...` in sekisho.conf,
 * SEKISHO_LISTEN in the environment, and `--set listen=...`.  config_options.c is the one table of them: adding an
 * option means a field here, a row there and a line in docs/configuration.md (a test compares the three).
 *
 * Precedence: command line, environment, file, default.  Where an option may be repeated, the values from the highest
 * place that has any stand; they are not added to those from below.  A value that loses is checked all the same.
 *
 * Reading: app_config_init(), then in any order config_args.h, config_env.h and (once `dir` is known) config_file.h,
 * then app_config_check().
 *
 * Errors leave one sentence in `problem` that says where (--name, SEKISHO_NAME or file:line), what and what to do; text
 * from outside is made printable in it.
 *
 * Limits: a file of 1 MiB, 1000 values an option, 4 MiB of text in all.
 */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "os/addr.h"

/* Where a value comes from, weakest first. */
enum app_config_source {
    APP_CONFIG_DEFAULT,
    APP_CONFIG_FILE,
    APP_CONFIG_ENVIRONMENT,
    APP_CONFIG_COMMAND_LINE,
};

enum app_config_mode_kind {
    APP_CONFIG_REGULAR,
    APP_CONFIG_TRANSPARENT,
    APP_CONFIG_SOCKS5,
    APP_CONFIG_REVERSE,
};

struct app_config_mode {
    enum app_config_mode_kind kind;
    struct str url;        /* reverse only: "https://example.com:8443" */
    bool has_listener;     /* has an address of its own ... */
    struct os_addr listen; /* ... this */
};

struct app_config_modes {
    struct app_config_mode *items;
    size_t count;
};

/* Patterns of host names: '*' stands for any run of characters, ".example.com" for the name and all below it; compared
 * without case. */
struct app_config_hosts {
    struct str *items;
    size_t count;
};

/* host:port that connects to `addr` whatever the name server says; several rows of one host are tried in order. */
struct app_config_override {
    struct str host; /* pattern */
    uint16_t port;   /* 0: any; then addr.port is 0 too */
    struct os_addr addr;
};

struct app_config_overrides {
    struct app_config_override *items;
    size_t count;
};

struct app_config_client_cert {
    struct str host; /* pattern */
    struct str path; /* PEM file with certificate and key; NUL-terminated */
};

struct app_config_client_certs {
    struct app_config_client_cert *items;
    size_t count;
};

enum app_config_verify_kind {
    APP_CONFIG_VERIFY_ON,
    APP_CONFIG_VERIFY_OFF,
    APP_CONFIG_VERIFY_CA, /* against `ca_path` and the system's roots */
};

struct app_config_verify {
    enum app_config_verify_kind kind;
    struct str ca_path; /* NUL-terminated */
};

enum app_config_upstream_kind {
    APP_CONFIG_DIRECT,
    APP_CONFIG_UPSTREAM_HTTP,
    APP_CONFIG_UPSTREAM_SOCKS5,
};

struct app_config_upstream {
    enum app_config_upstream_kind kind;
    struct str host; /* without brackets */
    uint16_t port;
    struct str user; /* percent-decoded; empty: no authentication */
    struct str password;
};

struct app_config_credentials {
    struct str user; /* empty: none asked */
    struct str password;
};

/* All text is NUL-terminated and lives as long as the config.  All durations are at least 1. */
struct app_config {
    /* Where and what. */
    struct os_addr listen;
    struct os_addr admin;
    struct str project;
    struct str dir; /* absolute */
    struct app_config_modes modes;
    bool browser;
    bool json;
    bool verbose;

    /* Clients. */
    struct app_config_credentials proxy_auth;
    bool strict;
    bool http2;
    struct app_config_hosts pass;

    /* Origins. */
    struct app_config_verify origin_verify;
    struct app_config_hosts legacy_tls;
    struct app_config_client_certs client_certs;
    struct app_config_overrides resolve;
    bool no_upstream;
    struct app_config_upstream upstream;       /* `--upstream`, for everything; or */
    struct app_config_upstream upstream_http;  /* for http://, from HTTP_PROXY, or `upstream`: what to use */
    struct app_config_upstream upstream_https; /* for https:// and tunnels, likewise */
    struct app_config_hosts upstream_except;   /* or NO_PROXY */
    struct str tls_keylog;                     /* path; empty: none */

    /* Time-outs. */
    uint64_t connect_timeout_ms; /* look-up and all addresses together */
    uint64_t tls_timeout_ms;     /* a handshake, either side */
    uint64_t client_head_timeout_ms;
    uint64_t request_body_timeout_ms;  /* between two reads */
    uint64_t response_head_timeout_ms; /* from the end of the request */
    uint64_t response_body_timeout_ms; /* between two reads */
    uint64_t keepalive_timeout_ms;
    uint64_t tunnel_timeout_ms; /* between two reads */
    uint64_t peek_timeout_ms;
    uint64_t linger_timeout_ms; /* for a client to read the last answer before the connection is closed */

    /* Limits. */
    unsigned workers; /* 0: one per core */
    uint64_t head_max_bytes;
    uint64_t start_line_max_bytes;
    unsigned field_count_max;
    unsigned connections_max;
    unsigned leaf_cache_max; /* per worker */

    /* Recording. */
    uint64_t record_stall_ms;
    bool durable;
    uint64_t capture_file_max_bytes;
    bool text_index;
    uint64_t ring_max_bytes;    /* per worker; a power of two */
    uint64_t pending_max_bytes; /* of exchanges under way */

    char problem[512]; /* one sentence after a failure */

    /* The module's own. */
    struct arena arena;
    enum app_config_source sources[64]; /* by row of the table: where its value is from */
    const char *shared_variables[4];    /* HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY; NULL: unset; borrowed */
};

/* Fills in the defaults. */
MUST_CHECK struct err app_config_init(struct app_config *config);
void app_config_deinit(struct app_config *config);

/* Sets one option by name, as `--set` does.  ERR_SYNTAX with `problem` filled; nothing changes then. */
MUST_CHECK struct err app_config_set(struct app_config *config, struct str name, struct str value);

/* After all sources: chooses the upstream proxies, and tells what one value alone cannot show (modes that this version
 * has not, two listeners on one port, an upstream that is ourselves). */
MUST_CHECK struct err app_config_check(struct app_config *config);

#endif
