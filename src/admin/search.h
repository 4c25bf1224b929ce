/* search.h - the parameters that lists and counts share: which exchanges, and how long to look for them. */
#ifndef ADMIN_SEARCH_H
#define ADMIN_SEARCH_H

#include "admin/call.h"
#include "query/parse.h"

/* One request looks at most this long; what is left is another request's, from the cursor on. */
#define ADMIN_SEARCH_TIME_US 2000000

/* Parses the text of a query; *ret_tree is NULL for the empty one.  False after it has answered 400 with the place of
 * the mistake. */
bool admin_search_parse(struct admin_call *call, struct str text, struct query_tree **ret_tree);
/* Fills query, deadline and cancellation.  `tree` must live as long. */
void admin_search_prepare(struct admin_call *call, const struct query_tree *tree, struct store_reader_query *ret_query);
/* The clock and the zone that relative times in queries mean. */
struct query_parse_options admin_search_now(void);

#endif
