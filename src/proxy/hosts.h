/* hosts.h - lists of host patterns, as options give them.
 *
 * A pattern is a host name or address, or a glob where '*' stands for any run of characters: "*.example.com",
 * "10.0.*".  ".example.com" means the name and everything under it.  Names compare without case and without a trailing
 * dot.
 */
#ifndef PROXY_HOSTS_H
#define PROXY_HOSTS_H

#include "base/str.h"

struct proxy_hosts {
    const struct str *patterns; /* borrowed */
    size_t count;
};

bool proxy_hosts_match(const struct proxy_hosts *hosts, struct str host);
/* One pattern. */
bool proxy_hosts_match_one(struct str pattern, struct str host);

#endif
