/* platform.h - what has to be written anew for each operating system; for the files of this area only.
 *
 * platform_linux.c implements it.  A port adds a file of its own and nothing else.
 */
#ifndef OS_PLATFORM_H
#define OS_PLATFORM_H

#include "base/err.h"
#include "os/addr.h"

/* Names the calling thread, for debuggers; at most 15 bytes. */
void os_platform_name_thread(const char *name);
/* Makes the calling thread, not the process, give way to others. */
void os_platform_lower_thread_priority(void);
/* No core dumps of this process, and no reading of its memory by others of the same user. */
void os_platform_forbid_dump(void);
/* Like rename(), but EEXIST when `to` exists, in one step.  Returns an errno, 0 for success. */
int os_platform_rename_exclusive(const char *from, const char *to);
/* Where the client of a redirected connection wanted to go; ERR_ABSENT when it was not redirected. */
MUST_CHECK struct err os_platform_original_addr(int fd, struct os_addr *ret_addr);

#endif
