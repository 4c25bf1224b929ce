/* wire.h - builds everything and plugs it together: the one place that sees all areas.
 *
 *   instance lock -> CA, trust, identities -> project, recorder -> proxy -> API
 *
 * What is built later is closed first.  The proxy knows nobody above it: its observers, its ids and its word on trust
 * come from here.
 */
#ifndef APP_WIRE_H
#define APP_WIRE_H

#include "admin/server.h"
#include "admin/token.h"
#include "app/config.h"
#include "base/arena.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/resolver.h"
#include "proxy/mode.h"
#include "proxy/proxy.h"
#include "store/project.h"
#include "store/recorder.h"
#include "store/text_indexer.h"
#include "tls/ca.h"
#include "tls/identity.h"
#include "tls/keylog.h"
#include "tls/trust.h"

#define APP_WIRE_PATH_MAX 4096

/* The recorder's end on one traffic loop. */
struct app_wire_port {
    struct os_loop *loop;
    struct store_recorder_port *port; /* NULL once closed */
};

struct app_wire {
    const struct app_config *config;
    struct arena arena; /* texts of the options */
    char dir[APP_WIRE_PATH_MAX];
    char projects_folder[APP_WIRE_PATH_MAX];
    char ca_path[APP_WIRE_PATH_MAX];
    char link[256];      /* the page with its token */
    char admin_url[128]; /* without it */
    char listen_text[OS_ADDR_TEXT_BYTES];
    char admin_text[OS_ADDR_TEXT_BYTES];
    struct os_addr listen, admin; /* real ones; `listen` is listeners[0] */
    struct os_addr listen_wanted[PROXY_LISTEN_MAX], listeners[PROXY_LISTEN_MAX];
    struct proxy_mode modes[PROXY_LISTEN_MAX]; /* how each is served */
    size_t listener_count;
    uint64_t file_max; /* descriptors that this process may have; 0: unknown */
    char instance[17]; /* random hex */
    char problem[512]; /* one sentence after a failure */

    struct os_file *lock;
    struct os_loop *loop; /* the control loop */
    struct tls_ca *ca;
    struct tls_trust *trust;
    struct tls_keylog *keylog;
    struct tls_identity **identities;
    struct store_project *project;
    struct store_recorder *recorder;
    struct store_text_indexer *text_indexer; /* NULL: switched off */
    struct app_wire_port ports[PROXY_LISTENER_WORKER_MAX];
    size_t port_count;
    struct os_resolver *resolver;
    struct proxy_options options;
    struct proxy_override *overrides;
    struct proxy_client_cert *client_certs;
    struct proxy *proxy;
    struct admin_server *server;
    struct admin_token token;
};

/* Builds all of it, in caller's memory.  On failure `problem` says what, why and what to do, and app_wire_close() is
 * due all the same. */
MUST_CHECK struct err app_wire_open(struct app_wire *wire, const struct app_config *config);
/* After the control loop has stopped. */
void app_wire_close(struct app_wire *wire);

/* Begins to end the program: the control loop stops once the API has closed.  On the control loop. */
void app_wire_stop(struct app_wire *wire);

/* Trusts a certificate (64 hex digits) for host:port in the project, from now on and after a restart.  Any thread. */
MUST_CHECK struct err app_wire_trust(struct app_wire *wire, struct str host, uint16_t port, struct str sha256);

/* Fills listen_wanted, modes and listener_count: wire_modes.c. */
void app_wire_modes(struct app_wire *wire);
/* Fills options from the configuration: wire_proxy.c. */
MUST_CHECK struct err app_wire_proxy_options(struct app_wire *wire);

#endif
