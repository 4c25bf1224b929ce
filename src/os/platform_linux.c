#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/addr_sys.h"
#include "os/platform.h"

/* The kernel's headers that define them do not go together with netinet/in.h. */
#define SO_ORIGINAL_DST 80
#define IP6T_SO_ORIGINAL_DST 80
#define NICE_BACKGROUND 10

void os_platform_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void os_platform_lower_thread_priority(void)
{
    /* On Linux niceness belongs to the thread, although POSIX gives it to the process. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE_BACKGROUND);
}

void os_platform_forbid_dump(void) { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int os_platform_rename_exclusive(const char *from, const char *to)
{
    int number;

    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    number = errno;
    if (number != EINVAL && number != ENOSYS)
        return number;
    /* A file system without it: for a moment the file has two names. */
    if (link(from, to))
        return errno;
    unlink(from);
    return 0;
}

struct err os_platform_original_addr(int fd, struct os_addr *ret_addr)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(struct sockaddr_in);

    if (getsockopt(fd, SOL_IP, SO_ORIGINAL_DST, &address, &len) == 0) {
        os_addr_from_system(&address, ret_addr);
        return OK;
    }
    len = sizeof(struct sockaddr_in6);
    if (getsockopt(fd, SOL_IPV6, IP6T_SO_ORIGINAL_DST, &address, &len) == 0) {
        os_addr_from_system(&address, ret_addr);
        return OK;
    }
    return ERR(ERR_ABSENT, 0, "the connection was not redirected");
}
