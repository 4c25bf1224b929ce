#include "admin/route.h"
#include "store/project.h"

struct listing {
    struct jsonout *out;
    struct str current;
};

static bool on_name(void *owner, const char *name)
{
    const struct listing *listing = owner;

    jsonout_object_open(listing->out, STR_NONE);
    jsonout_text(listing->out, STR("name"), str_from(name));
    jsonout_bool(listing->out, STR("current"), str_eq(str_from(name), listing->current));
    jsonout_object_close(listing->out);
    return true;
}

static void get_projects(struct admin_call *call)
{
    const struct admin_server_options *options = &call->home->options;
    struct jsonout out;
    struct listing listing = {&out, str_from(store_project_name(options->project))};
    struct err err;

    if (!admin_call_params(call, NULL, NULL, 0))
        return;
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("current"), listing.current);
    jsonout_array_open(&out, STR("items"));
    err = store_project_list(options->projects_folder, on_name, &listing);
    jsonout_array_close(&out);
    jsonout_object_close(&out);
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    else
        admin_reply_finish_json(&call->reply, &out);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/projects", .on_worker = get_projects},
};

const struct admin_route_table admin_route_projects_table = ADMIN_ROUTE_TABLE(routes);
