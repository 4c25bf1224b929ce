/* replay_main.c - runs a fuzz target over stored inputs, in builds without libFuzzer.
 *
 * Each argument is a file or a folder of files; a folder that does not exist is left out, so that a target may have a
 * corpus without regressions.  Prints TAP: one line per input.  An input that crashes the target ends the program,
 * which the reader of the TAP sees as the plan not being met.  A target without any input fails: it would test nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_BYTES_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static unsigned replayed;

static void fail(const char *path, const char *what)
{
    printf("not ok %u - %s: %s\n", replayed + 1, path, what);
    exit(1);
}

/* The input is copied to a block of exactly its size, so that AddressSanitizer sees a read one byte past its end. */
static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    uint8_t *bytes;
    size_t len;

    if (!file || fstat(fileno(file), &status) != 0)
        fail(path, strerror(errno));
    if (status.st_size > INPUT_BYTES_MAX)
        fail(path, "larger than 64 MiB");
    len = (size_t)status.st_size;
    bytes = malloc(len ? len : 1);
    if (!bytes || fread(bytes, 1, len, file) != len)
        fail(path, "cannot be read");
    fclose(file);
    printf("# %s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    printf("ok %u - %s\n", ++replayed, path);
    fflush(stdout);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void replay_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_visible, alphasort);

    if (count < 0)
        fail(folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        char path[4096];
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);

        if (len < 0 || (size_t)len >= sizeof(path))
            fail(folder, "path too long");
        replay_file(path);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat status;

        if (stat(argv[i], &status) != 0)
            continue;
        if (S_ISDIR(status.st_mode))
            replay_folder(argv[i]);
        else
            replay_file(argv[i]);
    }
    if (replayed == 0)
        fail(argc > 1 ? argv[1] : "no arguments", "no inputs to replay");
    printf("1..%u\n", replayed);
    return 0;
}
