/* config_file.h - options in DIR/sekisho.conf.
 *
 *   # a comment
 *   listen = 127.0.0.1:9090        # one too
 *   proxy-auth = "me:pass # word"
 *
 * One option a line; repeatable ones on several.  A value ends before a '#' that follows a blank, unless it stands in
 * double quotes, in which \" and \\ are escapes.  Relative paths start from the file's folder.
 *
 * Limits: 1 MiB; anything else than a regular file is an error, and so is text that is not UTF-8.
 */
#ifndef APP_CONFIG_FILE_H
#define APP_CONFIG_FILE_H

#include "app/config.h"

/* Reads `dir`/sekisho.conf; one that does not exist is fine. */
MUST_CHECK struct err app_config_file_read(struct app_config *config);
/* The text of such a file; `path` is for messages and relative paths. */
MUST_CHECK struct err app_config_file_parse(struct app_config *config, const char *path, struct str text);

#endif
