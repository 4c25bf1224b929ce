#include "admin/auth.h"

#include "http/field.h"
#include "http/target.h"

#include <openssl/crypto.h>

#define HTTP_PORT 80
#define PASS ((struct admin_auth_verdict){0, NULL})
#define REFUSE(status, detail) ((struct admin_auth_verdict){(status), (detail)})

void admin_auth_init(struct admin_auth *auth, const struct admin_token *token)
{
    *auth = (struct admin_auth){.token = *token};
}

struct err admin_auth_allow_host(struct admin_auth *auth, struct str host)
{
    if (auth->extra_host_count == ADMIN_AUTH_HOST_MAX)
        return ERR(ERR_LIMIT, 0, "too many host names for the admin page");
    auth->extra_hosts[auth->extra_host_count++] = host;
    return OK;
}

/* `host` is `name`, with `port` behind it unless that is the default one. */
static bool is_name_and_port(struct str host, struct str name, uint16_t port)
{
    char digits[8];

    if (!str_starts_nocase(host, name))
        return false;
    host = str_skip(host, name.len);
    if (host.len == 0)
        return port == HTTP_PORT;
    snprintf(digits, sizeof(digits), ":%u", (unsigned)port);
    return str_eq(host, str_from(digits));
}

bool admin_auth_is_our_host(const struct admin_auth *auth, struct str host, const struct os_addr *local)
{
    char text[OS_ADDR_TEXT_BYTES];
    char bracketed[OS_ADDR_TEXT_BYTES + 2];

    os_addr_format_ip(local, text);
    snprintf(bracketed, sizeof(bracketed), local->family == OS_FAMILY_IP6 ? "[%s]" : "%s", text);
    if (is_name_and_port(host, str_from(bracketed), local->port))
        return true;
    if (os_addr_is_loopback(local) && is_name_and_port(host, STR("localhost"), local->port))
        return true;
    for (size_t i = 0; i < auth->extra_host_count; i++) {
        if (str_eq_nocase(host, auth->extra_hosts[i]))
            return true;
    }
    return false;
}

static struct admin_auth_verdict check_host(const struct admin_auth *auth, const struct http_message *message,
                                            const struct os_addr *local)
{
    const struct http_field *host = http_message_field(message, STR("host"));

    if (http_message_count(message, STR("host")) != 1 || host->value.len == 0)
        return REFUSE(400, "A request needs exactly one Host field.");
    if (!admin_auth_is_our_host(auth, host->value, local))
        return REFUSE(403, "Host is not an address of this server.");
    return PASS;
}

static struct admin_auth_verdict check_target(const struct admin_auth *auth, const struct http_message *message,
                                              const struct os_addr *local)
{
    struct str rest = message->target;
    struct str authority;

    if (str_starts(rest, STR("/")))
        return PASS;
    if (!str_starts_nocase(rest, STR("http://")))
        return REFUSE(400, "The request target must be a path.");
    rest = str_skip(rest, STR("http://").len);
    str_cut(rest, '/', &authority, &rest);
    if (!admin_auth_is_our_host(auth, authority, local))
        return REFUSE(403, "The target is not an address of this server; this is not a proxy port.");
    return PASS;
}

static struct admin_auth_verdict check_origin(const struct admin_auth *auth, const struct http_message *message,
                                              const struct os_addr *local)
{
    const struct http_field *origin = http_message_field(message, STR("origin"));
    struct str scheme = STR("http://");

    if (!origin)
        return PASS;
    if (http_message_count(message, STR("origin")) == 1 && str_starts(origin->value, scheme) &&
        admin_auth_is_our_host(auth, str_skip(origin->value, scheme.len), local))
        return PASS;
    return REFUSE(403, "Origin is not this server's own page.");
}

static bool is_api(const struct http_message *message)
{
    struct str target = message->target;

    if (!str_starts(target, STR("/"))) {
        struct str authority;

        /* A valid absolute form: its authority has been checked. */
        str_cut(str_skip(target, STR("http://").len), '/', &authority, &target);
        return str_starts(target, STR("api/")) || str_eq(target, STR("api"));
    }
    return str_starts(target, STR("/api/")) || str_eq(target, STR("/api"));
}

