#include "cli/answer.h"

#include <jansson.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/say.h"

static void tell_problem(const char *command, unsigned status, struct str body)
{
    json_error_t error;
    json_t *problem = json_loadb(body.ptr ? body.ptr : "", body.len, 0, &error);
    const char *title = json_string_value(json_object_get(problem, "title"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    char safe_title[300], safe_detail[900];

    log_safe(str_from(title ? title : "it refused"), safe_title, sizeof(safe_title));
    log_safe(str_from(detail ? detail : ""), safe_detail, sizeof(safe_detail));
    cli_say_error("%s: the running sekisho answered %u: %s%s%s", command, status, safe_title, detail ? ": " : "",
                  safe_detail);
    json_decref(problem);
}

int cli_answer_check(const char *command, struct err err, unsigned status, struct str body)
{
    if (err_is(err)) {
        cli_say_error("%s: the running sekisho does not answer: %s (%s)", command, err.what ? err.what : "",
                      err_name(err.code));
        return CLI_FAILED;
    }
    if (status >= 200 && status < 300)
        return CLI_DONE;
    tell_problem(command, status, body);
    return CLI_FAILED;
}
