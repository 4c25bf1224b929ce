/* param.h - the parameters of a query or a form body (application/x-www-form-urlencoded). */
#ifndef HTTP_PARAM_H
#define HTTP_PARAM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct http_param {
    struct str name; /* as written, undecoded */
    struct str value;
    bool has_value; /* there was a '=' */
};

/* Takes the next parameter from *rest; false at the end.  Empty ones ("a=1&&b=2") are skipped. */
bool http_param_next(struct str *rest, struct http_param *ret_param);

/* %41 to A and + to space, as in a query or form.  What is no valid escape stays.  Returns `coded` itself when there is
 * nothing to decode.  ERR_LIMIT: the arena is full. */
MUST_CHECK struct err http_param_decode(struct arena *arena, struct str coded, struct str *ret_text);
/* The same without '+', for paths. */
MUST_CHECK struct err http_param_decode_path(struct arena *arena, struct str coded, struct str *ret_text);

#endif
