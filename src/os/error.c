#include "os/error.h"

#include <errno.h>
#include <string.h>
#include <uv.h>

/* Static text for a number; libuv's numbers are negated errnos here.  uv_strerror() returns static text for every
 * number that libuv knows, and memory that nobody frees for others. */
static const char *text_of(int number)
{
    char name[64];

    if (number == EDQUOT)
        return "disk quota exceeded";
    if (strncmp(uv_err_name_r(-number, name, sizeof(name)), "Unknown", 7) == 0)
        return "the system said no";
    return uv_strerror(-number);
}

static struct err make(enum err_code code, int number) { return ERR(code, (unsigned)number, text_of(number)); }

struct err os_error_of_file(int number)
{
    switch (number) {
    case ENOENT:
        return make(ERR_ABSENT, number);
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP: /* O_NOFOLLOW met a symbolic link */
        return make(ERR_DENIED, number);
    case EWOULDBLOCK:
    case EEXIST:
        return make(ERR_BUSY, number);
    default:
        return make(ERR_IO, number);
    }
}

struct err os_error_of_net(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return make(ERR_REFUSED, number);
    case ECONNRESET:
    case EPIPE:
        return make(ERR_RESET, number);
    case ETIMEDOUT:
        return make(ERR_TIMEOUT, number);
    case EADDRINUSE:
        return make(ERR_BUSY, number);
    case EACCES:
    case EPERM:
        return make(ERR_DENIED, number);
    default:
        return make(ERR_IO, number);
    }
}
