#include "admin/asset.h"
#include "admin/route.h"

static void get_openapi(struct admin_call *call)
{
    const struct admin_page_file *file = admin_asset_find(STR("/openapi.json"));

    if (!admin_call_params(call, NULL, NULL, 0))
        return;
    CHECK(file);
    admin_reply_start(&call->reply, 200, ADMIN_REPLY_JSON);
    CHECK(!err_is(buf_append(&call->reply.body, (struct str){(const char *)file->bytes, file->len})));
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/openapi.json", .on_loop = get_openapi},
};

const struct admin_route_table admin_route_openapi_table = ADMIN_ROUTE_TABLE(routes);
