/* noise.h - hosts that browsers call on their own: updates, telemetry, safe browsing, captive-portal probes. */
#ifndef PROXY_NOISE_H
#define PROXY_NOISE_H

#include "base/str.h"

/* Whether traffic to this host is a browser's own background traffic, which the log can hide. */
bool proxy_noise_is_host(struct str host);

#endif
