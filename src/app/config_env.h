/* config_env.h - options in the environment.
 *
 * SEKISHO_LISTEN is `listen`, SEKISHO_PROXY_AUTH is `proxy-auth`; a SEKISHO_ variable that is no option is an error,
 * since it would be a setting that silently does nothing.  In a repeatable option white space stands between the
 * values.  An empty variable counts as unset.  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are kept for
 * app_config_check(); of the two cases of a name the lower one wins, as with curl.
 */
#ifndef APP_CONFIG_ENV_H
#define APP_CONFIG_ENV_H

#include "app/config.h"

/* `environment` as environ(7): "NAME=value" strings, then NULL; borrowed until app_config_check(). */
MUST_CHECK struct err app_config_env_read(struct app_config *config, const char *const *environment);

#endif
