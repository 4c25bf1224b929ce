/* call.h - one request being answered: what a handler is given.
 *
 * A handler fills call->reply.  One that runs on the loop must do so before it returns and must not block.  One that
 * runs on a worker thread may block for a while, should look at is_cancelled, and has the call to itself until it
 * returns; with reply.has_more it is called again, maybe on another thread, when the bytes so far have gone out.
 */
#ifndef ADMIN_CALL_H
#define ADMIN_CALL_H

#include <stdatomic.h>

#include "admin/auth.h"
#include "admin/feed.h"
#include "admin/intake.h"
#include "admin/problem.h"
#include "admin/reply.h"
#include "admin/server.h"
#include "admin/worker.h"

#define ADMIN_CALL_ARGS_MAX 4

/* What all calls share.  On the loop, except what says otherwise. */
struct admin_home {
    struct admin_server_options options; /* constant; any thread */
    struct admin_auth auth;
    struct admin_worker *worker;
    struct admin_feed *feed;  /* NULL without a recorder */
    char run_id[17];          /* changes with each start; constant */
    int64_t started_us;       /* wall clock; constant */
    struct os_post stop_post; /* asks the program to end, once the answer has gone */
    bool is_stopping;
    uint64_t request_count;
    size_t connection_count;
};

struct admin_call {
    struct admin_home *home;
    const struct admin_request *request;
    struct arena *arena;                  /* lives as long as the call */
    struct str args[ADMIN_CALL_ARGS_MAX]; /* the path's variable parts, as received */
    struct admin_reply reply;
    struct admin_feed_reader feed_reader; /* subscribed: the reply goes on with events */
    struct admin_worker_job *job;         /* on a worker thread only */
    void *state;                          /* the handler's, in the arena; NULL at first */
    atomic_bool is_cancelled;
};

/* The id in args[index].  False after it has answered 404, as for an exchange that is not there. */
bool admin_call_id(struct admin_call *call, size_t index, uint64_t *ret_id);
/* A reader of the project.  False after it has answered.  On a worker thread. */
bool admin_call_reader(struct admin_call *call, struct store_reader **ret_reader);

/* The names that may stand behind '?', and their values: decoded (percent and '+'), in the arena, ptr NULL when absent.
 * False after it has answered 400: an unknown or repeated name, a bad escape. */
bool admin_call_params(struct admin_call *call, const struct str *names, struct str *values, size_t count);
/* A number from such a value; `fallback` when absent.  False after it has answered 400. */
bool admin_call_number(struct admin_call *call, struct str name, struct str value, uint64_t fallback,
                       uint64_t *ret_number);

#endif
