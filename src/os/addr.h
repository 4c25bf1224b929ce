/* addr.h - an IP address and port, as a plain value.
 *
 * IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are turned into IPv4 by every function that makes an os_addr, so that one
 * peer has one form.
 */
#ifndef OS_ADDR_H
#define OS_ADDR_H

#include "base/err.h"
#include "base/str.h"

enum os_family {
    OS_FAMILY_NONE = 0,
    OS_FAMILY_IP4 = 4,
    OS_FAMILY_IP6 = 6,
};

struct os_addr {
    uint8_t family;    /* enum os_family */
    uint16_t port;     /* host byte order */
    uint32_t scope_id; /* IPv6 link-local only */
    uint8_t ip[16];    /* network byte order; the first 4 for IPv4; the rest 0 */
};

#define OS_ADDR_TEXT_BYTES 80

/* "1.2.3.4", "::1", "[::1]", "fe80::1%eth0"; strict dotted-quad (no 127.1, no octal).  ERR_SYNTAX otherwise. */
MUST_CHECK struct err os_addr_parse(struct str text, uint16_t port, struct os_addr *ret_addr);
/* "127.0.0.1:8080", "[::1]:0", ":8080" (= 127.0.0.1).  ERR_SYNTAX otherwise. */
MUST_CHECK struct err os_addr_parse_with_port(struct str text, struct os_addr *ret_addr);

/* "1.2.3.4" or "::1"; returns text. */
const char *os_addr_format_ip(const struct os_addr *addr, char text[OS_ADDR_TEXT_BYTES]);
/* "1.2.3.4:80" or "[::1]:80"; returns text. */
const char *os_addr_format(const struct os_addr *addr, char text[OS_ADDR_TEXT_BYTES]);

bool os_addr_is_loopback(const struct os_addr *addr);    /* 127/8, ::1 */
bool os_addr_is_unspecified(const struct os_addr *addr); /* 0.0.0.0, :: */
bool os_addr_same_ip(const struct os_addr *a, const struct os_addr *b);
bool os_addr_same(const struct os_addr *a, const struct os_addr *b);
/* Whether the address is one of this machine's: loopback, unspecified, or of an interface (looked up now and then). */
bool os_addr_is_local(const struct os_addr *addr);

#endif
