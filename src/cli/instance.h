/* instance.h - the one running program of a base folder: how commands find it, and how a second start is refused.
 *
 * While it runs it holds a lock on DIR/instance.lock, and DIR/instance.json (0600) says where it listens.  The lock
 * goes with the process, so a crash leaves no false claim; a file left behind is recognised by its process id.
 */
#ifndef CLI_INSTANCE_H
#define CLI_INSTANCE_H

#include "base/err.h"
#include "os/addr.h"

#define CLI_INSTANCE_PROJECT_BYTES 80
#define CLI_INSTANCE_TOKEN_BYTES 80
#define CLI_INSTANCE_LINK_BYTES 256
#define CLI_INSTANCE_PIN_BYTES 64

struct cli_instance {
    int process_id;
    struct os_addr listen;
    struct os_addr admin;
    char project[CLI_INSTANCE_PROJECT_BYTES];
    char key_pin[CLI_INSTANCE_PIN_BYTES]; /* see cli_launch_key_pin(); empty: not told */
};

/* ERR_ABSENT: none runs.  ERR_DAMAGED: the file is not ours. */
MUST_CHECK struct err cli_instance_read(const char *dir, struct cli_instance *ret_instance);
/* The token of the API, from DIR/admin.token.  ERR_ABSENT, ERR_DENIED (others can read it), ERR_DAMAGED. */
MUST_CHECK struct err cli_instance_token(const char *dir, char ret_token[CLI_INSTANCE_TOKEN_BYTES]);
/* "http://127.0.0.1:8081/#token=..." */
MUST_CHECK struct err cli_instance_link(const char *dir, const struct cli_instance *instance,
                                        char ret_link[CLI_INSTANCE_LINK_BYTES]);
/* Where to connect to reach an address that was listened on: loopback for 0.0.0.0 and ::. */
struct os_addr cli_instance_reachable(const struct os_addr *listen);

#endif
