/* auth.h - the guard: who may call, decided from the head of a request before anything else looks at it.
 *
 * In this order, the first that fails answers (RFC 9110 status codes):
 *
 *   Host         exactly one, exactly one of ours; 400 or 403.  Stops DNS rebinding.
 *   target       origin form, or absolute form with an authority that is ours; 400 or 403
 *   Origin       absent or ours; 403.  `null` is foreign.
 *   fetch site   Sec-Fetch-Site absent, same-origin or none; a navigation to a page may come from anywhere; 403
 *   token        below /api/: `Authorization: Bearer TOKEN`, compared in constant time; 401
 *   type         methods other than GET and HEAD: Content-Type application/json; 415
 *
 * A right token always passes.  Wrong ones are counted: above ADMIN_AUTH_WRONG_MAX in ADMIN_AUTH_WINDOW_MS the answer
 * is 429 in place of 401, so guessing is slowed and visible while the owner is never locked out.
 *
 * Nothing in a request can widen what is allowed: X-Forwarded-* and Forwarded are not read, and the token is looked for
 * in Authorization only.
 */
#ifndef ADMIN_AUTH_H
#define ADMIN_AUTH_H

#include "http/message.h"
#include "os/addr.h"

#include "admin/token.h"

#define ADMIN_AUTH_WRONG_MAX 20
#define ADMIN_AUTH_WINDOW_MS 10000
#define ADMIN_AUTH_HOST_MAX 8

struct admin_auth {
    struct admin_token token;
    struct str extra_hosts[ADMIN_AUTH_HOST_MAX]; /* "name:port" or "name", borrowed */
    size_t extra_host_count;
    uint64_t window_begun_ms;
    unsigned wrong_count;   /* in this window */
    uint64_t refused_count; /* requests that any rule refused, since the start */
};

/* What the guard says.  status 0: pass. */
struct admin_auth_verdict {
    unsigned status;
    const char *detail; /* static; one sentence for a person */
};

void admin_auth_init(struct admin_auth *auth, const struct admin_token *token);
/* A further name under which this server may be called; compared with Host exactly, ASCII case ignored.  ERR_LIMIT. */
MUST_CHECK struct err admin_auth_allow_host(struct admin_auth *auth, struct str host);

/* `local` is the address that the connection came in on: its text form and, on loopback, localhost with its port are
 * ours. */
struct admin_auth_verdict admin_auth_check(struct admin_auth *auth, const struct http_message *message,
                                           const struct os_addr *local, uint64_t now_ms);

/* Whether Host (or the authority of an absolute target) names us. */
bool admin_auth_is_our_host(const struct admin_auth *auth, struct str host, const struct os_addr *local);

#endif
