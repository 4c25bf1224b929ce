#include "admin/route.h"
#include "admin/search.h"
#include "query/hint.h"

static void write_fault(struct jsonout *out, const struct query_error *error)
{
    jsonout_object_open(out, STR("error"));
    jsonout_text(out, STR("detail"), str_from(error->message));
    jsonout_uint(out, STR("position"), error->position);
    jsonout_uint(out, STR("length"), error->len);
    jsonout_uint(out, STR("line"), error->line);
    jsonout_uint(out, STR("column"), error->column);
    jsonout_bytes(out, STR("suggestion"), str_from(error->suggestion));
    jsonout_object_close(out);
}

static void get_check(struct admin_call *call)
{
    static const struct str name = {"query", 5};
    struct query_parse_options options = admin_search_now();
    struct query_tree *tree = NULL;
    struct query_error error;
    struct jsonout out;
    struct str text;
    bool is_ok;

    if (!admin_call_params(call, &name, &text, 1))
        return;
    is_ok = !err_is(query_parse(text, &options, &tree, &error));
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_bool(&out, STR("ok"), is_ok);
    if (is_ok)
        query_tree_free(&tree);
    else
        write_fault(&out, &error);
    jsonout_object_close(&out);
    admin_reply_finish_json(&call->reply, &out);
}

static struct str kind_name(enum query_hint_kind kind)
{
    switch (kind) {
    case QUERY_HINT_FIELD:
        return STR("field");
    case QUERY_HINT_OPERATOR:
        return STR("operator");
    case QUERY_HINT_PREDICATE:
        return STR("predicate");
    case QUERY_HINT_KEYWORD:
        return STR("keyword");
    case QUERY_HINT_VALUE:
        return STR("value");
    }
    return STR("value");
}

static void write_hints(struct jsonout *out, const struct query_hints *hints)
{
    jsonout_object_open(out, STR_NONE);
    jsonout_uint(out, STR("start"), hints->start);
    jsonout_uint(out, STR("length"), hints->len);
    jsonout_bytes(out, STR("field"), hints->field);
    jsonout_array_open(out, STR("hints"));
    for (size_t i = 0; i < hints->count; i++) {
        jsonout_object_open(out, STR_NONE);
        jsonout_text(out, STR("kind"), kind_name(hints->hints[i].kind));
        jsonout_text(out, STR("text"), hints->hints[i].text);
        jsonout_text(out, STR("about"), hints->hints[i].about);
        jsonout_object_close(out);
    }
    jsonout_array_close(out);
    jsonout_object_close(out);
}

static void get_hints(struct admin_call *call)
{
    static const struct str names[] = {{"query", 5}, {"position", 8}};
    struct query_hints *hints = arena_zalloc(call->arena, sizeof(*hints));
    struct str values[2];
    uint64_t position;
    struct jsonout out;

    CHECK(hints);
    if (!admin_call_params(call, names, values, 2) ||
        !admin_call_number(call, names[1], values[1], values[0].len, &position))
        return;
    query_hint(values[0], position < values[0].len ? (size_t)position : values[0].len, hints);
    admin_reply_start_json(&call->reply, 200, &out);
    write_hints(&out, hints);
    admin_reply_finish_json(&call->reply, &out);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/query/check", .on_worker = get_check},
    {"GET", "/api/v1/query/hints", .on_worker = get_hints},
};

const struct admin_route_table admin_route_query_table = ADMIN_ROUTE_TABLE(routes);
