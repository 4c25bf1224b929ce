/* server.h - the HTTP server of the API and of the built-in page, on the control loop.
 *
 *   listener -> connection (intake, guard, routes) -> handler -> reply
 *                                    on the loop ----^   ^---- or on a thread of the worker, with a reader of the
 *                                    project
 *
 * Who may call is auth.h; what can be called is route.h and route/<noun>.c; docs/api.md describes it for people, and
 * /api/v1/openapi.json for programs.
 *
 * Limits: connections (an idle one makes room for a new one), 64 KiB of head, 1 MiB of body, 10 s for a head, 30 s for
 * a body, 60 s idle, 30 s without the client taking bytes; answers are made in pieces of at most 256 KiB where they
 * stream.
 */
#ifndef ADMIN_SERVER_H
#define ADMIN_SERVER_H

#include "os/addr.h"
#include "os/loop.h"

#include "admin/token.h"

struct admin_server;
struct store_project;
struct store_recorder;

/* What the proxy says of itself for the status. */
struct admin_server_proxy {
    uint64_t client_connections; /* open now */
    uint64_t origin_connections;
    uint64_t exchanges; /* under way now */
    unsigned loop_count;
};

/* What the API asks the program to do.  Any of them may be NULL: the route then answers 501. */
struct admin_server_app {
    /* On the loop. */
    void (*proxy_status)(void *owner, struct admin_server_proxy *ret_status);
    /* Accepts the certificate that host:port shows.  On a worker thread; may take as long as a TLS handshake. */
    struct err (*trust)(void *owner, struct str host, uint16_t port);
    /* Begins to end the program; the answer is still sent.  On the loop. */
    void (*stop)(void *owner);
};

/* Everything is borrowed until on_closed. */
struct admin_server_options {
    struct os_loop *loop;
    struct os_addr listen;
    struct admin_token token;
    const struct str *hosts; /* further names under which Host may call us, "name:port"; at most 8 */
    size_t host_count;

    struct store_project *project;   /* the current one; open for writing or reading */
    struct store_recorder *recorder; /* NULL: nothing is being recorded, no live feed */
    const char *projects_folder;     /* "/home/x/.sekisho/projects" */

    struct str proxy_listen; /* "127.0.0.1:8080", shown to people */
    struct str ca_pem;       /* shown at /ca.pem; empty: 404 */
    struct str ca_der;

    const struct admin_server_app *app;
    void *app_owner;

    unsigned connection_max; /* 0: 256 */
    size_t body_bytes_max;   /* 0: 1 MiB */
    unsigned thread_count;   /* of the worker; 0: 3 */
};

/* Starts to serve.  ERR_BUSY: the port is taken; ERR_DENIED. */
MUST_CHECK struct err admin_server_open(const struct admin_server_options *options, struct admin_server **ret_server);
/* Ends all connections and what runs for them; on_closed runs later, on the loop, and everything is freed then. */
void admin_server_close(struct admin_server *server, void (*on_closed)(void *owner), void *owner);
/* The real port when 0 was asked for. */
uint16_t admin_server_port(const struct admin_server *server);
/* "http://127.0.0.1:8081/#token=..." into `text`; returns text.  It opens the page and lets whoever has it in. */
const char *admin_server_link(const struct admin_server *server, char *text, size_t size);

#endif
