/* parser.h - what the parts of the parser share: the state, errors with their place, and making of nodes.
 *
 * parse.c is the grammar; compare.c gives comparisons their types; predicate.c knows "is:tunnel" and its like.
 * Every function that fails has filled the caller's query_error.
 */
#ifndef QUERY_PARSER_H
#define QUERY_PARSER_H

#include "query/lexer.h"
#include "query/literal.h"
#include "query/parse.h"
#include "query/tree.h"

struct query_parser {
    struct query_lexer lexer;
    struct query_tree *tree;
    struct query_literal_clock clock;
    struct query_error *error;
    size_t nesting;
    struct query_token token; /* the one that comes next, read as an operand */
};

/* A stretch of the text. */
struct query_span {
    size_t position, len;
};

/* Fills the error and returns ERR_SYNTAX.  `suggestion` may be STR_NONE. */
MUST_CHECK struct err query_parser_fault(struct query_parser *parser, struct query_span span, struct str suggestion,
                                         const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for a limit: ERR_LIMIT. */
MUST_CHECK struct err query_parser_limit(struct query_parser *parser, struct query_span span, const char *what,
                                         unsigned max);

/* Reads the next token; a fault of the lexer becomes the error. */
MUST_CHECK struct err query_parser_next(struct query_parser *parser, enum query_lexer_place place,
                                        struct query_token *ret_token);
static inline struct query_span query_parser_span(const struct query_token *token)
{
    return (struct query_span){token->position, token->len};
}

/* Memory of the tree; running out is an error of the query. */
MUST_CHECK struct err query_parser_alloc(struct query_parser *parser, size_t size, void **ret_memory);
/* A zeroed node, counted against the limit. */
MUST_CHECK struct err query_parser_node(struct query_parser *parser, enum query_node_type type, struct query_span span,
                                        struct query_node **ret_node);
MUST_CHECK struct err query_parser_not(struct query_parser *parser, struct query_span span, struct query_node *child,
                                       struct query_node **ret_node);

/* Nodes that become the children of an AND or OR. */
struct query_group {
    struct query_node **nodes;
    size_t count, size;
};

MUST_CHECK struct err query_parser_add(struct query_parser *parser, struct query_group *group, struct query_node *node);
/* One node: itself.  Several: a node of that type with them, cheapest first. */
MUST_CHECK struct err query_parser_close(struct query_parser *parser, enum query_node_type type,
                                         struct query_group *group, struct query_node **ret_node);

/* The folded form of a text, in the tree. */
MUST_CHECK struct err query_parser_fold(struct query_parser *parser, struct str text, struct str *ret_folded);

/* A printable form of a user's text for a message, cut when long. */
struct query_shown {
    char text[64];
};
struct query_shown query_parser_shown(struct str text);

#endif
