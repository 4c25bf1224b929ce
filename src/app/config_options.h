/* config_options.h - the table of options: names, kinds, bounds, defaults and what help says. */
#ifndef APP_CONFIG_OPTIONS_H
#define APP_CONFIG_OPTIONS_H

#include "app/config_value.h"

enum app_config_option_flag {
    APP_CONFIG_OPTION_COMMON = 1 << 0,     /* every command takes it; the others are options of run */
    APP_CONFIG_OPTION_REPEATABLE = 1 << 1, /* the field is a list */
    APP_CONFIG_OPTION_NOT_IN_FILE = 1 << 2 /* decides which file, or makes no sense in it */
};

struct app_config_option {
    const char *name;
    const struct app_config_value_kind *kind;
    size_t offset; /* of its field in struct app_config */
    unsigned flags;
    uint64_t min, max;    /* of numbers, in the field's unit */
    const char *fallback; /* the default as one would type it; NULL: the zeroed field */
    const char *help;     /* one line, begins with a verb or a noun, no full stop */
    const char *group;    /* heading in help */
};

extern const struct app_config_option app_config_options[];
extern const size_t app_config_options_count;

/* The row of that name, or the count when there is none. */
size_t app_config_options_find(struct str name);
/* The name most like it, or NULL when nothing is near. */
const char *app_config_options_nearest(struct str name);

#endif
