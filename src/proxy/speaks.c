#include "proxy/speaks.h"

#include <stdlib.h>

#include "base/map.h"
#include "os/clock.h"
#include "os/thread.h"

#define KEY_BYTES 300

struct proxy_speaks {
    struct os_lock *lock;
    struct {
        struct map versions; /* "host:port" to one of the marks below */
    } shared;                /* under the lock */
};

/* What the map's values point to. */
static char speaks_http1, speaks_http2;

struct err proxy_speaks_table_new(struct proxy_speaks **ret_speaks)
{
    struct proxy_speaks *speaks = calloc(1, sizeof(*speaks));
    uint64_t seed[2];
    struct err err;

    CHECK(speaks);
    err = os_lock_new(&speaks->lock);
    if (err_is(err)) {
        free(speaks);
        return err;
    }
    os_clock_random(seed, sizeof(seed));
    map_init(&speaks->shared.versions, PROXY_SPEAKS_COUNT_MAX, seed);
    *ret_speaks = speaks;
    return OK;
}

void proxy_speaks_table_free(struct proxy_speaks **speaks)
{
    if (!*speaks)
        return;
    map_deinit(&(*speaks)->shared.versions);
    os_lock_free(&(*speaks)->lock);
    free(*speaks);
    *speaks = NULL;
}

/* Empty for a host that is too long to be one. */
static struct str key_of(struct str host, uint16_t port, char text[KEY_BYTES])
{
    if (host.len > KEY_BYTES - 8)
        return STR_NONE;
    snprintf(text, KEY_BYTES, "%.*s:%u", STR_ARG(host), port);
    return str_from(text);
}

enum proxy_speaks_version proxy_speaks_find(struct proxy_speaks *speaks, struct str host, uint16_t port)
{
    char text[KEY_BYTES];
    const void *mark;

    if (!speaks)
        return PROXY_SPEAKS_UNKNOWN;
    os_lock_enter(speaks->lock);
    mark = map_get(&speaks->shared.versions, key_of(host, port, text));
    os_lock_leave(speaks->lock);
    if (!mark)
        return PROXY_SPEAKS_UNKNOWN;
    return mark == &speaks_http2 ? PROXY_SPEAKS_HTTP2 : PROXY_SPEAKS_HTTP1;
}

static void put(struct map *versions, struct str key, void *mark)
{
    struct str oldest;
    void *unused;

    if (!map_get(versions, key) && versions->count == versions->max_count && map_oldest(versions, &oldest, &unused))
        map_remove(versions, oldest);
    IGNORE(map_put(versions, key, mark)); /* there is room now */
}

void proxy_speaks_note(struct proxy_speaks *speaks, struct str host, uint16_t port, struct str alpn)
{
    char text[KEY_BYTES];
    struct str key = key_of(host, port, text);

    if (!speaks || key.len == 0)
        return;
    os_lock_enter(speaks->lock);
    put(&speaks->shared.versions, key, str_eq(alpn, STR("h2")) ? &speaks_http2 : &speaks_http1);
    os_lock_leave(speaks->lock);
}
