/* launch.h - a browser with a fresh profile that sends everything through us and trusts our CA.
 *
 * Knows Chromium and what is made of it, and Firefox.  The profile lies in DIR/browser/N, N being our process id, and
 * is removed by cli_launch_clean() or, after a crash, by the next launch.  Sites on this machine go through the proxy,
 * too; only our own page is reached directly.  What the browser does on its own is switched off as far as it can be.
 */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "base/arena.h"
#include "base/err.h"
#include "os/addr.h"

struct tls_ca;

#define CLI_LAUNCH_PATH_BYTES 4096
#define CLI_LAUNCH_EXTRA_MAX 16
#define CLI_LAUNCH_PIN_BYTES 64

struct cli_launch {
    const char *dir;
    const char *program; /* name or path; NULL: the first that is installed */
    const char *url;
    const char *extra[CLI_LAUNCH_EXTRA_MAX]; /* further arguments for the browser, NULL at the end */
    const struct tls_ca *ca;
    const char *ca_path;
    const char *key_pin;         /* of the running program; NULL: unknown */
    struct os_addr proxy, admin; /* as reached from this machine */

    /* Filled by cli_launch_prepare(). */
    struct arena arena;
    char found[CLI_LAUNCH_PATH_BYTES];
    char profile[CLI_LAUNCH_PATH_BYTES];
    const char *argv[64];
};

/* Finds the browser, makes the profile, and the arguments.  ERR_ABSENT: no browser is installed, or `program` is not
 * (err.what says which); ERR_IO, ERR_DENIED: the profile cannot be made. */
MUST_CHECK struct err cli_launch_prepare(struct cli_launch *launch);
/* The key of this process's certificates, as a Chromium takes it; no secret.  False when it cannot be hashed. */
bool cli_launch_key_pin(const struct tls_ca *ca, char text[CLI_LAUNCH_PIN_BYTES]);
/* Removes the profile; harmless when there is none. */
void cli_launch_clean(struct cli_launch *launch);

#endif
