/* client.h - one HTTP request to the running program's API, and its answer; blocks until it is there.
 *
 * Runs a loop of its own for the length of the call.  Limits: an answer of 16 MiB, and the time given.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include "base/buf.h"
#include "os/addr.h"

#define CLI_CLIENT_ANSWER_MAX ((size_t)16 * 1024 * 1024)

struct cli_client_request {
    struct os_addr addr;
    const char *method; /* "GET" */
    const char *target; /* "/api/v1/status" */
    const char *token;  /* of the API */
    struct str body;    /* JSON; empty: none */
    uint64_t timeout_ms;
};

/* Any status is OK; the answer's body is appended.  ERR_REFUSED: nobody listens.  ERR_SYNTAX: no HTTP.  ERR_TIMEOUT,
 * ERR_LIMIT, ERR_RESET. */
MUST_CHECK struct err cli_client_call(const struct cli_client_request *request, struct buf *body, unsigned *ret_status);

#endif
