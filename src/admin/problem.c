#include "admin/problem.h"

#include "query/parse.h"

static void begin(struct admin_reply *reply, unsigned status, struct str type, struct str detail,
                  struct jsonout *ret_out)
{
    admin_reply_start(reply, status, ADMIN_REPLY_PROBLEM);
    jsonout_init(ret_out, &reply->body);
    jsonout_object_open(ret_out, STR_NONE);
    jsonout_text(ret_out, STR("type"), type);
    jsonout_text(ret_out, STR("title"), str_from(admin_reply_reason(status)));
    jsonout_uint(ret_out, STR("status"), status);
    jsonout_text(ret_out, STR("detail"), detail);
}

static void end(struct jsonout *out)
{
    jsonout_object_close(out);
    /* Everything that goes into a problem is far smaller than the body's maximum. */
    CHECK(!err_is(jsonout_finish(out)));
}

void admin_problem_reply(struct admin_reply *reply, unsigned status, const char *detail)
{
    struct jsonout out;

    begin(reply, status, STR("about:blank"), str_from(detail), &out);
    end(&out);
}

void admin_problem_of_err(struct admin_reply *reply, struct err err)
{
    unsigned status = 500;

    switch (err.code) {
    case ERR_ABSENT:
        status = 404;
        break;
    case ERR_SYNTAX:
        status = 400;
        break;
    case ERR_LIMIT:
        status = 413;
        break;
    case ERR_DENIED:
        status = 403;
        break;
    case ERR_BUSY:
    case ERR_CANCELLED:
    case ERR_TIMEOUT:
        status = 503;
        break;
    default:
        break;
    }
    admin_problem_reply(reply, status, err.what ? err.what : err_name(err.code));
}

void admin_problem_of_query(struct admin_reply *reply, const struct query_error *error)
{
    struct jsonout out;

    begin(reply, 400, STR("urn:sekisho:problem:query"), str_from(error->message), &out);
    jsonout_uint(&out, STR("position"), error->position);
    jsonout_uint(&out, STR("length"), error->len);
    jsonout_uint(&out, STR("line"), error->line);
    jsonout_uint(&out, STR("column"), error->column);
    jsonout_bytes(&out, STR("suggestion"), str_from(error->suggestion));
    end(&out);
}

void admin_problem_of_parameter(struct admin_reply *reply, struct str name, const char *detail)
{
    struct jsonout out;

    begin(reply, 400, STR("urn:sekisho:problem:parameter"), str_from(detail), &out);
    jsonout_text(&out, STR("parameter"), str_head(name, 200));
    end(&out);
}
