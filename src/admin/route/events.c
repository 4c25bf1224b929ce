#include "admin/route.h"

/* The connection subscribes to the feed when it sees this type. */
static void get_events(struct admin_call *call)
{
    if (!admin_call_params(call, NULL, NULL, 0))
        return;
    if (!call->home->feed) {
        admin_problem_reply(&call->reply, 503, "Nothing is being recorded, so there is nothing to follow.");
        return;
    }
    admin_reply_start(&call->reply, 200, ADMIN_REPLY_EVENTS);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/events", .on_loop = get_events},
};

const struct admin_route_table admin_route_events_table = ADMIN_ROUTE_TABLE(routes);
