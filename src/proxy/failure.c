#include "proxy/failure.h"

#include <stdarg.h>
#include <string.h>

#include "base/log.h"

#define TEXT_BYTES 512

static struct str sentence(struct os_loop *loop, const char *format, ...)
{
    char text[TEXT_BYTES];
    struct str copy = STR_NONE;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    /* The scratch memory is far larger than a sentence; without it the name has to do. */
    IGNORE(arena_copy(os_loop_scratch(loop), str_from(text), &copy));
    return copy;
}

static struct proxy_failure of_verify(const struct proxy_origin *origin, const char *where)
{
    const struct proxy_origin_facts *facts = proxy_origin_facts(origin);
    struct str verify = facts->tls.verify;
    struct str failed = str_starts(verify, STR("failed: ")) ? str_skip(verify, 8) : verify;

    return (struct proxy_failure){
        .name = STR("verify"),
        .status = 502,
        .text = sentence(proxy_origin_loop(origin),
                         "The certificate of %s did not pass these checks: %.*s. If you trust it all the same, say "
                         "`sekisho trust %s`.",
                         where, STR_ARG(failed), where),
    };
}

static struct proxy_failure of_denied(const struct proxy_origin *origin, const char *where, struct err err)
{
    if (strcmp(proxy_origin_facts(origin)->stage, "upstream proxy") == 0)
        return (struct proxy_failure){STR("upstream"),
                                      sentence(proxy_origin_loop(origin),
                                               "The upstream proxy would not connect to %s: %s (%u). Check --upstream.",
                                               where, err.what, err.wire),
                                      502};
    return (struct proxy_failure){STR("own-address"),
                                  sentence(proxy_origin_loop(origin),
                                           "%s is an address of sekisho itself, and it does not proxy to itself. Open "
                                           "its page directly, without the proxy.",
                                           where),
                                  403};
}

/* The origin was never asked: the proxy before it does not answer. */
static struct proxy_failure of_upstream(const struct proxy_origin *origin, const struct proxy_upstream *upstream,
                                        struct err err)
{
    char host[256];

    return (struct proxy_failure){
        STR("upstream"),
        sentence(proxy_origin_loop(origin),
                 "The upstream proxy %s:%u could not be reached: %s. Is it running? Check --upstream.",
                 log_safe(upstream->host, host, sizeof(host)), upstream->port, err.what),
        err.code == ERR_TIMEOUT ? 504 : 502};
}

struct proxy_failure proxy_failure_of_origin(struct err err, const struct proxy_origin *origin)
{
    struct os_loop *loop = proxy_origin_loop(origin);
    const struct proxy_upstream *upstream = proxy_origin_unreached_upstream(origin);
    const char *stage = proxy_origin_facts(origin)->stage;
    char where[320];

    proxy_origin_name(origin, where, sizeof(where));
    if (upstream && err.code != ERR_DENIED)
        return of_upstream(origin, upstream, err);
    switch (err.code) {
    case ERR_RESOLVE:
        return (struct proxy_failure){
            STR("dns"), sentence(loop, "The name of %s has no address. Check the spelling and the DNS server.", where),
            502};
    case ERR_REFUSED:
        return (struct proxy_failure){
            STR("refused"), sentence(loop, "%s refused the connection: nothing listens on that port there.", where),
            502};
    case ERR_RESET:
        return (struct proxy_failure){STR("reset"), sentence(loop, "%s reset the connection.", where), 502};
    case ERR_CLOSED:
        return (struct proxy_failure){STR("closed"),
                                      sentence(loop, "%s closed the connection during the %s.", where, stage), 502};
    case ERR_TIMEOUT:
        return (struct proxy_failure){STR("timeout"), sentence(loop, "%s did not answer in time (%s).", where, stage),
                                      504};
    case ERR_VERIFY:
        return of_verify(origin, where);
    case ERR_TLS:
        return (struct proxy_failure){
            STR("tls"),
            sentence(loop,
                     "TLS with %s failed: %s. For an old server try --legacy-tls; for one that wants a certificate of "
                     "yours, --client-cert.",
                     where, err.what),
            502};
    case ERR_DENIED:
        return of_denied(origin, where, err);
    default:
        return (struct proxy_failure){
            STR("io"), sentence(loop, "The connection to %s failed during the %s: %s.", where, stage, err.what), 502};
    }
}

struct str proxy_failure_of_client(struct err err)
{
    return err.code == ERR_RESET ? STR("The client reset the connection.") : STR("The connection to the client broke.");
}

void proxy_failure_describe_origin(struct exchange *exchange, const struct proxy_origin *origin)
{
    const struct proxy_origin_facts *origin_facts = proxy_origin_facts(origin);
    struct exchange_facts *facts = &exchange->facts;

    facts->origin = origin_facts->addr;
    facts->origin_tls = origin_facts->tls;
    facts->origin_connection = origin_facts->number;
}

void proxy_failure_describe_timing(struct exchange *exchange, const struct proxy_origin *origin)
{
    const struct proxy_origin_facts *facts = proxy_origin_facts(origin);

    exchange->facts.dns_us = facts->dns_us;
    exchange->facts.connect_us = facts->connect_us;
    exchange->facts.tls_us = facts->tls_us;
}
