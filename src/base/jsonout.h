/* jsonout.h - writes JSON text (RFC 8259) into a buf.
 *
 * The writer puts the commas; the caller opens and closes objects and arrays in order.  The first failure (the buffer
 * is full) is kept and later calls do nothing, so that only jsonout_finish() must be looked at.
 *
 * Text is bytes from anywhere.  What is not UTF-8 becomes U+FFFD, one for each byte that fits no sequence.  Control
 * characters (C0, DEL, C1), line separators, and the invisible characters that change the direction of text are
 * written as \uXXXX, so that the result is safe to print on a terminal.
 */
#ifndef BASE_JSONOUT_H
#define BASE_JSONOUT_H

#include "base/buf.h"

struct jsonout {
    struct buf *buf;
    struct err failure; /* the first one */
    bool needs_comma;
};

void jsonout_init(struct jsonout *out, struct buf *buf);
MUST_CHECK struct err jsonout_finish(const struct jsonout *out);

/* `key` may be STR_NONE inside an array and at the top. */
void jsonout_object_open(struct jsonout *out, struct str key);
void jsonout_object_close(struct jsonout *out);
void jsonout_array_open(struct jsonout *out, struct str key);
void jsonout_array_close(struct jsonout *out);

void jsonout_text(struct jsonout *out, struct str key, struct str text);
/* null when the text is empty.  Where the text is not UTF-8, a second member KEY_base64 holds its exact bytes. */
void jsonout_bytes(struct jsonout *out, struct str key, struct str bytes);
void jsonout_int(struct jsonout *out, struct str key, int64_t value);
void jsonout_uint(struct jsonout *out, struct str key, uint64_t value);
void jsonout_bool(struct jsonout *out, struct str key, bool value);
void jsonout_null(struct jsonout *out, struct str key);
/* Already JSON. */
void jsonout_raw(struct jsonout *out, struct str key, struct str json);
/* Microseconds since 1970 as RFC 3339 in UTC: "2024-01-31T09:00:00.000001Z". */
void jsonout_time(struct jsonout *out, struct str key, int64_t wall_us);

bool jsonout_is_utf8(struct str text);

#endif
