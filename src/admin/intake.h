/* intake.h - bytes of one connection to requests, strictly: no socket, no clock, no policy about who may call.
 *
 * Stricter than the relay on purpose, since nobody needs us to understand odd HTTP here: whatever the decoder flags
 * (bare LF, folding, two lengths, length with chunks, ...) is refused with 400.  A body over its maximum gives 413 as
 * soon as its length is known.  After an error the connection must be closed, because where the next request begins is
 * unknown.
 */
#ifndef ADMIN_INTAKE_H
#define ADMIN_INTAKE_H

#include "base/arena.h"
#include "base/buf.h"
#include "h1/decoder.h"

#define ADMIN_INTAKE_HEAD_MAX (64 * 1024)
#define ADMIN_INTAKE_BODY_MAX (1024 * 1024) /* the usual limit; a server may have another */

struct admin_request {
    const struct http_message *message;
    struct str path;  /* as received, up to '?'; of an absolute target what follows the authority */
    struct str query; /* behind '?'; may be empty */
    struct str body;
    bool is_head;          /* HEAD: the answer has no body */
    bool expects_continue; /* waits for 100 before it sends the body */
    bool keeps_alive;      /* after END */
};

enum admin_intake_event {
    ADMIN_INTAKE_AGAIN, /* all input is used up */
    ADMIN_INTAKE_HEAD,  /* request.message, path and query are there: time for the guard */
    ADMIN_INTAKE_END,   /* the request is complete */
};

struct admin_intake {
    struct h1_decoder *decoder;
    struct arena arena; /* of the request; handlers may use it until the next request */
    struct buf body;
    struct admin_request request;
};

void admin_intake_init(struct admin_intake *intake, size_t body_bytes_max);
void admin_intake_deinit(struct admin_intake *intake);
/* Forgets the request and waits for the next. */
void admin_intake_next(struct admin_intake *intake);

/* Takes from *input.  On an error err.wire is the HTTP status and err.what a sentence. */
MUST_CHECK struct err admin_intake_step(struct admin_intake *intake, struct str *input,
                                        enum admin_intake_event *ret_event);
/* No byte of the next request has come. */
bool admin_intake_is_idle(const struct admin_intake *intake);

#endif
