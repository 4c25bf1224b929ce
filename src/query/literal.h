/* literal.h - numbers with units and times, as they are typed in queries. */
#ifndef QUERY_LITERAL_H
#define QUERY_LITERAL_H

#include "base/str.h"

/* All of `text` must be one such literal that fits into 63 bits; false, with nothing written, otherwise. */
bool query_literal_integer(struct str text, int64_t *ret_value);
/* "10kb", "1.5mb", "3 gib" without the blank, and plain "1024": bytes.  k, m, g, t are powers of 1000; ki, mi, gi, ti
 * of
 * 1024.  *ret_has_unit tells "1024" from "1024b". */
bool query_literal_size(struct str text, int64_t *ret_bytes, bool *ret_has_unit);
/* "500ms", "1.5s", "2m", "1h", "250us", "1d": microseconds.  A unit is needed. */
bool query_literal_duration(struct str text, int64_t *ret_us);
bool query_literal_boolean(struct str text, bool *ret_value);

/* When "now" is, and what offset a time without a zone has. */
struct query_literal_clock {
    int64_t now_us;
    int32_t utc_offset_s;
};

/* RFC 3339 ("2026-11-22T10:00:00Z", seconds and zone may be left out), a day ("2026-11-22", "today", "yesterday"),
 * "now", or a duration before or after now ("-10m", "+1h"; also weeks, "-2w").  [*ret_start_us, *ret_end_us) is the
 * whole day of a day, and one microsecond of anything else. */
bool query_literal_time(struct str text, const struct query_literal_clock *clock, int64_t *ret_start_us,
                        int64_t *ret_end_us);

#endif
