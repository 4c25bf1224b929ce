/* eval.h - whether an exchange matches a query.
 *
 * The decision of this function is the query's meaning; SQL only finds candidates faster.  Conditions are looked at in
 * order of cost: facts, heads, marks, bodies.  What is absent makes a comparison false; NOT is two-valued.
 */
#ifndef QUERY_EVAL_H
#define QUERY_EVAL_H

#include "base/err.h"
#include "query/regex.h"
#include "query/subject.h"
#include "query/tree.h"

/* An error (a regex at its limit: ERR_LIMIT; is_over: ERR_CANCELLED; a part that could not be loaded: the subject's) is
 * returned when the answer hangs on the condition that had it, and only then: it never means "no match".  After an
 * error the same tree and subject may be used again.  `limits` NULL: the default. */
MUST_CHECK struct err query_eval(const struct query_tree *tree, struct query_subject *subject,
                                 const struct query_regex_limits *limits, bool *ret_is_match);

#endif
