#include "http/message.h"

#include "http/field.h"

const struct http_field *http_message_next(const struct http_message *message, struct str name,
                                           const struct http_field *previous)
{
    size_t start = previous ? (size_t)(previous - message->fields) + 1 : 0;

    for (size_t i = start; i < message->field_count; i++) {
        if (str_eq_nocase(message->fields[i].name, name))
            return &message->fields[i];
    }
    return NULL;
}

const struct http_field *http_message_field(const struct http_message *message, struct str name)
{
    return http_message_next(message, name, NULL);
}

size_t http_message_count(const struct http_message *message, struct str name)
{
    const struct http_field *field = NULL;
    size_t count = 0;

    while ((field = http_message_next(message, name, field)))
        count++;
    return count;
}

bool http_message_has_token(const struct http_message *message, struct str name, struct str token)
{
    const struct http_field *field = NULL;

    while ((field = http_message_next(message, name, field))) {
        struct str rest = field->value;
        struct str member;

        while (http_field_next_member(&rest, &member)) {
            if (str_eq_nocase(member, token))
                return true;
        }
    }
    return false;
}

struct str http_message_version_name(enum http_version version)
{
    switch (version) {
    case HTTP_VERSION_09:
        return STR("HTTP/0.9");
    case HTTP_VERSION_10:
        return STR("HTTP/1.0");
    case HTTP_VERSION_11:
        return STR("HTTP/1.1");
    case HTTP_VERSION_2:
        return STR("HTTP/2");
    case HTTP_VERSION_UNKNOWN:
        break;
    }
    return STR("");
}
