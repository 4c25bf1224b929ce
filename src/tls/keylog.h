/* keylog.h - the secrets of TLS sessions in the NSS key log format (SSLKEYLOGFILE), so that a packet capture can be
 * read.
 *
 * The file is appended to and is 0600; an existing one that others may read, or a link, is refused with ERR_DENIED.
 * One for the process; lines may come from any thread.
 */
#ifndef TLS_KEYLOG_H
#define TLS_KEYLOG_H

#include "base/err.h"
#include "base/str.h"

struct tls_keylog;

MUST_CHECK struct err tls_keylog_open(const char *path, struct tls_keylog **ret_keylog);
void tls_keylog_close(struct tls_keylog **keylog);
/* Appends one line; a failing disk is logged once and further lines are dropped. */
void tls_keylog_write(struct tls_keylog *keylog, struct str line);

#endif
