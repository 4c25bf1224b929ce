#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <jansson.h>
#include <cmocka.h>

#include "admin/asset.h"
#include "admin/route.h"

static const struct admin_route *find(const char *method, const char *path, struct str args[ADMIN_CALL_ARGS_MAX],
                                      char allow[64])
{
    return admin_route_find(str_from(method), str_from(path), args, allow, 64);
}

static void assert_route(const char *method, const char *path, const char *pattern)
{
    struct str args[ADMIN_CALL_ARGS_MAX];
    char allow[64];
    const struct admin_route *route = find(method, path, args, allow);

    if (!route)
        fail_msg("no route: %s %s", method, path);
    assert_string_equal(route->pattern, pattern);
}

static void assert_none(const char *method, const char *path, const char *expected_allow)
{
    struct str args[ADMIN_CALL_ARGS_MAX];
    char allow[64];

    assert_null(find(method, path, args, allow));
    assert_string_equal(allow, expected_allow);
}

static void route_finds_by_method_and_path(void **state)
{
    (void)state;
    assert_route("GET", "/api/v1/exchanges", "/api/v1/exchanges");
    assert_route("HEAD", "/api/v1/exchanges", "/api/v1/exchanges");
    assert_route("GET", "/api/v1/exchanges/count", "/api/v1/exchanges/count");
    assert_route("GET", "/api/v1/exchanges/12", "/api/v1/exchanges/{id}");
    assert_route("PUT", "/api/v1/exchanges/12/marks", "/api/v1/exchanges/{id}/marks");
    assert_route("GET", "/", "/");
    assert_route("GET", "/app.js", "/{file}");
}

static void route_gives_the_variable_parts(void **state)
{
    struct str args[ADMIN_CALL_ARGS_MAX];
    char allow[64];

    (void)state;
    assert_non_null(find("GET", "/api/v1/exchanges/12%2f/request/body", args, allow));
    assert_true(str_eq(args[0], STR("12%2f")));
}

static void route_tells_a_wrong_method_from_a_wrong_path(void **state)
{
    (void)state;
    assert_none("PATCH", "/api/v1/exchanges/1/marks", "GET, HEAD, PUT");
    assert_none("POST", "/api/v1/status", "GET, HEAD");
    assert_none("get", "/api/v1/status", "GET, HEAD");
    assert_none("GET", "/api/v1/nothing", "");
    assert_none("GET", "/api/v1", "");
}

static void route_has_one_spelling_of_a_path(void **state)
{
    static const char *const paths[] = {
        "/api/v1/exchanges/",
        "//api/v1/exchanges",
        "/api//v1/exchanges",
        "/api/v1/exchanges/1/",
        "/api/v1/exchanges//marks",
        "/api/v1/../v1/status",
        "/./api/v1/status",
        "/api/v1/%65xchanges",
        "/API/v1/exchanges",
        "/api/v1/status;x",
        "/a/app.js",
        "",
        "api/v1/status",
        "*",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct str args[ADMIN_CALL_ARGS_MAX];
        char allow[64];

        if (find("GET", paths[i], args, allow))
            fail_msg("found: %s", paths[i]);
    }
}

static json_t *description(void)
{
    const struct admin_page_file *file = admin_asset_find(STR("/openapi.json"));
    json_t *document;

    assert_non_null(file);
    document = json_loadb((const char *)file->bytes, file->len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    return document;
}

/* The page's own files need no description. */
static bool is_described(const struct admin_route *route)
{
    return !str_eq(str_from(route->pattern), STR("/")) && !str_eq(str_from(route->pattern), STR("/{file}"));
}

static const json_t *operation(const json_t *document, const struct admin_route *route)
{
    char method[16] = "";

    for (size_t i = 0; route->method[i]; i++)
        method[i] = str_fold_char(route->method[i]);
    return json_object_get(json_object_get(json_object_get(document, "paths"), route->pattern), method);
}

static void route_table_is_what_openapi_describes(void **state)
{
    json_t *document = description();
    const struct admin_route_table *table;
    size_t described = 0, routed = 0;
    const char *path;
    json_t *operations;

    (void)state;
    for (size_t i = 0; (table = admin_route_table_at(i)); i++) {
        for (size_t j = 0; j < table->count; j++) {
            if (!is_described(&table->routes[j]))
                continue;
            routed++;
            if (!operation(document, &table->routes[j]))
                fail_msg("not described: %s %s", table->routes[j].method, table->routes[j].pattern);
        }
    }
    json_object_foreach(json_object_get(document, "paths"), path, operations) described += json_object_size(operations);
    assert_int_equal(routed, described);
    json_decref(document);
}

static void route_has_a_handler_everywhere(void **state)
{
    const struct admin_route_table *table;

    (void)state;
    for (size_t i = 0; (table = admin_route_table_at(i)); i++) {
        assert_true(table->count > 0);
        for (size_t j = 0; j < table->count; j++)
            assert_true(table->routes[j].on_loop || table->routes[j].on_worker);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(route_finds_by_method_and_path),
        cmocka_unit_test(route_gives_the_variable_parts),
        cmocka_unit_test(route_tells_a_wrong_method_from_a_wrong_path),
        cmocka_unit_test(route_has_one_spelling_of_a_path),
        cmocka_unit_test(route_table_is_what_openapi_describes),
        cmocka_unit_test(route_has_a_handler_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
