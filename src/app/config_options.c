/* LIMIT: the table of options is wider than a line of code should be. */
#include "app/config_options.h"

#include "cli/suggest.h"

#define FIELD(name) offsetof(struct app_config, name)
#define COMMON APP_CONFIG_OPTION_COMMON
#define REPEATABLE APP_CONFIG_OPTION_REPEATABLE

#define SECOND ((uint64_t)1000)
#define DAY (24 * 3600 * SECOND)
#define KB ((uint64_t)1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

/* A time-out. */
#define WAIT(name, field, fallback, help)                                                                              \
    {                                                                                                                  \
        name, &app_config_value_duration, FIELD(field), 0, 1, 365 * DAY, fallback, help, "Time-outs"                   \
    }
/* A number with bounds. */
#define BOUND(name, kind, field, min, max, fallback, help, group)                                                      \
    {                                                                                                                  \
        name, &app_config_value_##kind, FIELD(field), 0, min, max, fallback, help, group                               \
    }
/* Anything else. */
#define PLAIN(name, kind, field, flags, fallback, help, group)                                                         \
    {                                                                                                                  \
        name, &app_config_value_##kind, FIELD(field), flags, 0, 0, fallback, help, group                               \
    }

static const char general[] = "General";
static const char clients[] = "Clients";
static const char origins[] = "Origins";
static const char limits[] = "Limits";
static const char recording[] = "Recording";

/* clang-format off */
const struct app_config_option app_config_options[] = {
    PLAIN("listen", addr, listen, 0, "127.0.0.1:8080", "address and port of the proxy; port 0 takes a free one", general),
    PLAIN("admin", addr, admin, 0, "127.0.0.1:8081", "address and port of the page and the API", general),
    PLAIN("project", text, project, COMMON, "default", "project to record to and to read from", general),
    PLAIN("dir", path, dir, COMMON | APP_CONFIG_OPTION_NOT_IN_FILE, "~/.sekisho", "folder of settings, CA and projects", general),
    PLAIN("mode", mode, modes, REPEATABLE, NULL, "how clients reach the proxy: regular, socks5, transparent, reverse:URL", general),
    PLAIN("browser", switch, browser, 0, NULL, "also start a browser that uses the proxy", general),
    PLAIN("json", switch, json, COMMON, NULL, "print JSON, one object a line", general),
    PLAIN("verbose", switch, verbose, COMMON, NULL, "print more about what happens", general),

    PLAIN("proxy-auth", credentials, proxy_auth, 0, NULL, "user and password that clients of the proxy must give", clients),
    PLAIN("strict", switch, strict, 0, NULL, "refuse requests that could be read in two ways", clients),
    PLAIN("http2", switch, http2, 0, "on", "offer HTTP/2 to clients whose origin speaks it", clients),
    PLAIN("pass", hosts, pass, REPEATABLE, NULL, "hosts whose TLS is passed through undecrypted", clients),

    PLAIN("origin-verify", verify, origin_verify, 0, "on", "how origins' certificates are checked", origins),
    PLAIN("legacy-tls", hosts, legacy_tls, REPEATABLE, NULL, "hosts that may use TLS 1.0, small keys and old renegotiation", origins),
    PLAIN("client-cert", client_cert, client_certs, REPEATABLE, NULL, "client certificate and key for a host", origins),
    PLAIN("resolve", override, resolve, REPEATABLE, NULL, "address to use for a host (HOST=ADDR: for all its ports)", origins),
    PLAIN("upstream", upstream, upstream, 0, NULL, "proxy to go through, http:// or socks5://", origins),
    PLAIN("upstream-except", hosts, upstream_except, REPEATABLE, NULL, "hosts that are reached without the upstream proxy", origins),
    PLAIN("no-upstream", switch, no_upstream, 0, NULL, "use no upstream proxy, whatever the environment says", origins),
    PLAIN("tls-keylog", path, tls_keylog, 0, NULL, "file to append TLS secrets to, for Wireshark", origins),

    WAIT("connect-timeout", connect_timeout_ms, "30s", "for an origin's name and connection, all its addresses together"),
    WAIT("tls-timeout", tls_timeout_ms, "15s", "for a TLS handshake, on either side"),
    WAIT("client-head-timeout", client_head_timeout_ms, "60s", "for a request's head, from its first byte"),
    WAIT("request-body-timeout", request_body_timeout_ms, "300s", "between two pieces of a request's body"),
    WAIT("response-head-timeout", response_head_timeout_ms, "300s", "for a response's head, from the end of the request"),
    WAIT("response-body-timeout", response_body_timeout_ms, "1h", "between two pieces of a response's body"),
    WAIT("keepalive-timeout", keepalive_timeout_ms, "120s", "for the next request on an idle connection"),
    WAIT("tunnel-timeout", tunnel_timeout_ms, "1h", "between two pieces of tunnelled bytes"),
    WAIT("peek-timeout", peek_timeout_ms, "500ms", "for a tunnel's first byte, before the origin is let speak first"),
    WAIT("linger-timeout", linger_timeout_ms, "2s", "for a client to read the last answer before its connection is closed"),

    BOUND("workers", count, workers, 0, 256, "0", "threads that move traffic; 0: one per core", limits),
    BOUND("connections-max", count, connections_max, 1, 1000000, "20000", "client connections at once", limits),
    BOUND("head-max", size, head_max_bytes, 1 * KB, 16 * MB, "256kib", "start line and fields of a message", limits),
    BOUND("start-line-max", size, start_line_max_bytes, 256, 1 * MB, "64kib", "start line of a message", limits),
    BOUND("field-count-max", count, field_count_max, 10, 100000, "1000", "fields of a message", limits),
    BOUND("leaf-cache-max", count, leaf_cache_max, 1, 1000000, "1000", "forged certificates kept by each worker", limits),

    BOUND("record-stall", duration, record_stall_ms, 100, DAY, "5s", "without progress before traffic goes on unrecorded", recording),
    PLAIN("durable", switch, durable, 0, NULL, "sync the disk before an exchange counts as recorded", recording),
    BOUND("capture-file-max", size, capture_file_max_bytes, 1 * MB, 1024 * GB, "1gib", "size at which a new capture file begins", recording),
    PLAIN("text-index", switch, text_index, 0, "on", "index text in the background, so that searches are quick", recording),
    BOUND("ring-max", size, ring_max_bytes, 1 * MB, 4 * GB, "8mib", "bytes that may wait for the recorder, per worker", recording),
    BOUND("pending-max", size, pending_max_bytes, 1 * MB, 16 * GB, "64mib", "bytes kept of exchanges under way until they are written", recording),
};
/* clang-format on */

const size_t app_config_options_count = sizeof(app_config_options) / sizeof(app_config_options[0]);

_Static_assert(sizeof(app_config_options) / sizeof(app_config_options[0]) <=
                   sizeof(((struct app_config *)0)->sources) / sizeof(((struct app_config *)0)->sources[0]),
               "struct app_config has a source for each option");

size_t app_config_options_find(struct str name)
{
    for (size_t i = 0; i < app_config_options_count; i++) {
        if (str_eq(name, str_from(app_config_options[i].name)))
            return i;
    }
    return app_config_options_count;
}

const char *app_config_options_nearest(struct str name)
{
    struct cli_suggest suggest;

    cli_suggest_init(&suggest, name);
    for (size_t i = 0; i < app_config_options_count; i++)
        cli_suggest_try(&suggest, app_config_options[i].name);
    return suggest.best;
}
