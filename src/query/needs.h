/* needs.h - what must be known before a query can be answered, so that a gate can refuse a query that asks for more. */
#ifndef QUERY_NEEDS_H
#define QUERY_NEEDS_H

#include "base/err.h"
#include "query/field.h"
#include "query/parse.h"
#include "query/tree.h"

struct query_needs {
    enum query_phase phase; /* the latest of all its conditions */
    bool request_body, response_body;
    bool head;  /* any head's bytes */
    bool marks; /* note, tag, colour */
    bool scope;
};

struct query_needs query_needs(const struct query_tree *tree);

/* ERR_DENIED, with the place of the first condition that needs more in *ret_error, when the query cannot be answered
 * at that phase. */
MUST_CHECK struct err query_needs_check(const struct query_tree *tree, enum query_phase phase,
                                        struct query_error *ret_error);

#endif
