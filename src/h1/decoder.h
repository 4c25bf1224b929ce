/* decoder.h - HTTP/1 bytes to events, keeping every byte (RFC 9112).
 *
 * Feed it what arrived; it gives back events whose `wire` slices, put one after another, are exactly the bytes
 * consumed: nothing is dropped, so who relays the slices relays the message byte for byte.  It does no I/O, knows no
 * clock and keeps only the head in memory (by itself while it is incomplete, then in the arena given); bodies pass
 * through without being copied.  Events, flags and errors do not depend on how the bytes were split, except that a
 * BODY may come in more pieces.
 *
 *   HEAD  the whole head, from the first byte (empty lines before it included) through the empty line after it
 *   BODY  bytes of the body area; `payload` is the part of `wire` that is content, framing left out (chunk lines have
 *         none)
 *   TRAILERS  the trailer section through its last empty line (chunked only)
 *   END   the message is over; wire is empty.  The decoder stops; h1_decoder_next() prepares it for the next message.
 *
 * A request decoder needs nothing but bytes.  A response decoder must be told with h1_decoder_expect() to which request
 * method the next response belongs (HEAD, CONNECT), before its first byte.  Interim responses (1xx but 101) come as
 * HEAD with is_interim true followed by END with is_interim; the same expectation then serves the next response.
 *
 * Framing is decided once, here (RFC 9112, 6.3).  What is odd but workable is taken the way most servers do and told in
 * `flags`; what is H1_AMBIGUOUS could be read otherwise by another implementation:
 *   Content-Length with Transfer-Encoding: the latter, in HTTP/1.0 too
 *   different Content-Lengths: the first; a list of equal ones: that one
 *   an unreadable Content-Length, a final transfer coding other than chunked, a request's field that only resembles one
 *   of the two ("Transfer-Encoding : chunked"), a response status that is no number: H1_FRAMING_CLOSE
 *   a request line without version: HTTP/0.9; HEAD is that line, and whatever follows is H1_FRAMING_CLOSE
 *   a chunk whose size or end cannot be read: from there on H1_FRAMING_CLOSE, flagged H1_FLAG_CHUNK_ODD; the BODY
 *   events that follow have no payload
 * So a *request* can be H1_FRAMING_CLOSE as well: all that the client sends until it ends belongs to it, and not a byte
 * of it is taken for another message.
 *
 * Errors: ERR_LIMIT with wire 414 (start line) or 431; ERR_SYNTAX with wire 400, or 505 for HTTP/2 and later, for
 * requests; for responses wire is 502.  A response that does not begin with "HTTP/" is an error at the first byte that
 * shows it.  An error is final; the bytes that no event gave are h1_decoder_partial() and then what is left of *input.
 */
#ifndef H1_DECODER_H
#define H1_DECODER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/message.h"

enum h1_flag {
    H1_FLAG_BARE_LF = 1 << 0,        /* a line ended by LF alone */
    H1_FLAG_OBS_FOLD = 1 << 1,       /* a folded field value */
    H1_FLAG_BAD_FIELD = 1 << 2,      /* a line that is no field: no colon, bad name, space before the colon */
    H1_FLAG_BAD_VALUE = 1 << 3,      /* NUL, bare CR or other control characters in a value */
    H1_FLAG_BAD_START = 1 << 4,      /* odd start line: extra spaces, tabs, no version, odd version, bad status */
    H1_FLAG_CL_AND_TE = 1 << 5,      /* Content-Length with Transfer-Encoding */
    H1_FLAG_CL_REPEATED = 1 << 6,    /* several Content-Length values, all the same */
    H1_FLAG_CL_DIFFERENT = 1 << 7,   /* several Content-Length values that differ */
    H1_FLAG_CL_INVALID = 1 << 8,     /* not a plain number */
    H1_FLAG_TE_ODD = 1 << 9,         /* Transfer-Encoding other than one plain "chunked" */
    H1_FLAG_TE_IN_10 = 1 << 10,      /* Transfer-Encoding in HTTP/1.0 */
    H1_FLAG_CHUNK_ODD = 1 << 11,     /* a chunk line that a strict reader refuses */
    H1_FLAG_HOST_MISSING = 1 << 12,  /* HTTP/1.1 request without Host */
    H1_FLAG_HOST_REPEATED = 1 << 13, /* more than one */
    H1_FLAG_EMPTY_LINES = 1 << 14,   /* empty lines before the start line */
    H1_FLAG_TRUNCATED = 1 << 15,     /* the stream ended inside the message */
    H1_FLAG_BODY_UNEXPECTED =
        1 << 16 /* framing fields where no body may be (204, 304 are fine; 1xx, 204 with CL > 0) */
};

