#include "proxy/auth.h"

#include "proxy/upstream.h"

#define EXPECTED_BYTES 1024

bool proxy_auth_is_given(const struct proxy_options *options, const struct http_message *request)
{
    const struct http_field *field = http_message_field(request, STR("proxy-authorization"));
    char expected[EXPECTED_BYTES] = "Basic ";
    size_t len;
    unsigned difference = 0;

    if (options->proxy_auth.len == 0)
        return true;
    if (!proxy_upstream_base64(options->proxy_auth, expected + 6, sizeof(expected) - 6) || !field)
        return false;
    len = strlen(expected);
    if (field->value.len != len)
        return false;
    /* In constant time, so that the answer's time tells nothing of the password. */
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned)(unsigned char)field->value.ptr[i] ^ (unsigned char)expected[i];
    return difference == 0;
}
