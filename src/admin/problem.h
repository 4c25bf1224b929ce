/* problem.h - errors as application/problem+json (RFC 9457): what, why, and what to do. */
#ifndef ADMIN_PROBLEM_H
#define ADMIN_PROBLEM_H

#include "admin/reply.h"

struct query_error;

/* Replaces whatever the reply holds.  `detail` is one sentence for a person. */
void admin_problem_reply(struct admin_reply *reply, unsigned status, const char *detail);
/* Of an error from below: ERR_ABSENT 404, ERR_SYNTAX 400, ERR_LIMIT 413, ERR_DENIED 403, ERR_BUSY 503, ERR_CANCELLED
 * and ERR_TIMEOUT 503, ERR_DAMAGED and all others 500. */
void admin_problem_of_err(struct admin_reply *reply, struct err err);
/* 400 with position, line, column and suggestion beside it. */
void admin_problem_of_query(struct admin_reply *reply, const struct query_error *error);
/* 400 that names the parameter or member that is wrong. */
void admin_problem_of_parameter(struct admin_reply *reply, struct str name, const char *detail);

#endif
