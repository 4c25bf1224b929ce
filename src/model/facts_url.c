#include "model/facts_url.h"

#include "http/target.h"

struct err facts_url_write(const struct exchange_facts *facts, struct buf *buf)
{
    bool is_ip6 = str_find_char(facts->host, ':') != STR_ABSENT;

    if (facts->host.len == 0)
        return OK;
    TRY(buf_append(buf, facts->scheme));
    TRY(buf_append(buf, STR("://")));
    TRY(buf_append(buf, is_ip6 ? STR("[") : STR_NONE));
    TRY(buf_append(buf, facts->host));
    TRY(buf_append(buf, is_ip6 ? STR("]") : STR_NONE));
    if (facts->port && facts->port != http_target_default_port(facts->scheme))
        TRY(buf_format(buf, ":%u", facts->port));
    if (!str_eq(facts->path, STR("*")))
        TRY(buf_append(buf, facts->path));
    TRY(buf_append(buf, facts->query.len ? STR("?") : STR_NONE));
    return buf_append(buf, facts->query);
}
