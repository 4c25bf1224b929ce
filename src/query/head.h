/* head.h - looking into a message's head as it was on the wire, whatever it is: nothing here fails.
 *
 * Lines end in LF or CRLF; the head ends at an empty line or with its bytes.  A line that begins with a blank continues
 * the one before it (RFC 9112, 5.2).  Nothing is copied or changed.
 */
#ifndef QUERY_HEAD_H
#define QUERY_HEAD_H

#include "base/str.h"
#include "model/facts.h"

struct query_head_line {
    struct str name;  /* empty when the line has no colon */
    struct str value; /* without blanks around it; the whole line when there is no name */
    struct str line;  /* without its line end; a folded line spans its lines */
};

/* The start line's parts, empty where it has fewer. */
struct query_head_start {
    struct str method, target; /* request */
    struct str status, reason; /* response */
    struct str version;        /* as written: "HTTP/1.1" */
};

struct query_head_start query_head_start(struct str head, enum exchange_side side);
/* What follows the start line. */
struct str query_head_fields(struct str head);
/* Takes the next line from *rest; false at the head's end. */
bool query_head_next(struct str *rest, struct query_head_line *ret_line);
/* Takes the next field of that name, in any case; false when there is none. */
bool query_head_find(struct str *rest, struct str name, struct str *ret_value);

#endif
