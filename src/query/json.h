/* json.h - the leaves of a JSON text, without building it.
 *
 * A scanner, not a validator: captured JSON may be cut, hold duplicate keys, or be no JSON at all, and what can be read
 * is read.  Nesting is bounded; memory does not depend on the text.
 */
#ifndef QUERY_JSON_H
#define QUERY_JSON_H

#include "query/param.h"

enum { QUERY_JSON_NESTING_MAX = 512 };

/* Visits the strings (escapes undone), numbers, true, false and null whose key is the visitor's name, or whose path is:
 * "user.id", "items.0.id".  Members of an array also have the array's key and path.  ERR_LIMIT: nested too deep. */
MUST_CHECK struct err query_json_leaves(const struct query_param_visitor *visitor, struct str text, bool *ret_is_over);

#endif
