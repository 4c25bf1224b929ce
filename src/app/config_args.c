#include "app/config_args.h"

#include <stdio.h>

#include "app/config_options.h"
#include "app/config_place.h"
#include "base/log.h"

/* One argument, looked up. */
struct match {
    size_t index;     /* of the option; the count: none, or --set */
    bool is_set;      /* --set */
    bool is_no;       /* --no-NAME of a switch */
    bool has_value;   /* --name=VALUE */
    bool takes_value; /* of its own, in this word or the next */
    struct str name;  /* as typed, without the dashes */
    struct str value;
};

/* False for what is no option of the table. */
static bool match_argument(const char *argument, struct match *match)
{
    struct str text = str_from(argument);

    *match = (struct match){.index = app_config_options_count};
    if (!str_starts(text, STR("--")) || text.len == 2)
        return false;
    match->has_value = str_cut(str_skip(text, 2), '=', &match->name, &match->value);
    match->is_set = str_eq(match->name, STR("set"));
    match->index = app_config_options_find(match->name);
    if (match->index == app_config_options_count && str_starts(match->name, STR("no-"))) {
        match->index = app_config_options_find(str_skip(match->name, 3));
        match->is_no = match->index < app_config_options_count &&
                       app_config_options[match->index].kind == &app_config_value_switch && !match->has_value;
        return match->is_no;
    }
    if (match->index == app_config_options_count && !match->is_set)
        return false;
    match->takes_value = match->is_set || app_config_options[match->index].kind != &app_config_value_switch;
    return true;
}

int app_config_args_find_command(int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        struct match match;

        if (argv[i][0] != '-' || argv[i][1] == '\0')
            return i;
        if (strcmp(argv[i], "--") == 0)
            return argc;
        if (match_argument(argv[i], &match) && match.takes_value && !match.has_value)
            i++;
    }
    return argc;
}

static struct err take_set(struct app_config *config, struct str pair)
{
    struct app_config_place place = {.source = APP_CONFIG_COMMAND_LINE, .text = "--set"};
    struct str name, value;

    if (!str_cut(pair, '=', &name, &value))
        return app_config_place_tell(config, &place, "needs name=value");
    return app_config_set(config, str_trim(name), str_trim(value));
}

static struct err take_option(struct app_config *config, const struct match *match)
{
    struct app_config_place place = {.source = APP_CONFIG_COMMAND_LINE};
    struct str value = match->value;

    snprintf(place.text, sizeof(place.text), "--%s", app_config_options[match->index].name);
    if (match->is_no)
        value = STR("off");
    else if (!match->takes_value && !match->has_value)
        value = STR("on");
    return app_config_place_set(config, &place, match->index, value);
}

static bool is_taken(const struct match *match, bool is_run)
{
    return match->is_set || is_run || app_config_options[match->index].flags & APP_CONFIG_OPTION_COMMON;
}

struct err app_config_args_take(struct app_config *config, bool is_run, int argc, char **argv, int *ret_count)
{
    int kept = 0, i = 0;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        struct match match;

        if (!match_argument(argv[i], &match) || !is_taken(&match, is_run)) {
            argv[kept++] = argv[i];
            continue;
        }
        if (match.takes_value && !match.has_value) {
            struct app_config_place place = {.source = APP_CONFIG_COMMAND_LINE};

            snprintf(place.text, sizeof(place.text), "--%.*s", STR_ARG(match.name));
            if (i + 1 == argc)
                return app_config_place_tell(config, &place, "needs a value");
            match.value = str_from(argv[++i]);
        }
        TRY(match.is_set ? take_set(config, match.value) : take_option(config, &match));
    }
    while (i < argc)
        argv[kept++] = argv[i++];
    *ret_count = kept;
    return OK;
}
