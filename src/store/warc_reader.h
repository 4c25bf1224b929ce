/* warc_reader.h - goes through a capture file record by record, trusting nothing in it.
 *
 * Memory is bounded: one window of 1 MiB and one head.  A record counts only when its head parses, it lies wholly in
 * the file, CR LF CR LF stands behind it and, where asked, its block has the digest that the head says.  What does not
 * is ERR_DAMAGED; store_warc_reader_resync() then finds the next record that is whole, if there is one.
 */
#ifndef STORE_WARC_READER_H
#define STORE_WARC_READER_H

#include "base/buf.h"
#include "store/warc.h"

struct store_warc_reader;

struct store_warc_record {
    const struct store_warc_head *head; /* valid until the next call of next() */
    uint64_t offset;                    /* of the record */
    uint64_t block_offset;
    uint64_t end_offset; /* where the next record begins */
};

MUST_CHECK struct err store_warc_reader_open(const char *path, uint64_t offset, struct store_warc_reader **ret_reader);
void store_warc_reader_close(struct store_warc_reader **reader);

/* ERR_CLOSED at the end of the file.  After an error the reader stays at the record. */
MUST_CHECK struct err store_warc_reader_next(struct store_warc_reader *reader, bool is_digest_checked,
                                             struct store_warc_record *ret_record);
/* Appends the block of the record that next() gave.  ERR_LIMIT when it does not fit. */
MUST_CHECK struct err store_warc_reader_block(struct store_warc_reader *reader, const struct store_warc_record *record,
                                              struct buf *block);
/* After ERR_DAMAGED: goes on to the next record that is whole, digest included, and of the same recording session as
 * the last good one, since a body may hold what looks like records.  ERR_ABSENT: there is none. */
MUST_CHECK struct err store_warc_reader_resync(struct store_warc_reader *reader);

/* Where the next record is looked for. */
uint64_t store_warc_reader_offset(const struct store_warc_reader *reader);
/* The file's length when it was opened. */
uint64_t store_warc_reader_len(const struct store_warc_reader *reader);

#endif
