/* cookie.h - the pairs of a Cookie field, and a Set-Cookie field (RFC 6265, as browsers read it: 5.2).
 *
 * Nothing is decoded; the parts point into the value given.
 */
#ifndef HTTP_COOKIE_H
#define HTTP_COOKIE_H

#include "base/str.h"

struct http_cookie_pair {
    struct str name;  /* empty for "; value ;", which has no '=' */
    struct str value; /* quotes belong to it */
};

/* Takes the next pair of a Cookie value from *rest; false at the end.  Empty ones are skipped. */
bool http_cookie_next(struct str *rest, struct http_cookie_pair *ret_pair);

struct http_cookie_set {
    struct str name;
    struct str value;
    struct str attributes; /* what follows the first ';', for http_cookie_next() */
    struct str domain;     /* empty when absent; as written */
    struct str path;
    struct str expires;
    struct str max_age;
    struct str same_site;
    bool is_secure;
    bool is_http_only;
    bool is_partitioned;
};

/* A Set-Cookie value.  Of an attribute that stands twice, the last counts.  False when browsers would ignore it:
 * neither name nor value. */
bool http_cookie_parse_set(struct str value, struct http_cookie_set *ret_cookie);

#endif
