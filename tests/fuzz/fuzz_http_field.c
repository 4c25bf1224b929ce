/* fuzz_http_field.c - members and parameters lie inside the value, in order, trimmed, and the walk ends.
 *
 * Input: the name of a parameter, a NUL, a field value.  The same value is read as cookies and as query parameters.
 */
#include "http/cookie.h"
#include "http/field.h"
#include "http/param.h"

static void check_inside(struct str part, struct str whole)
{
    if (part.len)
        CHECK(part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_members(struct str value)
{
    struct str rest = value;
    struct str member;
    const char *end = value.ptr;

    while (http_field_next_member(&rest, &member)) {
        CHECK(member.len > 0);
        CHECK(member.ptr >= end);
        CHECK(str_eq(member, str_trim(member)));
        end = member.ptr + member.len;
        check_inside(member, value);
    }
    CHECK(rest.len == 0);
}

static void check_cookies(struct str value)
{
    struct http_cookie_set cookie;
    struct http_cookie_pair pair;
    struct str rest = value;

    while (http_cookie_next(&rest, &pair)) {
        CHECK(pair.name.len || pair.value.len);
        check_inside(pair.name, value);
        check_inside(pair.value, value);
    }
    CHECK(rest.len == 0);
    if (!http_cookie_parse_set(value, &cookie))
        return;
    check_inside(cookie.name, value);
    check_inside(cookie.value, value);
    check_inside(cookie.domain, value);
    check_inside(cookie.attributes, value);
}

static void check_params(struct str value)
{
    struct arena arena;
    struct http_param param;
    struct str rest = value;
    struct str text;

    arena_init(&arena, (size_t)1024 * 1024);
    while (http_param_next(&rest, &param)) {
        check_inside(param.name, value);
        check_inside(param.value, value);
        if (!err_is(http_param_decode(&arena, param.value, &text)))
            CHECK(text.len <= param.value.len);
        arena_reset(&arena);
    }
    CHECK(rest.len == 0);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str name;
    struct str value;
    struct str found;

    str_cut((struct str){(const char *)bytes, len}, '\0', &name, &value);
    check_members(value);
    if (http_field_parameter(value, name, &found))
        check_inside(found, value);
    check_inside(http_field_media_type(value), value);
    CHECK(http_field_token_len(value) <= value.len);
    check_cookies(value);
    check_params(value);
    return 0;
}
