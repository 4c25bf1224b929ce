#include "app/config_env.h"

#include "app/config_options.h"
#include "app/config_place.h"
#include "base/log.h"

#define NAME_BYTES_MAX 64

static const char *const shared_names[] = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"};

/* "PROXY_AUTH" to "proxy-auth". */
static struct str option_name(struct str variable, char text[NAME_BYTES_MAX])
{
    variable = str_head(variable, NAME_BYTES_MAX);
    for (size_t i = 0; i < variable.len; i++)
        text[i] = variable.ptr[i] == '_' ? '-' : str_fold_char(variable.ptr[i]);
    return (struct str){text, variable.len};
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static struct err set_each_word(struct app_config *config, const struct app_config_place *place, size_t index,
                                struct str text)
{
    while (text.len) {
        size_t len = 0;

        while (len < text.len && !is_blank(text.ptr[len]))
            len++;
        if (len)
            TRY(app_config_place_set(config, place, index, str_head(text, len)));
        text = str_skip(text, len ? len : 1);
    }
    return OK;
}

static struct err take_own(struct app_config *config, struct str variable, struct str value)
{
    struct app_config_place place = {.source = APP_CONFIG_ENVIRONMENT};
    char text[NAME_BYTES_MAX];
    struct str name = option_name(str_skip(variable, 8), text);
    size_t index = app_config_options_find(name);

    log_safe(str_head(variable, NAME_BYTES_MAX), place.text, sizeof(place.text));
    if (index == app_config_options_count)
        return app_config_place_unknown(config, &place, name);
    if (value.len == 0)
        return OK;
    if (app_config_options[index].flags & APP_CONFIG_OPTION_REPEATABLE)
        return set_each_word(config, &place, index, value);
    return app_config_place_set(config, &place, index, value);
}

static void take_shared(struct app_config *config, struct str variable, struct str value)
{
    bool is_lower = variable.len && variable.ptr[0] >= 'a';

    for (size_t i = 0; i < sizeof(shared_names) / sizeof(shared_names[0]); i++) {
        if (str_eq_nocase(variable, str_from(shared_names[i])) && value.len &&
            (is_lower || !config->shared_variables[i]))
            config->shared_variables[i] = value.ptr;
    }
}

struct err app_config_env_read(struct app_config *config, const char *const *environment)
{
    for (size_t i = 0; environment && environment[i]; i++) {
        struct str name, value;

        if (!str_cut(str_from(environment[i]), '=', &name, &value))
            continue;
        if (str_starts(name, STR("SEKISHO_")))
            TRY(take_own(config, name, value));
        else
            take_shared(config, name, value);
    }
    return OK;
}
