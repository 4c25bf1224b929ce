/* install.h - puts our CA where clients look for it, and takes it out again.
 *
 *   system     Debian's /usr/local/share/ca-certificates + update-ca-certificates; needs root
 *   nss        the user's NSS databases: ~/.pki/nssdb (Chromium, Chrome) and each Firefox profile; needs certutil
 *   browser    a fresh folder for one browser of ours, which trusts our CA and sends everything through us
 *
 * Programs are run without a shell.  All calls block, so they belong to commands, never to a loop.
 */
#ifndef TLS_INSTALL_H
#define TLS_INSTALL_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "tls/ca.h"

#define TLS_INSTALL_ARG_MAX 16

struct tls_install {
    const struct tls_ca *ca;
    const char *home;    /* of the user whose NSS stores are meant */
    const char *ca_path; /* where ca.pem is, for certutil -i */
    /* Called for each store that was changed, or could not be. */
    void (*on_store)(void *owner, const char *store, struct err err);
    void *owner;
};

/* ERR_DENIED without root, ERR_ABSENT without update-ca-certificates. */
MUST_CHECK struct err tls_install_system(const struct tls_install *install);
MUST_CHECK struct err tls_install_remove_system(const struct tls_install *install);

/* ~/.pki/nssdb is made when absent; Firefox profiles are those that exist.  ERR_ABSENT without certutil (the Debian
 * package libnss3-tools); otherwise the first failure, after all have been tried. */
MUST_CHECK struct err tls_install_nss(const struct tls_install *install);
MUST_CHECK struct err tls_install_remove_nss(const struct tls_install *install);

/* Makes <folder>/.pki/nssdb with our CA: the HOME of a Chromium of ours. */
MUST_CHECK struct err tls_install_chromium_home(const struct tls_install *install, const char *folder);
/* Makes a Firefox profile: cert9.db with our CA, and user.js with the proxy's host and port and quiet defaults. */
MUST_CHECK struct err tls_install_firefox_profile(const struct tls_install *install, const char *folder,
                                                  const char *proxy_host, uint16_t proxy_port);

/* The argument lists, NULL at the end, that the calls above run; strings from the arena. */
MUST_CHECK struct err tls_install_args_nss_add(struct arena *arena, const struct tls_install *install,
                                               const char *folder, const char *ret_args[TLS_INSTALL_ARG_MAX]);
MUST_CHECK struct err tls_install_args_nss_remove(struct arena *arena, const struct tls_install *install,
                                                  const char *folder, const char *ret_args[TLS_INSTALL_ARG_MAX]);
MUST_CHECK struct err tls_install_args_nss_new(struct arena *arena, const char *folder,
                                               const char *ret_args[TLS_INSTALL_ARG_MAX]);
/* user.js of the Firefox profile. */
MUST_CHECK struct err tls_install_firefox_prefs(struct arena *arena, const char *proxy_host, uint16_t proxy_port,
                                                struct str *ret_text);

#endif
