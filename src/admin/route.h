/* route.h - the table of what can be called.
 *
 * Each noun is a file in route/ that gives one admin_route_table; route.c lists them.  A pattern is a path whose parts
 * in braces match any one segment: "/api/v1/exchanges/{id}".  Paths are compared as received: nothing is decoded and no
 * dots are resolved, so one resource has one spelling.
 */
#ifndef ADMIN_ROUTE_H
#define ADMIN_ROUTE_H

#include "admin/call.h"

struct admin_route {
    const char *method; /* GET serves HEAD too */
    const char *pattern;
    /* At least one.  With both, on_loop comes first and prepares, and on_worker runs unless it has answered already. */
    void (*on_loop)(struct admin_call *call);
    void (*on_worker)(struct admin_call *call);
};

struct admin_route_table {
    const struct admin_route *routes;
    size_t count;
};

#define ADMIN_ROUTE_TABLE(routes)                                                                                      \
    {                                                                                                                  \
        routes, sizeof(routes) / sizeof((routes)[0])                                                                   \
    }

/* Finds the route and the path's variable parts.  NULL: *ret_allow is the methods that the path has ("GET, PUT"), empty
 * when there is no such path at all. */
const struct admin_route *admin_route_find(struct str method, struct str path, struct str args[ADMIN_CALL_ARGS_MAX],
                                           char *ret_allow, size_t allow_size);

/* All tables, for tests: the n-th, or NULL. */
const struct admin_route_table *admin_route_table_at(size_t index);

extern const struct admin_route_table admin_route_status_table;
extern const struct admin_route_table admin_route_exchanges_table;
extern const struct admin_route_table admin_route_bytes_table;
extern const struct admin_route_table admin_route_marks_table;
extern const struct admin_route_table admin_route_query_table;
extern const struct admin_route_table admin_route_events_table;
extern const struct admin_route_table admin_route_trust_table;
extern const struct admin_route_table admin_route_projects_table;
extern const struct admin_route_table admin_route_stop_table;
extern const struct admin_route_table admin_route_openapi_table;
extern const struct admin_route_table admin_route_ca_table;
extern const struct admin_route_table admin_route_page_table;

#endif
