#include "admin/search.h"

#include "os/clock.h"

#include <time.h>

#define US_PER_S 1000000

struct query_parse_options admin_search_now(void)
{
    struct query_parse_options options = {.now_us = os_clock_wall_us()};
    time_t seconds = (time_t)(options.now_us / US_PER_S);
    struct tm local;

    if (localtime_r(&seconds, &local))
        options.utc_offset_s = (int32_t)local.tm_gmtoff;
    return options;
}

bool admin_search_parse(struct admin_call *call, struct str text, struct query_tree **ret_tree)
{
    struct query_parse_options options = admin_search_now();
    struct query_error error;

    *ret_tree = NULL;
    if (text.len == 0)
        return true;
    if (!err_is(query_parse(text, &options, ret_tree, &error)))
        return true;
    *ret_tree = NULL;
    admin_problem_of_query(&call->reply, &error);
    return false;
}

void admin_search_prepare(struct admin_call *call, const struct query_tree *tree, struct store_reader_query *ret_query)
{
    *ret_query = (struct store_reader_query){.query = tree,
                                             .fraction = -1,
                                             .deadline_us = os_clock_mono_us() + ADMIN_SEARCH_TIME_US,
                                             .is_cancelled = &call->is_cancelled};
}
