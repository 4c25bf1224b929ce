/* auth.h - the user name and password that clients of the proxy must give (--proxy-auth). */
#ifndef PROXY_AUTH_H
#define PROXY_AUTH_H

#include "http/message.h"
#include "proxy/options.h"

/* Whether the request may pass: nothing is asked for, or Proxy-Authorization gives it (RFC 7617). */
bool proxy_auth_is_given(const struct proxy_options *options, const struct http_message *request);

#endif
