/* config_place.h - where a value stands, and the one way in for values from every place. */
#ifndef APP_CONFIG_PLACE_H
#define APP_CONFIG_PLACE_H

#include "app/config_value.h"

struct app_config_place {
    enum app_config_source source;
    char text[256];    /* how a message names it: "--listen", "SEKISHO_LISTEN", "/x/sekisho.conf:3: listen" */
    struct str folder; /* what a relative path starts from; empty: the working folder */
};

/* Reads `text` into the option's field, unless a stronger place has set it. */
MUST_CHECK struct err app_config_place_set(struct app_config *config, const struct app_config_place *place,
                                           size_t index, struct str text);
/* The error for a name that is no option. */
MUST_CHECK struct err app_config_place_unknown(struct app_config *config, const struct app_config_place *place,
                                               struct str name);
/* Fills `problem` with "PLACE: ..." and gives the error to return. */
MUST_CHECK struct err app_config_place_tell(struct app_config *config, const struct app_config_place *place,
                                            const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, for what a value's kind said of it. */
MUST_CHECK struct err app_config_place_tell_value(struct app_config *config, const struct app_config_place *place,
                                                  const struct app_config_value *value, struct err err);

#endif
