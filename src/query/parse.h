/* parse.h - from the text of a query to its tree.
 *
 * The language, its fields and its errors are described in docs/query.md.  The tree is immutable: any number of threads
 * may evaluate, compile and inspect it at once.  It owns what it needs (a copy of the text, compiled regexes), nothing
 * of the caller's.
 *
 * Limits, each an error with its place: text, nesting of parentheses and NOT, conditions, members of IN lists, regexes.
 */
#ifndef QUERY_PARSE_H
#define QUERY_PARSE_H

#include "base/err.h"
#include "base/str.h"
#include "query/tree.h"

enum {
    QUERY_PARSE_TEXT_BYTES_MAX = 64 * 1024,
    QUERY_PARSE_NESTING_MAX = 64,
    QUERY_PARSE_NODES_MAX = 10000,
    QUERY_PARSE_LIST_MAX = 1000,
    QUERY_PARSE_REGEXES_MAX = 256,
};

struct query_parse_options {
    int64_t now_us;       /* wall clock; relative times ("-10m", "today") are fixed against it here */
    int32_t utc_offset_s; /* local time minus UTC: what "today" and times without a zone mean */
};

/* What is wrong with a query, and where. */
struct query_error {
    size_t position;      /* byte offset in the text, 0 to its length */
    size_t len;           /* bytes from there that are wrong; 0 at the end of the text */
    unsigned line;        /* from 1 */
    unsigned column;      /* from 1, in code points */
    char message[256];    /* one sentence for a person, UTF-8 */
    char suggestion[128]; /* what could stand there instead; empty when there is no idea */
};

/* The empty query matches everything.  ERR_SYNTAX (also for wrong types and unknown names) and ERR_LIMIT fill
 * *ret_error. */
MUST_CHECK struct err query_parse(struct str text, const struct query_parse_options *options,
                                  struct query_tree **ret_tree, struct query_error *ret_error);

/* Fills position, length, line and column of an error about a stretch of the text, and clears the rest. */
void query_parse_place(struct str text, size_t position, size_t len, struct query_error *ret_error);

#endif
