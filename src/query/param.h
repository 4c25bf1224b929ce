/* param.h - finding named values in a request: query and form parameters, multipart fields, cookies, leaves of JSON.
 *
 * Input is whatever came: what does not parse yields the values before it, and never fails.  Every value of the name is
 * given to the visitor, decoded, until it has seen enough; there may be several.
 */
#ifndef QUERY_PARAM_H
#define QUERY_PARAM_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct query_param_visitor {
    struct str name;
    /* `value` is borrowed for the call.  Returns whether the search is over. */
    bool (*on_value)(void *owner, struct str value);
    void *owner;
    struct buf *scratch; /* for decoded text; its maximum bounds one value: ERR_LIMIT past it */
};

/* name=value pairs joined by '&', with %HH and '+' decoded.  *ret_is_over: the visitor said so, here and below. */
MUST_CHECK struct err query_param_urlencoded(const struct query_param_visitor *visitor, struct str text,
                                             bool *ret_is_over);
/* multipart/form-data (RFC 7578): the contents of the parts with that name. */
MUST_CHECK struct err query_param_multipart(const struct query_param_visitor *visitor, struct str text,
                                            struct str boundary, bool *ret_is_over);
/* name=value pairs joined by ';', as they are. */
MUST_CHECK struct err query_param_cookies(const struct query_param_visitor *visitor, struct str text,
                                          bool *ret_is_over);

#endif
