/* gather.h - collects a head or a trailer section that may arrive in pieces, up to its empty line.
 *
 * A section that comes whole in one input is returned as a slice of it, uncopied; otherwise its pieces are kept here.
 * Every byte is looked at once, however small the pieces are.  Which bytes an error leaves in `kept` and which in the
 * input depends on the bytes only, never on how they were split.
 */
#ifndef H1_GATHER_H
#define H1_GATHER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum h1_gather_kind {
    H1_GATHER_REQUEST,
    H1_GATHER_RESPONSE,
    H1_GATHER_TRAILERS,
};

struct h1_gather {
    enum h1_gather_kind kind;
    struct buf kept;          /* the bytes of earlier inputs */
    size_t section_bytes_max; /* the whole section, empty lines included */
    size_t line_bytes_max;    /* the start line with its line end */
    size_t scanned_len;       /* offset in the section of the first byte not yet looked at */
    size_t line_start;        /* offset in the section of the line being looked at */
    bool has_start_line;
};

/* `kept_bytes_max` bounds the memory; at least section_bytes_max. */
void h1_gather_init(struct h1_gather *gather, size_t section_bytes_max, size_t line_bytes_max, size_t kept_bytes_max);
void h1_gather_deinit(struct h1_gather *gather);
/* Begins a section. */
void h1_gather_start(struct h1_gather *gather, enum h1_gather_kind kind);

/* Takes bytes from *input up to the end of the section.  The section stays valid until the next call or the end of the
 * input.  ERR_AGAIN: not complete, all input kept.  ERR_LIMIT with 414 or 431.  ERR_SYNTAX: a start line that can
 * be no message's.  After an error `kept` holds what was taken. */
MUST_CHECK struct err h1_gather_run(struct h1_gather *gather, struct str *input, struct str *ret_section);
/* Whether nothing but empty lines came so far. */
bool h1_gather_is_blank(const struct h1_gather *gather);

#endif
