#include "os/terminal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/error.h"

unsigned os_terminal_columns(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

struct err os_terminal_folder(char *path, size_t size)
{
    if (getcwd(path, size))
        return OK;
    return errno == ERANGE ? ERR(ERR_LIMIT, 0, "the working folder's path is too long") : os_error_of_file(errno);
}

bool os_terminal_is_root(void) { return geteuid() == 0; }
