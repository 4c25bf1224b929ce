/* param.h - the query part of a URL as named values ("a=1&b=%20"), strictly. */
#ifndef ADMIN_PARAM_H
#define ADMIN_PARAM_H

#include "base/arena.h"

struct admin_param_table {
    const struct str *names;
    struct str *values; /* filled: in the arena, decoded; ptr NULL where absent */
    size_t count;
};

/* ERR_SYNTAX, with the name in *ret_wrong: unknown, repeated, or a bad escape.  ERR_LIMIT: the arena is full. */
MUST_CHECK struct err admin_param_read(struct str query, struct arena *arena, const struct admin_param_table *table,
                                       struct str *ret_wrong);
/* Undoes %XX, and '+' as a space (the form encoding of HTML). */
MUST_CHECK struct err admin_param_decode(struct str text, struct arena *arena, struct str *ret_text);

#endif
