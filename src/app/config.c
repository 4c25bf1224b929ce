#include "app/config.h"

#include <stdio.h>

#include "app/config_options.h"
#include "app/config_place.h"
#include "base/log.h"
#include "os/terminal.h"

#define ARENA_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* ---- Life ---- */

static struct err set_defaults(struct app_config *config)
{
    for (size_t i = 0; i < app_config_options_count; i++) {
        const struct app_config_option *option = &app_config_options[i];
        struct app_config_place place = {.source = APP_CONFIG_DEFAULT};

        if (!option->fallback)
            continue;
        snprintf(place.text, sizeof(place.text), "default of %s", option->name);
        TRY(app_config_place_set(config, &place, i, str_from(option->fallback)));
    }
    return OK;
}

struct err app_config_init(struct app_config *config)
{
    memset(config, 0, sizeof(*config));
    arena_init(&config->arena, ARENA_BYTES_MAX);
    return set_defaults(config);
}

void app_config_deinit(struct app_config *config) { arena_deinit(&config->arena); }

struct err app_config_set(struct app_config *config, struct str name, struct str value)
{
    struct app_config_place place = {.source = APP_CONFIG_COMMAND_LINE, .text = "--set"};
    size_t index = app_config_options_find(name);
    char safe[60];

    if (index == app_config_options_count)
        return app_config_place_unknown(config, &place, name);
    snprintf(place.text, sizeof(place.text), "--set %s", log_safe(name, safe, sizeof(safe)));
    return app_config_place_set(config, &place, index, value);
}

/* ---- Cross checks ---- */

/* Together with --listen, what the proxy can open. */
#define MODE_LISTENERS_MAX 15

/* What has no listener of its own is how --listen is served, and that can be one thing only. */
static struct err check_modes(struct app_config *config)
{
    struct app_config_place place = {.text = "mode"};
    size_t shared_count = 0;

    for (size_t i = 0; i < config->modes.count; i++)
        shared_count += !config->modes.items[i].has_listener;
    if (shared_count > 1)
        return app_config_place_tell(config, &place,
                                     "two modes share the port of --listen; give one an @ADDR:PORT of its own");
    if (config->modes.count - shared_count > MODE_LISTENERS_MAX)
        return app_config_place_tell(config, &place, "at most %u may have a listener of their own",
                                     (unsigned)MODE_LISTENERS_MAX);
    return OK;
}

static bool is_ourselves(const struct app_config *config, const struct app_config_upstream *upstream)
{
    struct os_addr addr;
    struct str host = str_eq_nocase(upstream->host, STR("localhost")) ? STR("127.0.0.1") : upstream->host;

    if (upstream->kind == APP_CONFIG_DIRECT || upstream->port == 0 || upstream->port != config->listen.port)
        return false;
    return !err_is(os_addr_parse(host, upstream->port, &addr)) && os_addr_is_local(&addr);
}

/* NO_PROXY's "example.com" and ".example.com" both stand for the name and all below it.  What is no host (networks, as
 * some programs know them) is passed over, since the variable is not ours. */
static void take_exceptions(struct app_config *config, struct str text)
{
    const struct app_config_option *option = &app_config_options[app_config_options_find(STR("upstream-except"))];
    struct str entry, pattern;

    while (text.len) {
        bool is_bare;

        str_cut(text, ',', &entry, &text);
        entry = str_trim(entry);
        is_bare = !str_starts(entry, STR(".")) && !str_eq(entry, STR("*"));
        if (entry.len == 0 ||
            err_is(arena_format(&config->arena, &pattern, "%s%.*s", is_bare ? "." : "", STR_ARG(entry))))
            continue;
        IGNORE(option->kind->parse(&(struct app_config_value){&config->arena, option, pattern, STR_NONE},
                                   &config->upstream_except));
    }
}

static struct err take_shared_variable(struct app_config *config, const char *name, const char *text,
                                       struct app_config_upstream *upstream)
{
    const struct app_config_option *option = &app_config_options[app_config_options_find(STR("upstream"))];
    struct app_config_value value = {&config->arena, option, str_from(text), STR_NONE};
    struct app_config_place place = {.source = APP_CONFIG_ENVIRONMENT};
    struct err err;

    if (!text || !*text)
        return OK;
    snprintf(place.text, sizeof(place.text), "%s (--no-upstream ignores it)", name);
    err = option->kind->parse(&value, upstream);
    if (err_is(err))
        return app_config_place_tell_value(config, &place, &value, err);
    if (is_ourselves(config, upstream)) {
        log_write(LOG_NOTICE, "%s names this proxy itself; it is not used as an upstream", name);
        *upstream = (struct app_config_upstream){0};
    }
    return OK;
}

static struct err choose_upstreams(struct app_config *config)
{
    const char *all = config->shared_variables[2], *except = config->shared_variables[3];
    const char *http = config->shared_variables[0], *https = config->shared_variables[1];
    struct app_config_place place = {.text = "upstream"};

    if (config->no_upstream) {
        config->upstream_http = config->upstream_https = (struct app_config_upstream){0};
        return OK;
    }
    if (except && config->upstream_except.count == 0)
        take_exceptions(config, str_from(except));
    if (config->upstream.kind != APP_CONFIG_DIRECT) {
        config->upstream_http = config->upstream_https = config->upstream;
        return is_ourselves(config, &config->upstream)
                   ? app_config_place_tell(config, &place, "is this proxy's own address")
                   : OK;
    }
    TRY(take_shared_variable(config, http ? "HTTP_PROXY" : "ALL_PROXY", http ? http : all, &config->upstream_http));
    return take_shared_variable(config, https ? "HTTPS_PROXY" : "ALL_PROXY", https ? https : all,
                                &config->upstream_https);
}

/* So that it stays right for programs that start elsewhere, and when it is written down. */
static struct err make_dir_absolute(struct app_config *config)
{
    struct app_config_place place = {.text = "dir"};
    char folder[4096];

    if (str_starts(config->dir, STR("/")))
        return OK;
    if (err_is(os_terminal_folder(folder, sizeof(folder))))
        return app_config_place_tell(config, &place, "the working folder has no path; give a whole path");
    return arena_format(&config->arena, &config->dir, "%s/%.*s", folder, STR_ARG(config->dir));
}

static uint64_t power_of_two_below(uint64_t number)
{
    uint64_t power = 1;

    while (power <= number / 2)
        power *= 2;
    return power;
}

struct err app_config_check(struct app_config *config)
{
    struct app_config_place place = {.text = "admin"};

    TRY(make_dir_absolute(config));
    TRY(check_modes(config));
    config->ring_max_bytes = power_of_two_below(config->ring_max_bytes);
    if (config->listen.port && os_addr_same(&config->listen, &config->admin))
        return app_config_place_tell(config, &place, "is the address of --listen too; each needs its own port");
    return choose_upstreams(config);
}
