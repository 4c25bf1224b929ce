#include "model/facts.h"

static const struct str source_names[] = {[EXCHANGE_FROM_PROXY] = {"proxy", 5},
                                          [EXCHANGE_FROM_SENDER] = {"sender", 6},
                                          [EXCHANGE_FROM_IMPORT] = {"import", 6}};

static const struct str kind_names[] = {[EXCHANGE_HTTP] = {"http", 4},
                                        [EXCHANGE_TUNNEL] = {"tunnel", 6},
                                        [EXCHANGE_HANDSHAKE] = {"handshake", 9},
                                        [EXCHANGE_WEBSOCKET] = {"websocket", 9}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool find(const struct str *names, size_t count, struct str name, size_t *ret_index)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(names[i], name)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

struct str facts_source_name(enum exchange_source source) { return source_names[source]; }

bool facts_source_parse(struct str name, enum exchange_source *ret_source)
{
    size_t index;

    if (!find(source_names, COUNT(source_names), name, &index))
        return false;
    *ret_source = (enum exchange_source)index;
    return true;
}

struct str facts_kind_name(enum exchange_kind kind) { return kind_names[kind]; }

bool facts_kind_parse(struct str name, enum exchange_kind *ret_kind)
{
    size_t index;

    if (!find(kind_names, COUNT(kind_names), name, &index))
        return false;
    *ret_kind = (enum exchange_kind)index;
    return true;
}

bool facts_version_parse(struct str name, enum http_version *ret_version)
{
    for (enum http_version version = HTTP_VERSION_UNKNOWN; version <= HTTP_VERSION_2; version++) {
        if (str_eq(http_message_version_name(version), name)) {
            *ret_version = version;
            return true;
        }
    }
    return false;
}
