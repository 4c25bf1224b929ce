#include "admin/recording.h"
#include "admin/route.h"
#include "store/project.h"

/* The proxy is asked on the loop, the project on a worker thread. */
static void ask_proxy(struct admin_call *call)
{
    const struct admin_server_options *options = &call->home->options;
    struct admin_server_proxy *proxy = arena_zalloc(call->arena, sizeof(*proxy));

    CHECK(proxy);
    if (options->app && options->app->proxy_status)
        options->app->proxy_status(options->app_owner, proxy);
    call->state = proxy;
}

static void write_proxy(struct jsonout *out, const struct admin_server_options *options,
                        const struct admin_server_proxy *proxy)
{
    jsonout_object_open(out, STR("proxy"));
    jsonout_bytes(out, STR("listen"), options->proxy_listen);
    jsonout_uint(out, STR("client_connections"), proxy->client_connections);
    jsonout_uint(out, STR("origin_connections"), proxy->origin_connections);
    jsonout_uint(out, STR("exchanges"), proxy->exchanges);
    jsonout_uint(out, STR("loops"), proxy->loop_count);
    jsonout_object_close(out);
}

static void write_project(struct jsonout *out, struct admin_call *call, uint64_t count, uint64_t last_id)
{
    jsonout_object_open(out, STR("project"));
    jsonout_text(out, STR("name"), str_from(store_project_name(call->home->options.project)));
    jsonout_bool(out, STR("writable"), store_project_is_writable(call->home->options.project));
    jsonout_uint(out, STR("exchanges"), count);
    jsonout_uint(out, STR("last_id"), last_id);
    jsonout_object_close(out);
}

static void get_status(struct admin_call *call)
{
    struct store_reader *reader;
    uint64_t count = 0, last_id = 0;
    struct jsonout out;
    struct err err;

    if (!admin_call_params(call, NULL, NULL, 0) || !admin_call_reader(call, &reader))
        return;
    err = store_reader_total(reader, &count, &last_id);
    if (err_is(err)) {
        admin_problem_of_err(&call->reply, err);
        return;
    }
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("version"), STR(SEKISHO_VERSION));
    jsonout_time(&out, STR("started_at"), call->home->started_us);
    write_project(&out, call, count, last_id);
    admin_recording_member(&out, STR("recorder"), call->home->options.recorder);
    write_proxy(&out, &call->home->options, call->state);
    jsonout_object_close(&out);
    admin_reply_finish_json(&call->reply, &out);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/status", .on_loop = ask_proxy, .on_worker = get_status},
};

const struct admin_route_table admin_route_status_table = ADMIN_ROUTE_TABLE(routes);
