/* reply.h - an answer while it is being made: status, fields, and the bytes of the body so far.
 *
 * Whoever handles the request fills it, on any one thread at a time; the connection sends it.  Every answer, errors
 * included, carries the fields that keep a browser from using it in a way we do not mean: no sniffing, no framing, no
 * cross-origin reading, a strict content security policy.
 */
#ifndef ADMIN_REPLY_H
#define ADMIN_REPLY_H

#include "base/buf.h"
#include "base/jsonout.h"

#define ADMIN_REPLY_BODY_MAX ((size_t)64 * 1024 * 1024)
#define ADMIN_REPLY_FIELDS_MAX ((size_t)8 * 1024)

#define ADMIN_REPLY_JSON "application/json"
#define ADMIN_REPLY_PROBLEM "application/problem+json"
#define ADMIN_REPLY_BYTES "application/octet-stream"
#define ADMIN_REPLY_TEXT "text/plain; charset=utf-8"
#define ADMIN_REPLY_EVENTS "text/event-stream; charset=utf-8"

struct admin_reply {
    unsigned status;  /* 0: not answered yet */
    const char *type; /* static; NULL: no body */
    struct buf fields;
    struct buf body;
    bool is_public; /* may be kept by caches and checked with its ETag */
    bool has_more;  /* the handler wants to be called again for the next part */
    bool is_cut;    /* the rest cannot be had: the connection is to break off, so that the reader notices */
};

/* How the end of the body is told. */
enum admin_reply_framing {
    ADMIN_REPLY_WHOLE,   /* body is all there is: Content-Length */
    ADMIN_REPLY_CHUNKED, /* HTTP/1.1, more to come */
    ADMIN_REPLY_CLOSE,   /* HTTP/1.0, more to come */
};

void admin_reply_init(struct admin_reply *reply);
void admin_reply_deinit(struct admin_reply *reply);
/* As after init. */
void admin_reply_reset(struct admin_reply *reply);

/* Starts over with this status and type. */
void admin_reply_start(struct admin_reply *reply, unsigned status, const char *type);
/* Adds a field.  Control characters in the value become '?'. */
void admin_reply_field(struct admin_reply *reply, const char *name, struct str value);
/* A JSON answer whose text goes to the writer; admin_reply_finish_json() turns a full buffer into 500. */
void admin_reply_start_json(struct admin_reply *reply, unsigned status, struct jsonout *ret_out);
void admin_reply_finish_json(struct admin_reply *reply, const struct jsonout *out);
/* 204. */
void admin_reply_empty(struct admin_reply *reply);

/* Appends the status line and all fields, up to and with the empty line. */
MUST_CHECK struct err admin_reply_write_head(const struct admin_reply *reply, enum admin_reply_framing framing,
                                             bool keeps_alive, struct buf *head);
/* "Not Found"; "" for statuses that this server never sends. */
const char *admin_reply_reason(unsigned status);

#endif
