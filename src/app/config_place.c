#include "app/config_place.h"

#include <stdarg.h>
#include <stdio.h>

#include "app/config_options.h"
#include "base/log.h"

/* Large enough, and aligned, for the field of any option. */
union any_field {
    struct app_config_upstream upstream;
    struct os_addr addr;
    uint64_t number;
    char bytes[128];
};

/* What every list field looks like. */
struct any_list {
    void *items;
    size_t count;
};

/* ---- Telling what is wrong ---- */

struct err app_config_place_tell(struct app_config *config, const struct app_config_place *place, const char *format,
                                 ...)
{
    int at = snprintf(config->problem, sizeof(config->problem), "%s: ", place->text);
    va_list args;

    if (at < 0 || (size_t)at >= sizeof(config->problem))
        at = 0;
    va_start(args, format);
    vsnprintf(config->problem + at, sizeof(config->problem) - (size_t)at, format, args);
    va_end(args);
    return ERR(ERR_SYNTAX, 0, "bad configuration");
}

struct err app_config_place_unknown(struct app_config *config, const struct app_config_place *place, struct str name)
{
    const char *nearest = app_config_options_nearest(name);
    char safe[80];

    if (nearest)
        return app_config_place_tell(config, place, "there is no option '%s'; did you mean '%s'?",
                                     log_safe(name, safe, sizeof(safe)), nearest);
    return app_config_place_tell(config, place, "there is no option '%s'; `sekisho help run` lists them",
                                 log_safe(name, safe, sizeof(safe)));
}

struct err app_config_place_tell_value(struct app_config *config, const struct app_config_place *place,
                                       const struct app_config_value *value, struct err err)
{
    const struct app_config_option *option = value->option;
    char safe[120], min[32], max[32];

    log_safe(value->text, safe, sizeof(safe));
    if (err.code != ERR_LIMIT || !option->kind->format)
        return app_config_place_tell(config, place, "'%s' %s", safe, err.what);
    option->kind->format(option->min, min, sizeof(min));
    option->kind->format(option->max, max, sizeof(max));
    return app_config_place_tell(config, place, "'%s' must be from %s to %s", safe, min, max);
}

/* ---- Setting one option ---- */

/* Control characters and bytes that are not UTF-8 can only be a mistake, or an attack on a terminal. */
static bool is_clean_text(struct str text)
{
    char safe[8], first[8];

    for (size_t i = 0; i < text.len;) {
        size_t len = 1;

        if ((unsigned char)text.ptr[i] >= 0x80) {
            while (len < 4 && i + len < text.len && ((unsigned char)text.ptr[i + len] & 0xc0) == 0x80)
                len++;
        }
        snprintf(first, sizeof(first), "%.*s", (int)len, text.ptr + i);
        if (strcmp(log_safe((struct str){text.ptr + i, len}, safe, sizeof(safe)), first) != 0 || first[0] == '\0')
            return false;
        i += len;
    }
    return true;
}

/* A list keeps what it had when a value fails; values of a stronger place begin a new one. */
static struct err parse_into(const struct app_config_value *value, void *field, bool begins_list)
{
    bool is_list = value->option->flags & APP_CONFIG_OPTION_REPEATABLE;
    struct any_list before;
    struct err err;

    if (!is_list)
        return value->option->kind->parse(value, field);
    memcpy(&before, field, sizeof(before));
    if (begins_list)
        memset(field, 0, sizeof(before));
    err = value->option->kind->parse(value, field);
    if (err_is(err))
        memcpy(field, &before, sizeof(before));
    return err;
}

struct err app_config_place_set(struct app_config *config, const struct app_config_place *place, size_t index,
                                struct str text)
{
    const struct app_config_option *option = &app_config_options[index];
    struct app_config_value value = {&config->arena, option, text, place->folder};
    enum app_config_source present = config->sources[index];
    union any_field unused = {.bytes = {0}};
    void *field = (char *)config + option->offset;
    struct err err;

    if (place->source == APP_CONFIG_FILE && option->flags & APP_CONFIG_OPTION_NOT_IN_FILE)
        return app_config_place_tell(config, place, "cannot be set in the file; use --%s", option->name);
    if (!is_clean_text(text))
        return app_config_place_tell_value(config, place, &value,
                                           ERR(ERR_SYNTAX, 0, "has control characters or is not UTF-8"));
    if (place->source < present)
        field = &unused;
    err = parse_into(&value, field, place->source > present);
    if (err_is(err))
        return app_config_place_tell_value(config, place, &value, err);
    if (place->source >= present)
        config->sources[index] = place->source;
    return OK;
}
