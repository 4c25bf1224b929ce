/* The proxy's listeners from --listen and --mode: which address is served how. */
#include "app/wire.h"
#include "http/target.h"

static enum proxy_mode_kind kind_of(enum app_config_mode_kind kind)
{
    static const enum proxy_mode_kind kinds[] = {
        [APP_CONFIG_REGULAR] = PROXY_MODE_REGULAR,
        [APP_CONFIG_TRANSPARENT] = PROXY_MODE_TRANSPARENT,
        [APP_CONFIG_SOCKS5] = PROXY_MODE_SOCKS5,
        [APP_CONFIG_REVERSE] = PROXY_MODE_REVERSE,
    };

    return kinds[kind];
}

static struct proxy_mode mode_of(const struct app_config_mode *mode)
{
    struct proxy_mode made = {.kind = kind_of(mode->kind)};
    struct http_target target;

    /* The URL was checked when it was read. */
    if (mode->kind != APP_CONFIG_REVERSE || err_is(http_target_parse(STR("GET"), mode->url, &target)))
        return made;
    made.host = target.authority.host;
    made.port = target.authority.port ? target.authority.port : http_target_default_port(target.scheme);
    made.is_tls = str_eq_nocase(target.scheme, STR("https"));
    return made;
}

void app_wire_modes(struct app_wire *wire)
{
    const struct app_config *config = wire->config;

    wire->listener_count = 1;
    wire->listen_wanted[0] = config->listen;
    for (size_t i = 0; i < config->modes.count; i++) {
        const struct app_config_mode *mode = &config->modes.items[i];
        size_t at = mode->has_listener ? wire->listener_count++ : 0;

        CHECK(at < PROXY_LISTEN_MAX);
        if (mode->has_listener)
            wire->listen_wanted[at] = mode->listen;
        wire->modes[at] = mode_of(mode);
    }
}
