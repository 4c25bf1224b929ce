#include "admin/route.h"
#include "admin/search.h"
#include "model/facts_json.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
/* A page ends early when its text is this long; one more row always fits behind it. */
#define PAGE_BYTES ((size_t)2 * 1024 * 1024)

enum list_param { QUERY, ORDER, LIMIT, AFTER, AT, LIST_PARAM_COUNT };

static const struct str list_params[] = {{"query", 5}, {"order", 5}, {"limit", 5}, {"after", 5}, {"at", 2}};

struct page {
    struct jsonout out;
    const struct buf *body;
};

static void write_item(struct jsonout *out, struct str key, const struct store_reader_item *item)
{
    facts_json_member(out, key, &item->facts, &item->marks);
}

static bool on_item(void *owner, const struct store_reader_item *item)
{
    struct page *page = owner;

    write_item(&page->out, STR_NONE, item);
    return page->body->len < PAGE_BYTES && !err_is(jsonout_finish(&page->out));
}

/* A rank ("500000") or, with a point, a fraction of all ("0.5"). */
static bool read_place(struct admin_call *call, struct str at, struct store_reader_query *query)
{
    uint64_t whole, digits;
    struct str head, tail;

    if (!at.ptr)
        return true;
    if (!str_cut(at, '.', &head, &tail))
        return admin_call_number(call, STR("at"), at, 0, &query->skip);
    if (tail.len > 0 && tail.len <= 9 && str_to_u64(head, &whole) && str_to_u64(tail, &digits) && whole <= 1) {
        double scale = 1;

        for (size_t i = 0; i < tail.len; i++)
            scale *= 10;
        query->fraction = (double)whole + (double)digits / scale;
        if (query->fraction <= 1)
            return true;
    }
    admin_problem_of_parameter(&call->reply, STR("at"), "This is a rank (500000) or a fraction from 0.0 to 1.0.");
    return false;
}

static bool read_limit(struct admin_call *call, struct str value, size_t *ret_limit)
{
    uint64_t limit;

    if (!admin_call_number(call, STR("limit"), value, LIMIT_DEFAULT, &limit))
        return false;
    if (limit < 1 || limit > LIMIT_MAX) {
        admin_problem_of_parameter(&call->reply, STR("limit"), "This must be 1 to 1000.");
        return false;
    }
    *ret_limit = (size_t)limit;
    return true;
}

static void write_end(struct admin_call *call, struct page *page, const struct store_reader_query *query,
                      const struct store_reader_result *result, uint64_t total)
{
    struct jsonout *out = &page->out;

    jsonout_array_close(out);
    jsonout_bytes(out, STR("next"), str_from(result->next));
    /* A page that a deadline cut short has a `next` although it holds fewer than `limit`. */
    jsonout_bool(out, STR("is_partial"), result->is_stopped);
    jsonout_uint(out, STR("total"), total);
    jsonout_bool(out, STR("is_total_exact"), !query->query);
    jsonout_bool(out, STR("has_limited_regex"), result->has_limited_regex);
    jsonout_object_close(out);
    admin_reply_finish_json(&call->reply, out);
}

static void list(struct admin_call *call, struct store_reader *reader, struct store_reader_query *query)
{
    struct store_reader_result result;
    struct page page = {.body = &call->reply.body};
    uint64_t total = 0, last_id;
    struct err err;

    query->on_item = on_item;
    query->owner = &page;
    admin_reply_start_json(&call->reply, 200, &page.out);
    jsonout_object_open(&page.out, STR_NONE);
    jsonout_array_open(&page.out, STR("items"));
    err = store_reader_list(reader, query, &result);
    if (!err_is(err))
        err = store_reader_total(reader, &total, &last_id);
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    else
        write_end(call, &page, query, &result, total);
}

static void get_list(struct admin_call *call)
{
    struct str values[LIST_PARAM_COUNT];
    struct store_reader_query query;
    struct store_reader *reader;
    struct query_tree *tree;

    if (!admin_call_params(call, list_params, values, LIST_PARAM_COUNT) || !admin_call_reader(call, &reader) ||
        !admin_search_parse(call, values[QUERY], &tree))
        return;
    admin_search_prepare(call, tree, &query);
    query.order = values[ORDER];
    query.after = values[AFTER];
    if (read_place(call, values[AT], &query) && read_limit(call, values[LIMIT], &query.limit))
        list(call, reader, &query);
    query_tree_free(&tree);
}

static void write_count(struct admin_call *call, const struct store_reader_count *count, uint64_t total)
{
    struct jsonout out;

    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_uint(&out, STR("count"), count->count);
    jsonout_bool(&out, STR("is_exact"), count->is_exact);
    jsonout_uint(&out, STR("total"), total);
    jsonout_object_close(&out);
    admin_reply_finish_json(&call->reply, &out);
}

static void get_count(struct admin_call *call)
{
    struct str text;
    struct store_reader_query query;
    struct store_reader_count count;
    struct store_reader *reader;
    struct query_tree *tree;
    uint64_t total = 0, last_id;
    struct err err;

    if (!admin_call_params(call, list_params, &text, 1) || !admin_call_reader(call, &reader) ||
        !admin_search_parse(call, text, &tree))
        return;
    admin_search_prepare(call, tree, &query);
    err = store_reader_count(reader, &query, &count);
    if (!err_is(err))
        err = store_reader_total(reader, &total, &last_id);
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    else
        write_count(call, &count, total);
    query_tree_free(&tree);
}

static void get_one(struct admin_call *call)
{
    struct store_reader *reader;
    struct store_reader_item item;
    struct jsonout out;
    uint64_t id;
    struct err err;

    if (!admin_call_params(call, NULL, NULL, 0) || !admin_call_id(call, 0, &id) || !admin_call_reader(call, &reader))
        return;
    err = store_reader_get(reader, id, call->arena, &item);
    if (err_is(err)) {
        admin_problem_of_err(&call->reply, err);
        return;
    }
    admin_reply_start_json(&call->reply, 200, &out);
    write_item(&out, STR_NONE, &item);
    admin_reply_finish_json(&call->reply, &out);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/exchanges", .on_worker = get_list},
    {"GET", "/api/v1/exchanges/count", .on_worker = get_count},
    {"GET", "/api/v1/exchanges/{id}", .on_worker = get_one},
};

const struct admin_route_table admin_route_exchanges_table = ADMIN_ROUTE_TABLE(routes);
