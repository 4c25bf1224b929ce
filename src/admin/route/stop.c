#include "admin/body.h"
#include "admin/route.h"

static void post_stop(struct admin_call *call)
{
    const struct admin_server_options *options = &call->home->options;
    struct jsonout out;
    json_t *object;

    if (!admin_call_params(call, NULL, NULL, 0) || !admin_body_object(call, NULL, 0, &object))
        return;
    json_decref(object);
    if (!options->app || !options->app->stop) {
        admin_problem_reply(&call->reply, 501, "This program cannot be ended from here.");
        return;
    }
    options->app->stop(options->app_owner);
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_bool(&out, STR("stopping"), true);
    jsonout_object_close(&out);
    admin_reply_finish_json(&call->reply, &out);
}

static const struct admin_route routes[] = {
    {"POST", "/api/v1/stop", .on_loop = post_stop},
};

const struct admin_route_table admin_route_stop_table = ADMIN_ROUTE_TABLE(routes);
