/* config_value.h - the kinds of values that options have, and how each is read from text.
 *
 * Durations are whole milliseconds once read (500ms, 1.5s, 2m, 1h, 7d; a unit is required), sizes whole bytes (10kb,
 * 1.5mb, 2gib; as in the query language one kb is 1000 bytes and one kib 1024).  A field is written only when the whole
 * value is right.
 */
#ifndef APP_CONFIG_VALUE_H
#define APP_CONFIG_VALUE_H

#include "app/config.h"

struct app_config_option;

struct app_config_value {
    struct arena *arena; /* where text and lists go */
    const struct app_config_option *option;
    struct str text;
    struct str folder; /* what a relative path starts from; empty: the working folder */
};

struct app_config_value_kind {
    const char *placeholder; /* in help: "ADDR:PORT"; NULL: a switch */
    /* ERR_SYNTAX with a `what` that follows "'VALUE' ..."; ERR_LIMIT: outside min and max. */
    struct err (*parse)(const struct app_config_value *value, void *field);
    /* A number of this kind as one would type it; NULL: the kind has no bounds. */
    void (*format)(uint64_t number, char *text, size_t size);
};

extern const struct app_config_value_kind app_config_value_text;
extern const struct app_config_value_kind app_config_value_path;
extern const struct app_config_value_kind app_config_value_switch;
extern const struct app_config_value_kind app_config_value_count;
extern const struct app_config_value_kind app_config_value_duration;
extern const struct app_config_value_kind app_config_value_size;
extern const struct app_config_value_kind app_config_value_addr;
extern const struct app_config_value_kind app_config_value_hosts;
extern const struct app_config_value_kind app_config_value_mode;
extern const struct app_config_value_kind app_config_value_verify;
extern const struct app_config_value_kind app_config_value_credentials;
extern const struct app_config_value_kind app_config_value_upstream;
extern const struct app_config_value_kind app_config_value_override;
extern const struct app_config_value_kind app_config_value_client_cert;

/* "on", "off", "true", "false", "yes", "no", "1", "0", in any case. */
MUST_CHECK struct err app_config_value_parse_switch(struct str text, bool *ret_on);

#endif
