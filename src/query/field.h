/* field.h - the fields of the query language: one table says name, other names, type, where the value comes from, when
 * it is known.  Parser, evaluator, SQL, hints and the manual follow it.
 */
#ifndef QUERY_FIELD_H
#define QUERY_FIELD_H

#include "base/str.h"
#include "model/facts.h"
#include "query/column.h"

enum query_type {
    QUERY_TEXT,
    QUERY_INTEGER,
    QUERY_SIZE,     /* bytes */
    QUERY_DURATION, /* microseconds */
    QUERY_TIME,     /* microseconds since 1970 */
    QUERY_BOOLEAN,
};

/* When a thing is known, in the order of an exchange's life. */
enum query_phase {
    QUERY_AT_BEGIN, /* addresses, TLS of the client */
    QUERY_AT_REQUEST_HEAD,
    QUERY_AT_REQUEST_END, /* the whole request body */
    QUERY_AT_RESPONSE_HEAD,
    QUERY_AT_RESPONSE_END,
    QUERY_AT_END, /* times, final lengths, title, what people wrote */
};

/* Where a value comes from, in order of the cost of getting it. */
enum query_origin {
    QUERY_FROM_COLUMN, /* with orig.: from the original head */
    QUERY_FROM_PROJECT,
    QUERY_FROM_URL, /* made of scheme, host, port, path and query */
    QUERY_FROM_MARKS,
    QUERY_FROM_HEADER,  /* the values of field [name] */
    QUERY_FROM_HEADERS, /* whole field lines */
    QUERY_FROM_COOKIE,
    QUERY_FROM_PARAM,
    QUERY_FROM_WS,
    QUERY_FROM_BODY,
    QUERY_FROM_RAW,
};

struct query_field {
    const char *name;
    const char *aliases; /* joined by ' '; "" for none */
    enum query_type type;
    enum query_origin origin;
    enum query_column column;
    enum exchange_side side;
    enum query_phase phase;
    unsigned traits;   /* QUERY_FIELD_* */
    const char *json;  /* the key in JSON rows; "" where rows do not have it */
    const char *about; /* a few words for the manual and for hints */
};

enum {
    QUERY_FIELD_NAMED = 1,  /* takes [name] */
    QUERY_FIELD_LIST = 2,   /* several values joined by ',': a comparison is true when it is for one of them */
    QUERY_FIELD_NOCASE = 4, /* equality ignores case */
    QUERY_FIELD_LOWER = 8, /* values are lower-case ASCII where they are letters: what it is compared with is lowered */
    QUERY_FIELD_ORIGINAL = 16, /* has an orig. form */
    QUERY_FIELD_BYTES = 32,    /* regexes see bytes, not UTF-8 */
};

/* The table, in the manual's order. */
const struct query_field *query_field_at(size_t index);
size_t query_field_count(void);

/* What a name stands for: one field, or two where a short name means either side ("header", "tls.version"). */
struct query_field_match {
    const struct query_field *fields[2];
    size_t count;
    bool is_original; /* the name began with "orig." */
};

/* By name, alias or short name, in any case; [name] not included.  False when there is no such field. */
bool query_field_find(struct str name, struct query_field_match *ret_match);
/* The name (of any kind) nearest to a wrong one by edit distance; STR_NONE when nothing is near. */
struct str query_field_nearest(struct str name);

/* "text", "integer", "size", ... */
const char *query_field_type_name(enum query_type type);

#endif
