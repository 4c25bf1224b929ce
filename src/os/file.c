#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arena.h"
#include "os/clock.h"
#include "os/error.h"
#include "os/platform.h"

#define WRITE_PARTS 64
#define FILE_MODE 0600
#define FOLDER_MODE 0700
/* Names of one folder, with their bytes. */
#define LIST_MAX_COUNT ((size_t)1 << 20)
#define LIST_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct os_file {
    int fd;
};

/* Without O_NONBLOCK the opening of a FIFO that somebody put there would wait for ever. */
static int open_no_follow(const char *path, int flags)
{
    int fd;

    do {
        fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, FILE_MODE);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int create(const char *path, int flags)
{
    int fd = open_no_follow(path, flags | O_CREAT | O_EXCL);

    /* The umask may have taken even the owner's bits. */
    if (fd >= 0 && fchmod(fd, FILE_MODE)) {
        int number = errno;

        close(fd);
        unlink(path);
        errno = number;
        return -1;
    }
    return fd;
}

static int open_or_create(const char *path, int flags)
{
    int fd = open_no_follow(path, flags);

    /* Between the two calls another process may make the file, or remove it. */
    while (fd < 0 && errno == ENOENT) {
        fd = create(path, flags);
        if (fd >= 0 || errno != EEXIST)
            break;
        fd = open_no_follow(path, flags);
    }
    return fd;
}

static int open_in_mode(const char *path, enum os_file_mode mode)
{
    switch (mode) {
    case OS_FILE_APPEND:
        /* Readable too: what was written may have to be looked at again. */
        return open_or_create(path, O_RDWR | O_APPEND);
    case OS_FILE_CREATE:
        return create(path, O_RDWR | O_APPEND);
    case OS_FILE_READ_WRITE:
        return open_no_follow(path, O_RDWR | O_APPEND);
    case OS_FILE_READ:
    default:
        return open_no_follow(path, O_RDONLY);
    }
}

struct err os_file_open(const char *path, enum os_file_mode mode, struct os_file **ret_file)
{
    int fd = open_in_mode(path, mode);
    struct os_file *file;
    struct stat status;

    if (fd < 0)
        return os_error_of_file(errno);
    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        close(fd);
        return ERR(ERR_DENIED, 0, "not a regular file");
    }
    file = malloc(sizeof(*file));
    CHECK(file);
    file->fd = fd;
    *ret_file = file;
    return OK;
}

void os_file_close(struct os_file **file)
{
    if (!*file)
        return;
    close((*file)->fd);
    free(*file);
    *file = NULL;
}

static size_t gather(const struct str *parts, size_t part_count, uint64_t done, struct iovec *vectors)
{
    size_t count = 0;

    for (size_t i = 0; i < part_count && count < WRITE_PARTS; i++) {
        struct str rest = str_skip(parts[i], done < parts[i].len ? (size_t)done : parts[i].len);

        done -= parts[i].len - rest.len;
        if (rest.len)
            vectors[count++] = (struct iovec){.iov_base = (char *)(uintptr_t)rest.ptr, .iov_len = rest.len};
    }
    return count;
}

struct err os_file_write(struct os_file *file, const struct str *parts, size_t part_count, uint64_t *ret_written)
{
    struct iovec vectors[WRITE_PARTS];
    uint64_t done = 0;
    size_t count;

    while ((count = gather(parts, part_count, done, vectors)) > 0) {
        ssize_t len = writev(file->fd, vectors, (int)count);

        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0) {
            struct err error = os_error_of_file(errno);

            *ret_written = done;
            return error;
        }
        done += (uint64_t)len;
    }
    *ret_written = done;
    return OK;
}

struct err os_file_read_at(struct os_file *file, uint64_t offset, char *bytes, size_t len, size_t *ret_len)
{
    size_t done = 0;

