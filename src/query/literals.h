/* literals.h - texts that an exchange must hold to match a query: what an index of text is asked for.
 *
 * They are true of every exchange that the query accepts, and of others: whatever is no text condition, is negated or
 * is not understood asks for nothing.  Texts are folded (fold.h) and at least QUERY_LITERALS_LEN_MIN bytes long.  They
 * stand in two documents of an exchange:
 *   heads    the heads of request and response, and the URL
 *   bodies   the text of both bodies
 */
#ifndef QUERY_LITERALS_H
#define QUERY_LITERALS_H

#include "base/arena.h"
#include "query/tree.h"

#define QUERY_LITERALS_LEN_MIN 3u
#define QUERY_LITERALS_MAX 64u /* texts in one query; a query with more asks for nothing */
#define QUERY_LITERALS_ROWS_MAX 4u

enum query_literals_type {
    QUERY_LITERALS_TEXT,
    QUERY_LITERALS_AND,
    QUERY_LITERALS_OR,
    QUERY_LITERALS_ROWS, /* in an OR beside texts: a condition on columns alone, which SQL finds (sql.h) */
};

struct query_literals {
    enum query_literals_type type;
    struct str folded;        /* TEXT */
    bool in_heads, in_bodies; /* TEXT: where it may stand; in one of them, when both are set */
    struct query_literals **children;
    size_t child_count;            /* AND, OR: one or more */
    const struct query_node *node; /* ROWS */
};

/* NULL: any exchange may match.  Lives in the arena and the tree. */
const struct query_literals *query_literals(const struct query_tree *tree, struct arena *arena);

#endif
