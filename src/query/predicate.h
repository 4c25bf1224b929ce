/* predicate.h - "in:scope", "is:tunnel", "has:response", "from:sender": short forms of comparisons. */
#ifndef QUERY_PREDICATE_H
#define QUERY_PREDICATE_H

#include "query/parser.h"

/* Whether a word followed by ':' begins a predicate. */
bool query_predicate_is(struct str word);
/* The node of `word`:`value`. */
MUST_CHECK struct err query_predicate_node(struct query_parser *parser, const struct query_token *word,
                                           const struct query_token *value, struct query_node **ret_node);

/* The table, for hints: "is", "tunnel" and a few words about it; false past the end. */
bool query_predicate_at(size_t index, struct str *ret_word, struct str *ret_value, struct str *ret_about);

#endif
