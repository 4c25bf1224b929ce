/* page.h - what we answer ourselves: pages that explain a failure, and the public page about our CA.
 *
 * Pages are complete HTTP/1.1 answers, in English or Japanese by Accept-Language, without scripts and without anything
 * from elsewhere.  Everything that came from outside is escaped.
 */
#ifndef PROXY_PAGE_H
#define PROXY_PAGE_H

#include "http/message.h"
#include "proxy/worker.h"

/* The name under which our public page is reached through the proxy. */
#define PROXY_PAGE_HOST "sekisho.proxy"

struct proxy_page {
    unsigned status;
    struct str title;        /* "The origin could not be reached" */
    struct str text;         /* one or two sentences: what and what to do */
    struct str detail;       /* a technical line; may be empty */
    struct str location;     /* of a redirect; may be empty */
    struct str authenticate; /* Proxy-Authenticate; may be empty */
    struct str trust_path;   /* where a button posts to that trusts the certificate; may be empty */
    struct str media_type;   /* with body: not HTML but these bytes */
    struct str body;
    struct str file_name; /* with body: offered as a download */
};

/* The answer's bytes, in the loop's scratch memory.  Without body bytes for HEAD.  `request` may be NULL. */
MUST_CHECK struct err proxy_page_write(struct os_loop *loop, const struct proxy_page *page,
                                       const struct http_message *request, bool keeps_alive, struct str *ret_wire);

/* The public page, its files, or a 404; by path. */
struct proxy_page proxy_page_public(const struct proxy_worker *worker, struct str path);

/* "Bad Gateway" and so on. */
const char *proxy_page_reason(unsigned status);

#endif
