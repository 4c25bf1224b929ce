#include "admin/body.h"
#include "admin/route.h"
#include "http/target.h"
#include "os/addr.h"
#include "store/project.h"

#define HOST_MAX 253

static bool on_trust(void *owner, const struct store_project_trust *trust)
{
    struct jsonout *out = owner;

    jsonout_object_open(out, STR_NONE);
    jsonout_text(out, STR("host"), trust->host);
    jsonout_uint(out, STR("port"), trust->port);
    jsonout_text(out, STR("sha256"), str_from(trust->sha256));
    jsonout_time(out, STR("at"), trust->at_us);
    jsonout_object_close(out);
    return true;
}

static void get_trust(struct admin_call *call)
{
    struct jsonout out;
    struct err err;

    if (!admin_call_params(call, NULL, NULL, 0))
        return;
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_array_open(&out, STR("items"));
    err = store_project_trust_list(call->home->options.project, on_trust, &out);
    jsonout_array_close(&out);
    jsonout_object_close(&out);
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    else
        admin_reply_finish_json(&call->reply, &out);
}

/* As the proxy writes hosts: an address in its one form, a name in lower case. */
static bool normalise_host(struct str text, char host[HOST_MAX + 1])
{
    struct http_authority authority;
    struct os_addr addr;
    char ip[OS_ADDR_TEXT_BYTES];

    if (!err_is(os_addr_parse(text, 0, &addr)))
        return str_to_c(str_from(os_addr_format_ip(&addr, ip)), host, HOST_MAX + 1);
    if (err_is(http_target_parse_authority(text, &authority)) || authority.is_ip6 || authority.userinfo.len ||
        authority.host.len != text.len || !str_to_c(text, host, HOST_MAX + 1))
        return false;
    for (size_t i = 0; i < text.len; i++)
        host[i] = str_fold_char(host[i]);
    return true;
}

static bool read_host(struct admin_call *call, struct str text, struct str *ret_host)
{
    char *host = arena_alloc(call->arena, HOST_MAX + 1);

    CHECK(host);
    if (normalise_host(text, host)) {
        *ret_host = str_from(host);
        return true;
    }
    admin_problem_of_parameter(&call->reply, STR("host"), "This must be a host name or an address, without a port.");
    return false;
}

static bool read_port(struct admin_call *call, const json_t *object, uint16_t *ret_port)
{
    const json_t *value = json_object_get(object, "port");
    json_int_t port = value ? json_integer_value(value) : 443;

    if (port >= 1 && port <= UINT16_MAX) {
        *ret_port = (uint16_t)port;
        return true;
    }
    admin_problem_of_parameter(&call->reply, STR("port"), "This must be a whole number from 1 to 65535.");
    return false;
}

static void write_trust(struct admin_call *call, struct str host, uint16_t port)
{
    char sha256[STORE_PROJECT_SHA256_HEX];
    struct jsonout out;

    if (!store_project_trust_get(call->home->options.project, host, port, sha256)) {
        admin_problem_reply(&call->reply, 500, "The certificate was accepted, but the project does not hold it.");
        return;
    }
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("host"), host);
    jsonout_uint(&out, STR("port"), port);
    jsonout_text(&out, STR("sha256"), str_from(sha256));
    jsonout_object_close(&out);
    admin_reply_finish_json(&call->reply, &out);
}

static void post_trust(struct admin_call *call)
{
    static const char *const names[] = {"host", "port"};
    const struct admin_server_options *options = &call->home->options;
    json_t *object;
    struct str text, host;
    uint16_t port;
    struct err err;

    if (!admin_call_params(call, NULL, NULL, 0) || !admin_body_object(call, names, 2, &object))
        return;
    if (!options->app || !options->app->trust) {
        admin_problem_reply(&call->reply, 501, "This program cannot accept certificates.");
    } else if (admin_body_text(call, object, "host", &text) && read_host(call, text, &host) &&
               read_port(call, object, &port)) {
        err = options->app->trust(options->app_owner, host, port);
        if (err_is(err))
            admin_problem_of_err(&call->reply, err);
        else
            write_trust(call, host, port);
    }
    json_decref(object);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/trust", .on_worker = get_trust},
    {"POST", "/api/v1/trust", .on_worker = post_trust},
};

const struct admin_route_table admin_route_trust_table = ADMIN_ROUTE_TABLE(routes);
