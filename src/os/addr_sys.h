/* addr_sys.h - addresses as the system's calls take them; for the files of this area only. */
#ifndef OS_ADDR_SYS_H
#define OS_ADDR_SYS_H

#include <sys/socket.h>

#include "os/addr.h"

/* Returns the length; 0 for an address without family. */
socklen_t os_addr_to_system(const struct os_addr *addr, struct sockaddr_storage *ret_address);
/* Family 0 when the address is neither IPv4 nor IPv6. */
void os_addr_from_system(const struct sockaddr_storage *address, struct os_addr *ret_addr);

#endif
