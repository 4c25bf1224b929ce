#include "proxy/loopmark.h"

bool proxy_loopmark_is_loop(const struct proxy_options *options, const struct http_message *message)
{
    const struct http_field *field = http_message_field(message, STR(PROXY_LOOPMARK_FIELD));

    if (!field || options->instance.len == 0)
        return false;
    return field->value.len > PROXY_LOOPMARK_BYTES_MAX ||
           http_message_has_token(message, STR(PROXY_LOOPMARK_FIELD), options->instance);
}

struct str proxy_loopmark_of(const struct http_message *message)
{
    const struct http_field *field = http_message_field(message, STR(PROXY_LOOPMARK_FIELD));

    return field ? str_head(field->value, PROXY_LOOPMARK_BYTES_MAX) : STR_NONE;
}

static bool is_on_this_machine(struct str host)
{
    struct os_addr addr;

    if (str_eq_nocase(host, STR("localhost")))
        return true;
    return !err_is(os_addr_parse(host, 0, &addr)) && os_addr_is_local(&addr);
}

struct str proxy_loopmark_next(const struct proxy_options *options, const struct proxy_upstream *upstream,
                               struct str before, char text[PROXY_LOOPMARK_BYTES_MAX * 2])
{
    if (upstream->kind != PROXY_UPSTREAM_HTTP || options->instance.len == 0 || !is_on_this_machine(upstream->host))
        return STR_NONE;
    snprintf(text, PROXY_LOOPMARK_BYTES_MAX * 2, "%.*s%s%.*s", STR_ARG(before), before.len ? ", " : "",
             STR_ARG(options->instance));
    return str_from(text);
}
