#include "admin/body.h"
#include "admin/route.h"

static void on_answered(void *owner)
{
    struct admin_home *home = owner;

    home->options.app->stop(home->options.app_owner);
}

/* Later, since whoever stops the program closes this server, and the answer should go out before. */
static void stop_later(struct admin_home *home)
{
    if (home->is_stopping)
        return;
    home->is_stopping = true;
    home->stop_post = (struct os_post){.fn = on_answered, .owner = home};
    os_loop_post(home->options.loop, &home->stop_post);
}

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
    stop_later(call->home);
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
