/* tree.h - a parsed query: immutable, made by query_parse() alone, read by evaluator, SQL and inspection.
 *
 * `a != b`, `a !: b`, `a !~ b` are NOT nodes over the plain comparison; predicates ("is:tunnel") and short names for
 * two fields are written out as comparisons; AND and OR have two or more children, cheapest first.  Depth is bounded by
 * the parser's nesting limit, so walking it by recursion is safe.
 */
#ifndef QUERY_TREE_H
#define QUERY_TREE_H

#include "base/arena.h"
#include "base/str.h"
#include "query/field.h"
#include "query/regex.h"

enum query_node_type {
    QUERY_NODE_AND,
    QUERY_NODE_OR,
    QUERY_NODE_NOT,
    QUERY_NODE_COMPARE,
    QUERY_NODE_ANYWHERE, /* text anywhere in URL, heads or bodies */
    QUERY_NODE_IN_SCOPE,
};

enum query_op {
    QUERY_OP_PRESENT, /* the field has a value; no operand */
    QUERY_OP_EQUAL,   /* to one of the values */
    QUERY_OP_LESS,
    QUERY_OP_LESS_EQUAL,
    QUERY_OP_GREATER,
    QUERY_OP_GREATER_EQUAL,
    QUERY_OP_CONTAINS,
    QUERY_OP_MATCHES,
};

struct query_value {
    struct str text;           /* TEXT: as compared (lowered or folded where the field says so) */
    struct str folded;         /* CONTAINS and ANYWHERE: folded */
    int64_t integer;           /* every other type */
    int64_t until;             /* TIME with EQUAL: the first microsecond after what is meant (a day, or an instant) */
    struct query_regex *regex; /* MATCHES; its pattern is `text` */
    bool is_extended;          /* MATCHES: the pattern has the flag x */
};

struct query_node {
    enum query_node_type type;
    size_t position, len; /* where it stands in the text */
    unsigned cost;        /* relative, for the order of children */

    struct query_node **children; /* AND, OR: two or more; NOT: one */
    size_t child_count;

    const struct query_field *field; /* COMPARE */
    bool is_original;
    struct str name; /* [name]; empty when the field takes none */
    enum query_op op;
    struct query_value *values; /* one, for EQUAL one or more, for PRESENT none; ANYWHERE: one */
    size_t value_count;
};

struct query_tree {
    struct arena arena;
    struct str text;         /* as typed */
    struct query_node *root; /* NULL: everything matches */
    size_t node_count;
    struct query_regex **regexes;
    size_t regex_count;
};

/* Frees it and its regexes; sets *tree to NULL. */
void query_tree_free(struct query_tree **tree);

#endif