/* Flags that make the framing ambiguous: another reader may see the message end elsewhere. */
#define H1_AMBIGUOUS                                                                                                   \
    (H1_FLAG_BARE_LF | H1_FLAG_OBS_FOLD | H1_FLAG_BAD_FIELD | H1_FLAG_BAD_VALUE | H1_FLAG_CL_AND_TE |                  \
     H1_FLAG_CL_REPEATED | H1_FLAG_CL_DIFFERENT | H1_FLAG_CL_INVALID | H1_FLAG_TE_ODD | H1_FLAG_TE_IN_10 |             \
     H1_FLAG_CHUNK_ODD | H1_FLAG_HOST_REPEATED)

enum h1_framing {
    H1_FRAMING_NONE,   /* no body */
    H1_FRAMING_LENGTH, /* Content-Length */
    H1_FRAMING_CHUNKED,
    H1_FRAMING_CLOSE,  /* response until the connection closes */
    H1_FRAMING_TUNNEL, /* 101, or 2xx to CONNECT: what follows is not HTTP; END comes after the head */
};

enum h1_event_kind {
    H1_EVENT_HEAD,
    H1_EVENT_BODY,
    H1_EVENT_TRAILERS,
    H1_EVENT_END,
};

struct h1_event {
    enum h1_event_kind kind;
    struct str wire;    /* points into the input, or for HEAD and TRAILERS into the arena */
    struct str payload; /* BODY only; empty for framing */
};

struct h1_limits {
    size_t head_bytes_max;  /* 0: 256 KiB; the HEAD event's bytes, and the TRAILERS event's; at least 16 */
    size_t line_bytes_max;  /* 0: 64 KiB; the start line with its line end; at least 16 */
    size_t field_count_max; /* 0: 1000; of the head, and of the trailers */
    size_t chunk_line_max;  /* 0: 4 KiB; with its line end */
};

struct h1_decoder;

/* `is_request` fixed for its life.  Limits are copied. */
struct h1_decoder *h1_decoder_new(bool is_request, const struct h1_limits *limits);
void h1_decoder_free(struct h1_decoder **decoder);

/* Begins a message whose head will live in `arena`.  Called at first, after END, and at most before the first byte. */
void h1_decoder_next(struct h1_decoder *decoder, struct arena *arena);
/* Responses: the method of the request that the next response answers. */
void h1_decoder_expect(struct h1_decoder *decoder, struct str request_method);

/* Takes the next event from *input and moves *input past what was consumed.  ERR_AGAIN: all input consumed (a partial
 * head or trailer section is kept; of a partial chunk line the pieces were given), feed more.  END comes from the call
 * after the last BODY or TRAILERS, with any input, empty as well.  Call until ERR_AGAIN, an error, or H1_EVENT_END. */
MUST_CHECK struct err h1_decoder_step(struct h1_decoder *decoder, struct str *input, struct h1_event *ret_event);
/* The stream ended.  OK with END for a close-delimited body; ERR_CLOSED before a message's start (after END, or when
 * only empty lines came, which are h1_decoder_partial()); ERR_SYNTAX with H1_FLAG_TRUNCATED set in the middle of one.
 */
MUST_CHECK struct err h1_decoder_finish(struct h1_decoder *decoder, struct h1_event *ret_event);

/* After HEAD. */
const struct http_message *h1_decoder_message(const struct h1_decoder *decoder);
enum h1_framing h1_decoder_framing(const struct h1_decoder *decoder);
uint64_t h1_decoder_content_length(const struct h1_decoder *decoder); /* with H1_FRAMING_LENGTH */
bool h1_decoder_is_interim(const struct h1_decoder *decoder);
/* Whether the connection may carry another message after this one (version, Connection, framing). */
bool h1_decoder_keeps_alive(const struct h1_decoder *decoder);
/* enum h1_flag bits seen so far in this message; chunk flags may come late. */
uint32_t h1_decoder_flags(const struct h1_decoder *decoder);
/* Bytes kept of an unfinished or refused head or trailer section, which no event gave, so that what was received of a
 * broken message can be recorded. */
struct str h1_decoder_partial(const struct h1_decoder *decoder);
/* Before the first byte of a message has been seen. */
bool h1_decoder_is_at_start(const struct h1_decoder *decoder);
/* "bare-lf,cl-and-te": the stable names of the flags, joined by commas, into text (at least 256 bytes). */
const char *h1_decoder_flag_names(uint32_t flags, char *text, size_t size);

#endif
