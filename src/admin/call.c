#include "admin/call.h"

#include "admin/param.h"

bool admin_call_id(struct admin_call *call, size_t index, uint64_t *ret_id)
{
    if (str_to_u64(call->args[index], ret_id) && *ret_id > 0 && *ret_id <= INT64_MAX)
        return true;
    admin_problem_reply(&call->reply, 404, "There is no exchange of that number.");
    return false;
}

bool admin_call_reader(struct admin_call *call, struct store_reader **ret_reader)
{
    struct err err = admin_worker_reader(call->job, ret_reader);

    if (!err_is(err))
        return true;
    admin_problem_of_err(&call->reply, err);
    return false;
}

bool admin_call_params(struct admin_call *call, const struct str *names, struct str *values, size_t count)
{
    struct str wrong = STR_NONE;
    struct err err =
        admin_param_read(call->request->query, call->arena, &(struct admin_param_table){names, values, count}, &wrong);

    if (!err_is(err))
        return true;
    admin_problem_of_parameter(&call->reply, wrong, err.what);
    return false;
}

bool admin_call_number(struct admin_call *call, struct str name, struct str value, uint64_t fallback,
                       uint64_t *ret_number)
{
    if (!value.ptr) {
        *ret_number = fallback;
        return true;
    }
    if (str_to_u64(value, ret_number) && *ret_number <= INT64_MAX)
        return true;
    admin_problem_of_parameter(&call->reply, name, "This must be a whole number.");
    return false;
}
