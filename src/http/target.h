/* target.h - request targets and authorities (RFC 9112, 3.2; RFC 3986).
 *
 * Nothing is decoded or normalised: the parts point into the bytes given.
 */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "base/err.h"
#include "base/str.h"

enum http_target_form {
    HTTP_TARGET_ORIGIN,    /* /path?query */
    HTTP_TARGET_ABSOLUTE,  /* http://host/path */
    HTTP_TARGET_AUTHORITY, /* host:port, of CONNECT */
    HTTP_TARGET_ASTERISK,
    HTTP_TARGET_OTHER, /* anything else; passed on as it is */
};

struct http_authority {
    struct str userinfo; /* without '@'; empty when absent */
    struct str host;     /* as written; an IPv6 literal without its brackets */
    uint16_t port;       /* 0 when absent */
    bool is_ip6;         /* stood in brackets */
};

struct http_target {
    enum http_target_form form;
    struct str scheme; /* of the absolute form, as written */
    struct http_authority authority;
    struct str origin_form; /* absolute form: from the path on ("" when the path is empty); else the target itself */
    struct str path;        /* up to '?' */
    struct str query;       /* after the first '?'; has_query tells an empty one from none */
    bool has_query;
};

/* host, host:port, [v6]:port, userinfo@host:port.  ERR_SYNTAX: empty host, port not 1-65535, stray bytes (control,
 * space, '/', '\\', '?', '#'), unclosed or stray bracket.  "host:" is a host without a port.  What stands before the
 * last '@' is userinfo. */
MUST_CHECK struct err http_target_parse_authority(struct str text, struct http_authority *ret_authority);
/* By method, since CONNECT takes an authority.  ERR_SYNTAX for an absolute form or authority that has no host. */
MUST_CHECK struct err http_target_parse(struct str method, struct str target, struct http_target *ret_target);
/* 80 for http and ws, 443 for https and wss, else 0. */
uint16_t http_target_default_port(struct str scheme);
/* The file extension of the last path segment, without the dot, as written; empty when none or over 16 bytes.  What
 * follows a ';' in the segment is left out; a segment that only begins with a dot has none. */
struct str http_target_extension(struct str path);

#endif
