#include "os/error.h"

#include <errno.h>
#include <uv.h>

/* uv_strerror() returns static text for every number that libuv knows; libuv's numbers are negated errnos here. */
static struct err make(enum err_code code, int number) { return ERR(code, (unsigned)number, uv_strerror(-number)); }

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
