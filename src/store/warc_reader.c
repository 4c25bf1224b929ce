#include "store/warc_reader.h"

#include "os/file.h"
#include "store/digest.h"

#define WINDOW_BYTES ((size_t)1 << 20)
#define MARK STR("\r\n\r\nWARC/1.1\r\n")
#define MARK_END 4 /* of the mark, behind which a record begins */

struct store_warc_reader {
    struct os_file *file;
    struct store_digest *digest;
    uint64_t len;
    uint64_t at;
    char *window;
    uint64_t window_offset;
    size_t window_len;
    char *head_bytes;
    struct store_warc_head head;
    bool has_session; /* a good record was seen; this is its session */
    uint8_t session[STORE_WARC_SESSION_BYTES];
    uint64_t digest_bytes; /* hashed since the last good record: what a resync has cost */
};

struct err store_warc_reader_open(const char *path, uint64_t offset, struct store_warc_reader **ret_reader)
{
    struct store_warc_reader *reader = calloc(1, sizeof(*reader));
    struct err err;

    CHECK(reader);
    err = os_file_open(path, OS_FILE_READ, &reader->file);
    if (!err_is(err))
        err = os_file_len(reader->file, &reader->len);
    if (err_is(err)) {
        os_file_close(&reader->file);
        free(reader);
        return err;
    }
    reader->digest = store_digest_new();
    reader->at = offset;
    reader->window = malloc(WINDOW_BYTES);
    reader->head_bytes = malloc(STORE_WARC_HEAD_MAX);
    CHECK(reader->window && reader->head_bytes);
    *ret_reader = reader;
    return OK;
}

void store_warc_reader_close(struct store_warc_reader **reader)
{
    if (!*reader)
        return;
    os_file_close(&(*reader)->file);
    store_digest_free(&(*reader)->digest);
    free((*reader)->window);
    free((*reader)->head_bytes);
    free(*reader);
    *reader = NULL;
}

uint64_t store_warc_reader_offset(const struct store_warc_reader *reader) { return reader->at; }
uint64_t store_warc_reader_len(const struct store_warc_reader *reader) { return reader->len; }

/* The bytes from `offset` on that the window holds: at least `want`, unless the file ends before. */
static struct err look(struct store_warc_reader *reader, uint64_t offset, size_t want, struct str *ret_bytes)
{
    uint64_t window_end = reader->window_offset + reader->window_len;
    size_t len = 0;

    if (offset < reader->window_offset || offset > window_end || window_end - offset < want) {
        reader->window_len = 0;
        TRY(os_file_read_at(reader->file, offset, reader->window, WINDOW_BYTES, &len));
        /* What was written after the opening is not looked at. */
        if (offset >= reader->len)
            len = 0;
        else if (len > reader->len - offset)
            len = (size_t)(reader->len - offset);
        reader->window_offset = offset;
        reader->window_len = len;
    }
    *ret_bytes = (struct str){reader->window + (offset - reader->window_offset),
                              reader->window_len - (size_t)(offset - reader->window_offset)};
    return OK;
}

static struct err check_digest(struct store_warc_reader *reader, const struct store_warc_record *record)
{
    uint64_t offset = record->block_offset, end = record->end_offset - STORE_WARC_END.len;
    uint8_t sha256[STORE_DIGEST_BYTES];

    store_digest_start(reader->digest);
    while (offset < end) {
        struct str bytes;

        TRY(look(reader, offset, 1, &bytes));
        if (bytes.len == 0)
            return ERR(ERR_DAMAGED, 0, "capture: the file became shorter");
        bytes = str_head(bytes, (size_t)(end - offset));
        store_digest_add(reader->digest, bytes);
        reader->digest_bytes += bytes.len;
        offset += bytes.len;
    }
    store_digest_finish(reader->digest, sha256);
    return memcmp(sha256, reader->head.block_digest, sizeof(sha256)) == 0
               ? OK
               : ERR(ERR_DAMAGED, 0, "capture: a block does not have its digest");
}

static struct err check_end(struct store_warc_reader *reader, const struct store_warc_record *record)
{
    struct str bytes;

    TRY(look(reader, record->end_offset - STORE_WARC_END.len, STORE_WARC_END.len, &bytes));
    return str_starts(bytes, STORE_WARC_END) ? OK : ERR(ERR_DAMAGED, 0, "capture: a record does not end as it should");
}