    if (offset > INT64_MAX - len)
        return os_error_of_file(EOVERFLOW);
    while (done < len) {
        ssize_t got = pread(file->fd, bytes + done, len - done, (off_t)(offset + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return os_error_of_file(errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_len = done;
    return OK;
}

/* Of a call that returns 0 or -1. */
static struct err checked(int status) { return status ? os_error_of_file(errno) : OK; }

struct err os_file_sync(struct os_file *file) { return checked(fsync(file->fd)); }

struct err os_file_truncate(struct os_file *file, uint64_t len)
{
    int status;

    if (len > INT64_MAX)
        return os_error_of_file(EFBIG);
    do {
        status = ftruncate(file->fd, (off_t)len);
    } while (status && errno == EINTR);
    return checked(status);
}

struct err os_file_len(struct os_file *file, uint64_t *ret_len)
{
    struct stat status;

    TRY(checked(fstat(file->fd, &status)));
    *ret_len = (uint64_t)status.st_size;
    return OK;
}

struct err os_file_lock(struct os_file *file) { return checked(flock(file->fd, LOCK_EX | LOCK_NB)); }

struct err os_file_remove(const char *path) { return checked(unlink(path)); }

struct err os_file_rename(const char *from, const char *to) { return checked(rename(from, to)); }

struct err os_file_remove_folder(const char *path) { return checked(rmdir(path)); }

static int open_folder(const char *path) { return open_no_follow(path, O_RDONLY | O_DIRECTORY); }

struct err os_file_sync_folder(const char *path)
{
    int fd = open_folder(path);
    struct err error;

    if (fd < 0)
        return os_error_of_file(errno);
    error = checked(fsync(fd));
    close(fd);
    return error;
}

static struct err make_one_folder(const char *path)
{
    struct stat status;

    if (mkdir(path, FOLDER_MODE))
        return errno == EEXIST ? OK : os_error_of_file(errno);
    TRY(checked(lstat(path, &status)));
    /* The umask may have taken even the owner's bits. */
    return (status.st_mode & 07777) == FOLDER_MODE ? OK : checked(chmod(path, FOLDER_MODE));
}

struct err os_file_make_folder(const char *path)
{
    char part[PATH_MAX];
    struct stat status;
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len == 0 || len >= sizeof(part))
        return os_error_of_file(len ? ENAMETOOLONG : ENOENT);
    for (size_t i = 1; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        TRY(make_one_folder(part));
    }
    TRY(checked(lstat(part, &status)));
    if (!S_ISDIR(status.st_mode))
        return ERR(ERR_DENIED, 0, "not a folder");
    if (status.st_uid != geteuid())
        return ERR(ERR_DENIED, 0, "the folder belongs to another user");
    return OK;
}

struct name_list {
    struct arena arena;
    const char **names;
    size_t count;
    size_t size;
};

static struct err collect_names(DIR *folder, struct name_list *list)
{
    struct dirent *entry;
    struct str copy;

    while ((errno = 0, entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (list->count == LIST_MAX_COUNT)
            return ERR(ERR_LIMIT, 0, "the folder has too many files");
        if (list->count == list->size) {
            list->size = list->size ? list->size * 2 : 64;
            list->names = realloc(list->names, list->size * sizeof(list->names[0]));
            CHECK(list->names);
        }
        TRY(arena_copy(&list->arena, str_from(entry->d_name), &copy));
        list->names[list->count++] = copy.ptr;
    }
    return errno ? os_error_of_file(errno) : OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

struct err os_file_list(const char *path, bool (*on_name)(void *owner, const char *name), void *owner)
{
    struct name_list list = {0};
    int fd = open_folder(path);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct err error;

    if (!folder) {
        error = os_error_of_file(errno);
        if (fd >= 0)
            close(fd);
        return error;
    }
    arena_init(&list.arena, LIST_MAX_BYTES);
    error = collect_names(folder, &list);
    closedir(folder);
    if (list.count)
        qsort(list.names, list.count, sizeof(list.names[0]), compare_names);
    for (size_t i = 0; !err_is(error) && i < list.count; i++) {
        if (!on_name(owner, list.names[i]))
            break;
    }
    free(list.names);
    arena_deinit(&list.arena);
    return error;
}

bool os_file_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

struct err os_file_free_bytes(const char *path, uint64_t *ret_bytes)
{
    struct statvfs status;

    TRY(checked(statvfs(path, &status)));
    *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return OK;
}

struct err os_file_read_all(const char *path, struct buf *buf)
{
    struct os_file *file;
    struct err error;
    uint64_t len;
    size_t got = 0;
    char *bytes;

    TRY(os_file_open(path, OS_FILE_READ, &file));
    error = os_file_len(file, &len);
    if (!err_is(error) && len > buf->max_bytes - buf->len)
        error = ERR(ERR_LIMIT, 0, "the file is too large");
    if (!err_is(error))
        error = buf_reserve(buf, (size_t)len, &bytes);
    if (!err_is(error))
        error = os_file_read_at(file, 0, bytes, (size_t)len, &got);
    if (got)
        buf_commit(buf, got);
    os_file_close(&file);
    return error;
}

static struct err write_and_sync(struct os_file *file, struct str bytes)
{
    uint64_t written;

    TRY(os_file_write(file, &bytes, 1, &written));
    return os_file_sync(file);
}

/* "folder/name" gives "folder/.name.0123456789abcdef". */
static struct err temporary_path(const char *path, char *text, size_t size)
{
    const char *slash = strrchr(path, '/');
    int folder_len = slash ? (int)(slash + 1 - path) : 0;
    uint64_t random;
    int len;

    os_clock_random(&random, sizeof(random));
    len = snprintf(text, size, "%.*s.%s.%016llx", folder_len, path, path + folder_len, (unsigned long long)random);
    return len < 0 || (size_t)len >= size ? os_error_of_file(ENAMETOOLONG) : OK;
}

static struct err sync_parent(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash == path ? 1 : slash ? (int)(slash - path) : 1;

    if (len >= (int)sizeof(folder))
        return os_error_of_file(ENAMETOOLONG);
    snprintf(folder, sizeof(folder), "%.*s", len, slash ? path : ".");
    return os_file_sync_folder(folder);
}

struct err os_file_write_all(const char *path, struct str bytes, bool replace)
{
    char temporary[PATH_MAX];
    struct os_file *file;
    struct err error;
    int number;

    TRY(temporary_path(path, temporary, sizeof(temporary)));
    TRY(os_file_open(temporary, OS_FILE_CREATE, &file));
    error = write_and_sync(file, bytes);
    os_file_close(&file);
    if (!err_is(error)) {
        number = replace ? (rename(temporary, path) ? errno : 0) : os_platform_rename_exclusive(temporary, path);
        error = number ? os_error_of_file(number) : sync_parent(path);
        if (!number)
            return error;
    }
    unlink(temporary);
    return error;
}

struct err os_file_check_private(const char *path)
{
    struct stat status;

    TRY(checked(lstat(path, &status)));
    if (!S_ISREG(status.st_mode))
        return ERR(ERR_DENIED, 0, "not a regular file");
    if (status.st_uid != geteuid())
        return ERR(ERR_DENIED, 0, "the file belongs to another user");
    if (status.st_nlink != 1)
        return ERR(ERR_DENIED, 0, "the file has a second name");
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return ERR(ERR_DENIED, 0, "others may read or change the file");
    return OK;
}
