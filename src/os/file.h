/* file.h - files and folders, with the checks that a hostile folder calls for.
 *
 * All calls block.  Files are opened with O_CLOEXEC and O_NOFOLLOW; private ones are made 0600 in 0700 folders whatever
 * the umask is.  Errors: ERR_IO with errno in err.wire, ERR_ABSENT for ENOENT, ERR_DENIED for EACCES, EPERM and EROFS,
 * ERR_BUSY for a lock somebody holds.  Where the disk is full err.wire is ENOSPC (EDQUOT, EFBIG).
 */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct os_file;

enum os_file_mode {
    OS_FILE_READ,
    OS_FILE_APPEND,    /* made when absent; write position is always the end */
    OS_FILE_CREATE,    /* must not exist (O_EXCL) */
    OS_FILE_READ_WRITE /* must exist */
};

MUST_CHECK struct err os_file_open(const char *path, enum os_file_mode mode, struct os_file **ret_file);
void os_file_close(struct os_file **file);
/* Writes all of the parts at the end (APPEND, CREATE) or fails; on failure *ret_written bytes did go in. */
MUST_CHECK struct err os_file_write(struct os_file *file, const struct str *parts, size_t part_count,
                                    uint64_t *ret_written);
/* Reads exactly up to len bytes at offset; fewer only at the end of the file. */
MUST_CHECK struct err os_file_read_at(struct os_file *file, uint64_t offset, char *bytes, size_t len, size_t *ret_len);
MUST_CHECK struct err os_file_sync(struct os_file *file);
MUST_CHECK struct err os_file_truncate(struct os_file *file, uint64_t len);
MUST_CHECK struct err os_file_len(struct os_file *file, uint64_t *ret_len);
/* A lock that goes with the process (flock); ERR_BUSY at once when another holds it. */
MUST_CHECK struct err os_file_lock(struct os_file *file);

/* Makes the folder and its missing parents, 0700; an existing last part must be a folder of ours (not a link). */
MUST_CHECK struct err os_file_make_folder(const char *path);
MUST_CHECK struct err os_file_sync_folder(const char *path);
MUST_CHECK struct err os_file_remove(const char *path);
MUST_CHECK struct err os_file_remove_folder(const char *path); /* empty ones only */
MUST_CHECK struct err os_file_rename(const char *from, const char *to);
bool os_file_exists(const char *path);
/* Names in a folder (without . and ..), sorted by bytes, one callback each; on_name returns false to stop. */
MUST_CHECK struct err os_file_list(const char *path, bool (*on_name)(void *owner, const char *name), void *owner);
MUST_CHECK struct err os_file_free_bytes(const char *path, uint64_t *ret_bytes);

/* Whole small files.  ERR_LIMIT when larger than the buffer's maximum. */
MUST_CHECK struct err os_file_read_all(const char *path, struct buf *buf);
/* Written to a temporary name, synced, then linked to `path`: others see all of it or nothing.  0600.
 * With `replace` false an existing file gives ERR_BUSY (race-free). */
MUST_CHECK struct err os_file_write_all(const char *path, struct str bytes, bool replace);
/* A regular file of ours (owner is the effective user), no link, one hard link, not readable by others.  ERR_DENIED. */
MUST_CHECK struct err os_file_check_private(const char *path);

#endif
