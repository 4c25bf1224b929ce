/* coding.h - content codings (RFC 9110, 8.4): undone for reading and search, done for edited bodies.
 *
 * Never in the path of the bytes: what is relayed and stored stays coded.  Knows gzip, x-gzip, deflate (zlib and raw),
 * br, zstd and identity, stacked up to HTTP_CODING_STACK_MAX.  A body that does not decode to its end still gives what
 * came out before.  Work and memory are bounded whatever the body holds: the output by a cap and by its ratio to the
 * input, a zstd window by 128 MiB (8 MiB when codings are stacked).  A body without a byte is complete.
 *
 *     struct http_coding *coding;
 *     TRY(http_coding_new(STR("gzip"), &limits, sink, &coding));
 *     TRY(http_coding_feed(coding, slice));          as often as there is input
 *     result = http_coding_finish(coding);
 *     http_coding_free(&coding);
 */
#ifndef HTTP_CODING_H
#define HTTP_CODING_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/sink.h"

#define HTTP_CODING_STACK_MAX 8

enum http_coding_outcome {
    HTTP_CODING_COMPLETE,  /* decoded to its end */
    HTTP_CODING_TRUNCATED, /* the input ended early; what came out is right */
    HTTP_CODING_DAMAGED,   /* bytes that break the format, or a wrong checksum; what came out before is kept */
    HTTP_CODING_CUT,       /* a limit was reached; what came out before is kept */
    HTTP_CODING_UNKNOWN,   /* a coding that is not known: nothing was decoded */
};

struct http_coding_limits {
    uint64_t output_bytes_max; /* 0: 64 MiB; of each layer of a stack */
    uint64_t ratio_max;        /* 0: 1100; output to input of each layer, counted from its first MiB of output on */
};

struct http_coding_result {
    enum http_coding_outcome outcome;
    uint64_t output_len; /* what the sink was given */
    bool has_surplus;    /* bytes after the end of the coded content; they were ignored */
    struct str unknown;  /* with HTTP_CODING_UNKNOWN: which; points into the list given.  "" when there are too many */
};

struct http_coding;

/* `list` is a Content-Encoding value; those of several fields are joined with commas.  Limits may be NULL.
 * ERR_ABSENT: a coding that is not known, see http_coding_find_unknown(); ERR_LIMIT: too many. */
MUST_CHECK struct err http_coding_new(struct str list, const struct http_coding_limits *limits, struct http_sink sink,
                                      struct http_coding **ret_coding);
void http_coding_free(struct http_coding **coding);
/* Decodes a slice and gives all that comes out to the sink before it returns.  The sink's errors only: what is wrong
 * with the content is told by http_coding_finish(). */
MUST_CHECK struct err http_coding_feed(struct http_coding *coding, struct str coded);
/* Whether more input can change nothing: damaged, cut, or ended. */
bool http_coding_is_over(const struct http_coding *coding);
/* No more input comes. */
struct http_coding_result http_coding_finish(struct http_coding *coding);

/* A whole body in memory, appended to `decoded` as far as it has room (then HTTP_CODING_CUT). */
struct http_coding_result http_coding_decode(struct str list, struct str coded, const struct http_coding_limits *limits,
                                             struct buf *decoded);
/* The first member that is not known; false when all are. */
bool http_coding_find_unknown(struct str list, struct str *ret_unknown);
/* Codes `content` with all members of the list, in their order.  ERR_ABSENT: not known; ERR_LIMIT: `coded` is full. */
MUST_CHECK struct err http_coding_encode(struct str list, struct str content, struct buf *coded);
/* "complete", "truncated", "damaged", "cut", "unknown". */
const char *http_coding_outcome_name(enum http_coding_outcome outcome);

#endif
