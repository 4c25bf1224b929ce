/* probe.h - looks at the certificate that an origin shows, without trusting it. */
#ifndef APP_PROBE_H
#define APP_PROBE_H

#include "app/wire.h"

/* Connects (host overrides and our own addresses' veto apply; upstream proxies too), shakes hands and closes.  The
 * certificate's SHA-256 as 64 hex digits and NUL.  Blocks as long as the time-outs allow: not from a loop. */
MUST_CHECK struct err app_probe_certificate(struct app_wire *wire, struct str host, uint16_t port, char ret_sha256[65]);

#endif
