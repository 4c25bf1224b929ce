#include "tls/keylog.h"

#include "base/log.h"
#include "os/file.h"
#include "os/thread.h"

struct tls_keylog {
    struct os_file *file;
    struct {
        struct os_lock *lock;
        bool is_broken; /* under the lock */
    } shared;
};

struct err tls_keylog_open(const char *path, struct tls_keylog **ret_keylog)
{
    struct tls_keylog *keylog = calloc(1, sizeof(*keylog));
    struct err err;

    CHECK(keylog);
    err = os_lock_new(&keylog->shared.lock);
    if (!err_is(err))
        err = os_file_open(path, OS_FILE_APPEND, &keylog->file);
    if (!err_is(err))
        err = os_file_check_private(path);
    if (err_is(err))
        tls_keylog_close(&keylog);
    else
        *ret_keylog = keylog;
    return err;
}

void tls_keylog_close(struct tls_keylog **keylog)
{
    struct tls_keylog *closed = *keylog;

    if (!closed)
        return;
    *keylog = NULL;
    os_file_close(&closed->file);
    if (closed->shared.lock)
        os_lock_free(&closed->shared.lock);
    free(closed);
}

void tls_keylog_write(struct tls_keylog *keylog, struct str line)
{
    struct str parts[] = {line, STR("\n")};
    uint64_t written;

    os_lock_enter(keylog->shared.lock);
    if (!keylog->shared.is_broken) {
        struct err err = os_file_write(keylog->file, parts, 2, &written);

        keylog->shared.is_broken = err_is(err);
        if (err_is(err))
            log_write(LOG_WARNING, "the TLS key log cannot be written any more: %s", err.what);
    }
    os_lock_leave(keylog->shared.lock);
}
