#include "admin/asset.h"
#include "admin/route.h"

/* The built-in page holds no secret, so it needs no token: the token comes in the fragment of the start link, which
 * never reaches a server. */

static void send(struct admin_call *call, struct str path)
{
    const struct admin_page_file *file = admin_asset_find(path);
    const struct http_field *known = http_message_field(call->request->message, STR("if-none-match"));

    /* The description of the API is part of it, and its route wants the token. */
    if (!file || str_eq(path, STR("/openapi.json"))) {
        admin_problem_reply(&call->reply, 404, "There is nothing of that name here.");
        return;
    }
    if (known && str_eq(known->value, str_from(file->etag))) {
        admin_reply_start(&call->reply, 304, NULL);
    } else {
        admin_reply_start(&call->reply, 200, file->mime);
        CHECK(!err_is(buf_append(&call->reply.body, (struct str){(const char *)file->bytes, file->len})));
    }
    admin_reply_field(&call->reply, "ETag", str_from(file->etag));
    call->reply.is_public = true;
}

static void get_index(struct admin_call *call) { send(call, STR("/index.html")); }
static void get_file(struct admin_call *call) { send(call, call->request->path); }

static const struct admin_route routes[] = {
    {"GET", "/", .on_loop = get_index},
    {"GET", "/{file}", .on_loop = get_file},
};

const struct admin_route_table admin_route_page_table = ADMIN_ROUTE_TABLE(routes);
