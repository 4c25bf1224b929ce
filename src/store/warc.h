/* warc.h - the heads of WARC 1.1 records (ISO 28500:2017), written by hand and parsed strictly.
 *
 *   WARC/1.1 CRLF  fields CRLF  CRLF  block  CRLF CRLF
 *
 * docs/project-format.md says which records and which fields beyond the standard a capture has.
 */
#ifndef STORE_WARC_H
#define STORE_WARC_H

#include "base/err.h"
#include "base/str.h"
#include "store/out.h"

enum {
    STORE_WARC_HEAD_MAX = 64 * 1024, /* bytes of a head, the empty line behind it included */
    STORE_WARC_URI_MAX = 16 * 1024,
    STORE_WARC_FORMAT = 1, /* sekisho-format, in warcinfo */
};

enum store_warc_type {
    STORE_WARC_OTHER, /* a type of the standard or of another program that a capture has no use for */
    STORE_WARC_INFO,
    STORE_WARC_REQUEST,
    STORE_WARC_RESPONSE,
    STORE_WARC_RESOURCE,
    STORE_WARC_METADATA,
    STORE_WARC_REVISIT,
    STORE_WARC_CONVERSION,
    STORE_WARC_CONTINUATION,
};

/* A version 8 UUID (RFC 9562): 10 bytes of the recording session, random but for version and variant, then a counter.
 * Nobody outside can guess the session, so bytes of the network can never look like one of its records. */
struct store_warc_id {
    uint8_t bytes[16];
};
#define STORE_WARC_SESSION_BYTES 10

#define STORE_WARC_NO_NUMBER UINT64_MAX

/* Absent: empty str, NULL, 0 or STORE_WARC_NO_NUMBER. */
struct store_warc_head {
    enum store_warc_type type;
    struct store_warc_id id;
    int64_t date_us;
    struct str target_uri; /* encoded: store_warc_uri() */
    struct str content_type;
    struct str ip;
    struct str truncated; /* "disconnect" ... */
    const struct store_warc_id *concurrent_to;
    const uint8_t *block_digest;           /* 32 bytes; always there in a capture */
    const uint8_t *payload_digest;         /* revisit */
    const struct store_warc_id *refers_to; /* revisit */
    struct str refers_to_uri;
    int64_t refers_to_date_us;
    const struct store_warc_id *segment_origin; /* continuation */
    uint64_t segment_number;                    /* 0: not segmented */
    uint64_t segment_total;                     /* STORE_WARC_NO_NUMBER: not the last */
    uint64_t exchange;                          /* 0: none */
    uint64_t refers_to_exchange;                /* 0: none */
    uint64_t head_len;                          /* Sekisho-Head-Length; 0: none */
    uint64_t side, interim, stream, gap;        /* STORE_WARC_NO_NUMBER: none */
    uint64_t content_len;
    /* What the pointers above point at, in a parsed head. */
    struct {
        struct store_warc_id concurrent_to, refers_to, segment_origin;
        uint8_t block_digest[32], payload_digest[32];
    } own;
};

#define STORE_WARC_HEAD_NONE                                                                                           \
    {                                                                                                                  \
        .segment_total = STORE_WARC_NO_NUMBER, .side = STORE_WARC_NO_NUMBER, .interim = STORE_WARC_NO_NUMBER,          \
        .stream = STORE_WARC_NO_NUMBER, .gap = STORE_WARC_NO_NUMBER                                                    \
    }

/* Appends the head with its empty line; the block and CR LF CR LF follow. */
void store_warc_write_head(const struct store_warc_head *head, struct store_out *out);
#define STORE_WARC_END STR("\r\n\r\n")

/* Strict: lines end with CR LF, every field at most once, the mandatory ones of its type there.  Unknown fields are
 * skipped.  Text points into `bytes`; *ret_head must not move.  ERR_AGAIN: no end within `bytes`; ERR_DAMAGED. */
MUST_CHECK struct err store_warc_parse_head(struct str bytes, struct store_warc_head *ret_head, size_t *ret_len);

/* What WARC-Target-URI is made of. */
struct store_warc_target {
    struct str scheme, host, path, query;
    uint16_t port; /* 0 or the scheme's default: not written */
    bool has_query;
    uint64_t exchange; /* for the URN where there is no host */
};

/* Appends the URI, at most STORE_WARC_URI_MAX bytes, every byte that may not stand in one percent-encoded. */
void store_warc_uri(const struct store_warc_target *target, struct store_out *out);

/* "2026-11-22T10:10:07.123456Z", 27 bytes, into text; years 0000 to 9999. */
#define STORE_WARC_DATE_LEN 27
void store_warc_format_date(int64_t us, char text[STORE_WARC_DATE_LEN]);
/* With 0 to 9 digits of a fraction. */
bool store_warc_parse_date(struct str text, int64_t *ret_us);

#endif