static struct err parse_head(struct store_warc_reader *reader, size_t *ret_len)
{
    struct str bytes;
    struct err err;

    TRY(look(reader, reader->at, STORE_WARC_HEAD_MAX, &bytes));
    if (bytes.len == 0)
        return ERR(ERR_CLOSED, 0, "end of the capture file");
    err = store_warc_parse_head(bytes, &reader->head, ret_len);
    if (err.code == ERR_AGAIN)
        return ERR(ERR_DAMAGED, 0, "capture: a torn head");
    TRY(err);
    /* Parsed again where it stays while the window moves. */
    memcpy(reader->head_bytes, bytes.ptr, *ret_len);
    return store_warc_parse_head((struct str){reader->head_bytes, *ret_len}, &reader->head, ret_len);
}

struct err store_warc_reader_next(struct store_warc_reader *reader, bool is_digest_checked,
                                  struct store_warc_record *ret_record)
{
    struct store_warc_record record = {.head = &reader->head, .offset = reader->at};
    size_t head_len;

    TRY(parse_head(reader, &head_len));
    record.block_offset = record.offset + head_len;
    if (reader->head.content_len > reader->len - record.block_offset ||
        reader->len - record.block_offset - reader->head.content_len < STORE_WARC_END.len)
        return ERR(ERR_DAMAGED, 0, "capture: a torn record");
    record.end_offset = record.block_offset + reader->head.content_len + STORE_WARC_END.len;
    if (is_digest_checked)
        TRY(check_digest(reader, &record));
    TRY(check_end(reader, &record));
    reader->at = record.end_offset;
    reader->has_session = true;
    memcpy(reader->session, reader->head.id.bytes, sizeof(reader->session));
    *ret_record = record;
    return OK;
}

struct err store_warc_reader_block(struct store_warc_reader *reader, const struct store_warc_record *record,
                                   struct buf *block)
{
    uint64_t offset = record->block_offset, end = record->end_offset - STORE_WARC_END.len;

    while (offset < end) {
        struct str bytes;

        TRY(look(reader, offset, 1, &bytes));
        if (bytes.len == 0)
            return ERR(ERR_DAMAGED, 0, "capture: the file became shorter");
        bytes = str_head(bytes, (size_t)(end - offset));
        TRY(buf_append(block, bytes));
        offset += bytes.len;
    }
    return OK;
}

/* The next place behind `offset` where a record could begin. */
static struct err find_mark(struct store_warc_reader *reader, uint64_t offset, uint64_t *ret_offset)
{
    while (offset < reader->len) {
        struct str bytes;
        size_t found;

        TRY(look(reader, offset, MARK.len, &bytes));
        found = str_find(bytes, MARK);
        if (found != STR_ABSENT) {
            *ret_offset = offset + found + MARK_END;
            return OK;
        }
        if (bytes.len < MARK.len)
            break;
        offset += bytes.len - MARK.len + 1;
    }
    return ERR(ERR_ABSENT, 0, "capture: no whole record behind the damage");
}

/* Whether a whole record of the known session stands at `offset`. */
static struct err try_record(struct store_warc_reader *reader, uint64_t offset)
{
    uint8_t session[STORE_WARC_SESSION_BYTES];
    uint64_t start = reader->at;
    struct store_warc_record record;
    struct err err;

    memcpy(session, reader->session, sizeof(session));
    reader->at = offset;
    err = store_warc_reader_next(reader, true, &record);
    reader->at = start;
    memcpy(reader->session, session, sizeof(session));
    if (!err_is(err) && memcmp(record.head->id.bytes, session, sizeof(session)) != 0)
        return ERR(ERR_DAMAGED, 0, "capture: a record of no known session");
    return err;
}

struct err store_warc_reader_resync(struct store_warc_reader *reader)
{
    uint64_t offset = reader->at;

    reader->digest_bytes = 0;
    /* Heads that lie about long blocks must not make this quadratic. */
    while (reader->has_session && reader->digest_bytes <= 4 * reader->len) {
        struct err err = find_mark(reader, offset, &offset);

        TRY(err);
        err = try_record(reader, offset);
        if (!err_is(err))
            reader->at = offset;
        if (err.code != ERR_DAMAGED)
            return err;
    }
    return ERR(ERR_ABSENT, 0, "capture: no whole record behind the damage");
}
