/* fuzz_http_target.c - the parts of a target lie inside it, and an authority's parts make it up again.
 *
 * Input: the method, a NUL, the target.
 */
#include "http/target.h"

static void check_inside(struct str part, struct str whole)
{
    if (part.len)
        CHECK(part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_authority(const struct http_authority *authority, struct str whole)
{
    CHECK(authority->host.len > 0);
    check_inside(authority->host, whole);
    check_inside(authority->userinfo, whole);
    CHECK(str_find_char(authority->host, '/') == STR_ABSENT);
    CHECK(str_find_char(authority->host, ' ') == STR_ABSENT);
    CHECK(str_find_char(authority->host, '\0') == STR_ABSENT);
    CHECK(str_find_char(authority->host, '\n') == STR_ABSENT);
    CHECK(authority->is_ip6 || str_find_char(authority->host, ':') == STR_ABSENT);
}

static void check_target(struct str method, struct str text)
{
    struct http_target target;
    struct str extension;

    if (err_is(http_target_parse(method, text, &target)))
        return;
    check_inside(target.scheme, text);
    check_inside(target.path, text);
    check_inside(target.query, text);
    check_inside(target.origin_form, text);
    CHECK(str_starts(target.origin_form, target.path));
    if (target.form != HTTP_TARGET_AUTHORITY)
        CHECK(target.origin_form.len == target.path.len + target.query.len + target.has_query);
    if (target.form == HTTP_TARGET_ABSOLUTE || target.form == HTTP_TARGET_AUTHORITY)
        check_authority(&target.authority, text);
    else
        CHECK(target.authority.host.len == 0 && str_eq(target.origin_form, text));
    extension = http_target_extension(target.path);
    check_inside(extension, text);
    CHECK(extension.len <= 16 && str_find_char(extension, '/') == STR_ABSENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct http_authority authority;
    struct str method;
    struct str target;

    str_cut((struct str){(const char *)bytes, len}, '\0', &method, &target);
    check_target(method, target);
    if (!err_is(http_target_parse_authority(target, &authority)))
        check_authority(&authority, target);
    return 0;
}
