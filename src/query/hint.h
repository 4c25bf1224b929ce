/* hint.h - what may come next while a query is being typed. */
#ifndef QUERY_HINT_H
#define QUERY_HINT_H

#include "base/str.h"

enum query_hint_kind {
    QUERY_HINT_FIELD,
    QUERY_HINT_OPERATOR,
    QUERY_HINT_PREDICATE,
    QUERY_HINT_KEYWORD,
    QUERY_HINT_VALUE, /* values of fields with few values; those seen in a project are the caller's to add */
};

struct query_hint {
    enum query_hint_kind kind;
    struct str text;  /* static */
    struct str about; /* a few words, static; may be empty */
};

struct query_hints {
    size_t start;     /* the hints replace the text from here ... */
    size_t len;       /* ... over this many bytes */
    struct str field; /* the canonical name of the field whose value is being typed, static; empty when it is none */
    size_t count;
    struct query_hint hints[96];
};

/* For the cursor at byte `position`; never fails, whatever the text is. */
void query_hint(struct str text, size_t position, struct query_hints *ret_hints);

#endif
