/* body.h - the JSON of a request, with limits (RFC 8259).
 *
 * The body must be one object in UTF-8, at most ADMIN_BODY_DEPTH_MAX deep, no name twice, no NUL in any text, and no
 * member that the handler does not name.
 */
#ifndef ADMIN_BODY_H
#define ADMIN_BODY_H

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"

#define ADMIN_BODY_DEPTH_MAX 32

struct admin_call;

/* Whether it is JSON that passes the limits, whatever it says; *ret_value is the caller's. */
MUST_CHECK struct err admin_body_parse(struct str text, json_t **ret_value);
/* The request's object with no other members than `names`.  False after it has answered 400. */
bool admin_body_object(struct admin_call *call, const char *const *names, size_t count, json_t **ret_object);
/* A member's text; STR_NONE (ptr NULL) when absent.  False after it has answered 400 because it is no text. */
bool admin_body_text(struct admin_call *call, const json_t *object, const char *name, struct str *ret_text);

#endif
