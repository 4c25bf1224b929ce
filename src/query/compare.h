/* compare.h - comparisons: what a name stands for, what an operator and a value mean for its type. */
#ifndef QUERY_COMPARE_H
#define QUERY_COMPARE_H

#include "query/parser.h"

/* The left side, and the operator. */
struct query_compare {
    struct query_field_match match;
    struct str name; /* [name] */
    struct query_span span;
    enum query_op op;
    bool is_negated;
    bool is_pattern; /* dotted "like": the value is a pattern with % and _ */
};

/* From a word: "req.host", "req.header[X]", "req.method.eq".  A dotted operator is only looked for where `next` is ':';
 * *ret_has_op tells that one was there, and then op, is_negated and is_pattern are set. */
MUST_CHECK struct err query_compare_name(struct query_parser *parser, const struct query_token *word,
                                         const struct query_token *next, struct query_compare *ret_compare,
                                         bool *ret_has_op);
/* Sets op and is_negated from an operator; an operator that the field's type has not is an error. */
MUST_CHECK struct err query_compare_op(struct query_parser *parser, const struct query_token *token,
                                       struct query_compare *compare);
/* What a token means as a value of the field. */
MUST_CHECK struct err query_compare_value(struct query_parser *parser, const struct query_compare *compare,
                                          const struct query_token *token, struct query_value *ret_value);
/* The finished node, NOT and the OR of two fields included. */
MUST_CHECK struct err query_compare_node(struct query_parser *parser, const struct query_compare *compare,
                                         struct query_value *values, size_t value_count, struct query_node **ret_node);

#endif
