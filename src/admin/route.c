#include "admin/route.h"

static const struct admin_route_table *const tables[] = {
    &admin_route_status_table, &admin_route_exchanges_table, &admin_route_bytes_table, &admin_route_marks_table,
    &admin_route_query_table,  &admin_route_events_table,    &admin_route_trust_table, &admin_route_projects_table,
    &admin_route_stop_table,   &admin_route_openapi_table,   &admin_route_ca_table,    &admin_route_page_table,
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

const struct admin_route_table *admin_route_table_at(size_t index)
{
    return index < TABLE_COUNT ? tables[index] : NULL;
}

static bool match(struct str pattern, struct str path, struct str args[ADMIN_CALL_ARGS_MAX])
{
    size_t arg_count = 0;

    for (;;) {
        struct str wanted, part;
        bool pattern_goes_on = str_cut(pattern, '/', &wanted, &pattern);
        bool path_goes_on = str_cut(path, '/', &part, &path);

        if (str_starts(wanted, STR("{")) && part.len > 0) {
            CHECK(arg_count < ADMIN_CALL_ARGS_MAX);
            args[arg_count++] = part;
        } else if (!str_eq(wanted, part)) {
            return false;
        }
        if (pattern_goes_on != path_goes_on)
            return false;
        if (!pattern_goes_on)
            return true;
    }
}

static void add_method(const char *method, char *allow, size_t size)
{
    size_t len = strlen(allow);

    snprintf(allow + len, size - len, "%s%s%s", len ? ", " : "", method,
             str_eq(str_from(method), STR("GET")) ? ", HEAD" : "");
}

static bool serves(const struct admin_route *route, struct str method)
{
    struct str own = str_from(route->method);

    return str_eq(own, method) || (str_eq(own, STR("GET")) && str_eq(method, STR("HEAD")));
}

const struct admin_route *admin_route_find(struct str method, struct str path, struct str args[ADMIN_CALL_ARGS_MAX],
                                           char *ret_allow, size_t allow_size)
{
    ret_allow[0] = '\0';
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        for (size_t j = 0; j < tables[i]->count; j++) {
            const struct admin_route *route = &tables[i]->routes[j];

            if (!match(str_from(route->pattern), path, args))
                continue;
            if (serves(route, method))
                return route;
            add_method(route->method, ret_allow, allow_size);
        }
    }
    return NULL;
}
