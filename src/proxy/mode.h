/* mode.h - how clients reach a listener of ours.
 *
 *   regular      as a proxy they know of: absolute URLs, CONNECT, and SOCKS5 (told apart by the first byte)
 *   socks5       SOCKS5 only
 *   transparent  they were redirected by the system and believe to speak with the origin
 *   reverse      they take us for the origin, which is one for all
 */
#ifndef PROXY_MODE_H
#define PROXY_MODE_H

#include "base/str.h"

enum proxy_mode_kind {
    PROXY_MODE_REGULAR,
    PROXY_MODE_SOCKS5,
    PROXY_MODE_TRANSPARENT,
    PROXY_MODE_REVERSE,
};

struct proxy_mode {
    enum proxy_mode_kind kind;
    struct str host; /* reverse only */
    uint16_t port;
    bool is_tls;
};

#endif
