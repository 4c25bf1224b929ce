#include "admin/route.h"

/* The certificate is public: whoever is to trust it must be able to get it. */

static void send(struct admin_call *call, struct str bytes, const char *type, const char *name)
{
    char disposition[64];

    if (!admin_call_params(call, NULL, NULL, 0))
        return;
    if (bytes.len == 0) {
        admin_problem_reply(&call->reply, 404, "There is no certificate authority.");
        return;
    }
    admin_reply_start(&call->reply, 200, type);
    snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", name);
    admin_reply_field(&call->reply, "Content-Disposition", str_from(disposition));
    CHECK(!err_is(buf_append(&call->reply.body, bytes)));
}

static void get_pem(struct admin_call *call)
{
    send(call, call->home->options.ca_pem, "application/x-pem-file", "sekisho-ca.pem");
}

static void get_der(struct admin_call *call)
{
    send(call, call->home->options.ca_der, "application/pkix-cert", "sekisho-ca.crt");
}

static const struct admin_route routes[] = {
    {"GET", "/ca.pem", .on_loop = get_pem},
    {"GET", "/ca.der", .on_loop = get_der},
};

const struct admin_route_table admin_route_ca_table = ADMIN_ROUTE_TABLE(routes);