static bool is_safe(const struct http_message *message)
{
    return str_eq(message->method, STR("GET")) || str_eq(message->method, STR("HEAD"));
}

static bool field_is(const struct http_message *message, struct str name, struct str value)
{
    const struct http_field *field = http_message_field(message, name);

    return field && str_eq_nocase(field->value, value);
}

/* https://www.w3.org/TR/fetch-metadata/: browsers set these fields and pages cannot. */
static struct admin_auth_verdict check_fetch_site(const struct http_message *message)
{
    struct str site = STR("sec-fetch-site");

    if (!http_message_field(message, site))
        return PASS;
    if (http_message_count(message, site) == 1 &&
        (field_is(message, site, STR("same-origin")) || field_is(message, site, STR("none"))))
        return PASS;
    if (!is_api(message) && is_safe(message) && field_is(message, STR("sec-fetch-mode"), STR("navigate")) &&
        field_is(message, STR("sec-fetch-dest"), STR("document")))
        return PASS;
    return REFUSE(403, "A page of another site may not call this server.");
}

static struct admin_auth_verdict count_wrong(struct admin_auth *auth, uint64_t now_ms)
{
    if (now_ms - auth->window_begun_ms >= ADMIN_AUTH_WINDOW_MS) {
        auth->window_begun_ms = now_ms;
        auth->wrong_count = 0;
    }
    if (auth->wrong_count >= ADMIN_AUTH_WRONG_MAX)
        return REFUSE(429, "Too many wrong tokens; a right one is still accepted at once.");
    auth->wrong_count++;
    return REFUSE(401, "The token is wrong. `sekisho url` prints the link that carries the right one.");
}

static struct admin_auth_verdict check_token(struct admin_auth *auth, const struct http_message *message,
                                             uint64_t now_ms)
{
    const struct http_field *field = http_message_field(message, STR("authorization"));
    struct str scheme = STR("Bearer ");
    struct str token;

    if (!field)
        return REFUSE(401, "This needs `Authorization: Bearer TOKEN`. `sekisho url` prints the link with the token.");
    if (http_message_count(message, STR("authorization")) != 1 || !str_starts_nocase(field->value, scheme))
        return count_wrong(auth, now_ms);
    token = str_trim(str_skip(field->value, scheme.len));
    if (token.len != ADMIN_TOKEN_LEN || CRYPTO_memcmp(token.ptr, auth->token.text, ADMIN_TOKEN_LEN) != 0)
        return count_wrong(auth, now_ms);
    return PASS;
}

/* What a form of another site can send without asking first ("simple" requests) never has this type. */
static struct admin_auth_verdict check_type(const struct http_message *message)
{
    const struct http_field *type = http_message_field(message, STR("content-type"));

    if (is_safe(message))
        return PASS;
    if (http_message_count(message, STR("content-type")) == 1 &&
        str_eq_nocase(http_field_media_type(type->value), STR("application/json")))
        return PASS;
    return REFUSE(415, "Requests that change something need Content-Type: application/json.");
}

static struct admin_auth_verdict check_all(struct admin_auth *auth, const struct http_message *message,
                                           const struct os_addr *local, uint64_t now_ms)
{
    struct admin_auth_verdict verdict = check_host(auth, message, local);

    if (!verdict.status)
        verdict = check_target(auth, message, local);
    if (!verdict.status)
        verdict = check_origin(auth, message, local);
    if (!verdict.status)
        verdict = check_fetch_site(message);
    if (!verdict.status && is_api(message))
        verdict = check_token(auth, message, now_ms);
    if (!verdict.status)
        verdict = check_type(message);
    return verdict;
}

struct admin_auth_verdict admin_auth_check(struct admin_auth *auth, const struct http_message *message,
                                           const struct os_addr *local, uint64_t now_ms)
{
    struct admin_auth_verdict verdict = check_all(auth, message, local, now_ms);

    auth->refused_count += verdict.status != 0;
    return verdict;
}
