/* reader_subject.h - a recorded exchange as the evaluator sees it: parts are read when it asks for them. */
#ifndef STORE_READER_SUBJECT_H
#define STORE_READER_SUBJECT_H

#include "query/subject.h"
#include "store/reader_core.h"

/* Larger messages are not searched: such a row stays undecided where the answer hangs on its bytes. */
#define STORE_READER_SUBJECT_BYTES_MAX ((size_t)64 * 1024 * 1024)

struct store_reader_subject {
    struct query_subject subject; /* first */
    struct store_reader *reader;
    uint64_t id;
    const struct facts_marks *marks;
    struct {
        bool is_loaded;
        struct err err;
        struct buf bytes;
    } head[2], text[2], wire[2]; /* by enum exchange_side */
};

void store_reader_subject_init(struct store_reader_subject *subject, struct store_reader *reader);
/* Larger texts of bodies are ERR_LIMIT.  Before the first item. */
void store_reader_subject_limit(struct store_reader_subject *subject, size_t text_bytes_max);
void store_reader_subject_deinit(struct store_reader_subject *subject);
/* Points it at an item, which must live as long as it is evaluated; forgets what was loaded of the one before. */
void store_reader_subject_set(struct store_reader_subject *subject, const struct store_reader_item *item);

#endif
