#include "cli/removal.h"

#include <stdio.h>

#include "os/file.h"

#define PATH_BYTES 4096

struct removal {
    const char *folder;
    unsigned depth_left;
    struct err err;
};

static bool on_name(void *owner, const char *name)
{
    struct removal *removal = owner;
    char path[PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s/%s", removal->folder, name);

    if (len < 0 || (size_t)len >= sizeof(path))
        removal->err = ERR(ERR_LIMIT, 0, "the path is too long");
    else if (err_is(os_file_remove(path)))
        removal->err = removal->depth_left ? cli_removal_tree(path, removal->depth_left - 1)
                                           : ERR(ERR_DENIED, 0, "folders lie too deep in one another");
    return !err_is(removal->err);
}

struct err cli_removal_tree(const char *folder, unsigned depth_max)
{
    struct removal removal = {folder, depth_max, OK};

    TRY(os_file_list(folder, on_name, &removal));
    TRY(removal.err);
    return os_file_remove_folder(folder);
}
