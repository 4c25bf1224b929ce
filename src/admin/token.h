/* token.h - the secret that every call of the API carries.
 *
 * 256 random bits as 64 lower-case hex digits in the file admin.token (0600) of the base folder.  Made at the first
 * start; two first starts at the same time get the same token.  A file that others can read, a link, or a file that
 * holds anything else is refused, never repaired.
 */
#ifndef ADMIN_TOKEN_H
#define ADMIN_TOKEN_H

#include "base/err.h"
#include "base/str.h"

#define ADMIN_TOKEN_LEN 64

struct admin_token {
    char text[ADMIN_TOKEN_LEN + 1];
};

/* Reads BASE_FOLDER/admin.token, or makes it.  ERR_DENIED: not private; ERR_DAMAGED: no token in it; ERR_IO. */
MUST_CHECK struct err admin_token_open(const char *base_folder, struct admin_token *ret_token);
/* As open, but never makes one: for commands that talk to a running instance.  ERR_ABSENT. */
MUST_CHECK struct err admin_token_read(const char *base_folder, struct admin_token *ret_token);

#endif
