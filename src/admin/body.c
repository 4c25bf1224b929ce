#include "admin/body.h"

#include "admin/call.h"

/* The depth of brackets outside of strings; wrong nesting is the parser's to find. */
static bool is_too_deep(struct str text)
{
    size_t depth = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (is_in_string && c == '\\')
            i++;
        else if (c == '"')
            is_in_string = !is_in_string;
        else if (!is_in_string && (c == '[' || c == '{') && ++depth > ADMIN_BODY_DEPTH_MAX)
            return true;
        else if (!is_in_string && (c == ']' || c == '}') && depth > 0)
            depth--;
    }
    return false;
}

struct err admin_body_parse(struct str text, json_t **ret_value)
{
    json_error_t error;

    if (is_too_deep(text))
        return ERR(ERR_LIMIT, 400, "The JSON is nested too deeply.");
    /* NUL is nowhere allowed in JSON, and the parser takes one for the end of the text. */
    if (str_find_char(text, '\0') != STR_ABSENT)
        return ERR(ERR_SYNTAX, 400, "The body holds a NUL byte.");
    *ret_value = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    return *ret_value ? OK : ERR(ERR_SYNTAX, 400, "The body is not JSON, names a member twice, or holds a NUL.");
}

static bool is_named(const char *key, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(str_from(key), str_from(names[i])))
            return true;
    }
    return false;
}

/* NULL, or a member that has no name here. */
static const char *stranger(json_t *object, const char *const *names, size_t count)
{
    for (void *place = json_object_iter(object); place; place = json_object_iter_next(object, place)) {
        if (!is_named(json_object_iter_key(place), names, count))
            return json_object_iter_key(place);
    }
    return NULL;
}

bool admin_body_object(struct admin_call *call, const char *const *names, size_t count, json_t **ret_object)
{
    json_t *object = NULL;
    struct err err = admin_body_parse(call->request->body, &object);
    const char *unknown;

    if (!err_is(err) && !json_is_object(object))
        err = ERR(ERR_SYNTAX, 400, "The body must be a JSON object.");
    if (err_is(err)) {
        json_decref(object);
        admin_problem_reply(&call->reply, 400, err.what);
        return false;
    }
    unknown = stranger(object, names, count);
    if (unknown) {
        admin_problem_of_parameter(&call->reply, str_from(unknown), "There is no member of that name.");
        json_decref(object);
        return false;
    }
    *ret_object = object;
    return true;
}

bool admin_body_text(struct admin_call *call, const json_t *object, const char *name, struct str *ret_text)
{
    const json_t *value = json_object_get(object, name);

    if (value && !json_is_string(value)) {
        admin_problem_of_parameter(&call->reply, str_from(name), "This must be text.");
        return false;
    }
    *ret_text = value ? (struct str){json_string_value(value), json_string_length(value)} : STR_NONE;
    return true;
}
