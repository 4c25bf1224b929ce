/* subject.h - what a query is evaluated on: one exchange, living or recorded, whose larger parts come on demand.
 *
 * The evaluator asks only for what the query needs and in order of cost, so a query on columns never loads a head and a
 * query on heads never loads a body.  Each part is asked for at most a few times per evaluation; a subject that loads
 * from disk keeps what it loaded until the evaluation ends.
 *
 * ERR_ABSENT from an operation (or a NULL operation) means that the thing does not exist or is not known yet: every
 * comparison on it is false.  Any other error makes the condition undecided; query_eval() passes it up when the answer
 * hangs on it.
 */
#ifndef QUERY_SUBJECT_H
#define QUERY_SUBJECT_H

#include "base/err.h"
#include "base/str.h"
#include "model/facts.h"
#include "model/facts_json.h"

/* Which of a message's two versions.  They are the same bytes unless a rule or a person changed the message. */
enum query_version {
    QUERY_SENT,     /* req.*, res.*: what was sent on in the end; at a gate, what would be sent now */
    QUERY_ORIGINAL, /* orig.req.*, orig.res.*: what was received */
};

struct query_part {
    enum exchange_side side;
    enum query_version version;
};

struct query_subject;

/* Text and bytes given are borrowed until the evaluation ends.  An operation that returns for QUERY_ORIGINAL the very
 * pointer it returns for QUERY_SENT tells that nothing was changed, and saves a second search. */
struct query_subject_ops {
    /* The head as on the wire: start line and field lines up to and with the empty line;
     * HTTP/2 in its HTTP/1.1 form. */
    struct err (*head)(struct query_subject *self, struct query_part part, struct str *ret_head);
    /* The body with framing, content codings and charset undone: UTF-8.  ERR_LIMIT when it is larger than the subject
     * gives out: the exchange is undecided rather than silently not found.  An empty body is ERR_ABSENT. */
    struct err (*body_text)(struct query_subject *self, struct query_part part, struct str *ret_text);
    /* Head and body as on the wire. */
    struct err (*wire)(struct query_subject *self, struct query_part part, struct str *ret_bytes);
    /* Note, tags, colour. */
    struct err (*marks)(struct query_subject *self, struct facts_marks *ret_marks);
    /* Whether the exchange lies in the project's scope. */
    struct err (*in_scope)(struct query_subject *self, bool *ret_is_in);
    /* WebSocket messages of both directions, each followed by LF, and their number. */
    struct err (*ws_text)(struct query_subject *self, struct str *ret_text);
    struct err (*ws_count)(struct query_subject *self, uint64_t *ret_count);
};

struct query_subject {
    const struct query_subject_ops *ops;
    const struct exchange_facts *facts; /* never NULL */
    struct str project;                 /* the project's name; empty: absent */
};

#endif
