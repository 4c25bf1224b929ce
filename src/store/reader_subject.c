#include "store/reader_subject.h"

#define HEAD_MAX ((size_t)1024 * 1024)

static struct store_reader_subject *subject_of(struct query_subject *subject)
{
    return (struct store_reader_subject *)(void *)subject;
}

static struct err load_head(struct store_reader_subject *subject, enum exchange_side side, struct buf *bytes)
{
    struct store_reader_range range = {.id = subject->id, .side = side};
    uint64_t head_len = subject->subject.facts->half[side].head_len;
    char *room;
    size_t len;

    if (head_len == 0)
        return ERR(ERR_ABSENT, 0, "there is no head");
    if (head_len > bytes->max_bytes)
        return ERR(ERR_LIMIT, 0, "the head is too long to be searched");
    range.len = (size_t)head_len;
    TRY(buf_reserve(bytes, range.len, &room));
    TRY(store_reader_raw(subject->reader, &range, room, &len));
    buf_commit(bytes, len);
    return OK;
}

static struct err load_text(struct store_reader_subject *subject, enum exchange_side side, struct buf *bytes)
{
    struct store_reader_body about;

    if (subject->subject.facts->kind == EXCHANGE_WEBSOCKET)
        return ERR(ERR_ABSENT, 0, "there is no body");
    TRY(store_reader_body_load(subject->reader, &(struct store_reader_part){subject->id, side, STORE_READER_SEARCHED},
                               bytes, &about));
    if (about.is_text && about.is_truncated)
        return ERR(ERR_LIMIT, 0, "the body is too long to be searched");
    return bytes->len ? OK : ERR(ERR_ABSENT, 0, "there is no body");
}

static struct err load_wire(struct store_reader_subject *subject, enum exchange_side side, struct buf *bytes)
{
    TRY(store_reader_whole(subject->reader, subject->id, side, bytes));
    return bytes->len ? OK : ERR(ERR_ABSENT, 0, "there are no bytes");
}

static struct err head(struct query_subject *self, struct query_part part, struct str *ret_head)
{
    struct store_reader_subject *subject = subject_of(self);

    if (!subject->head[part.side].is_loaded) {
        subject->head[part.side].is_loaded = true;
        subject->head[part.side].err = load_head(subject, part.side, &subject->head[part.side].bytes);
    }
    *ret_head = buf_str(&subject->head[part.side].bytes);
    return subject->head[part.side].err;
}

static struct err body_text(struct query_subject *self, struct query_part part, struct str *ret_text)
{
    struct store_reader_subject *subject = subject_of(self);

    if (!subject->text[part.side].is_loaded) {
        subject->text[part.side].is_loaded = true;
        subject->text[part.side].err = load_text(subject, part.side, &subject->text[part.side].bytes);
    }
    *ret_text = buf_str(&subject->text[part.side].bytes);
    return subject->text[part.side].err;
}

static struct err wire(struct query_subject *self, struct query_part part, struct str *ret_bytes)
{
    struct store_reader_subject *subject = subject_of(self);

    if (!subject->wire[part.side].is_loaded) {
        subject->wire[part.side].is_loaded = true;
        subject->wire[part.side].err = load_wire(subject, part.side, &subject->wire[part.side].bytes);
    }
    *ret_bytes = buf_str(&subject->wire[part.side].bytes);
    return subject->wire[part.side].err;
}

static struct err marks(struct query_subject *self, struct facts_marks *ret_marks)
{
    *ret_marks = *subject_of(self)->marks;
    return OK;
}

/* No scope is defined yet (ERR_ABSENT by a NULL operation), and WebSocket frames are not taken apart. */
static const struct query_subject_ops ops = {
    .head = head,
    .body_text = body_text,
    .wire = wire,
    .marks = marks,
};

void store_reader_subject_init(struct store_reader_subject *subject, struct store_reader *reader)
{
    *subject = (struct store_reader_subject){.subject = {.ops = &ops, .project = str_from(reader->project_name)},
                                             .reader = reader};
    for (int side = 0; side < 2; side++) {
        buf_init(&subject->head[side].bytes, HEAD_MAX);
        buf_init(&subject->text[side].bytes, STORE_READER_SUBJECT_BYTES_MAX);
        buf_init(&subject->wire[side].bytes, STORE_READER_SUBJECT_BYTES_MAX);
    }
}

void store_reader_subject_limit(struct store_reader_subject *subject, size_t text_bytes_max)
{
    for (int side = 0; side < 2; side++) {
        buf_deinit(&subject->text[side].bytes);
        buf_init(&subject->text[side].bytes, text_bytes_max);
    }
}

void store_reader_subject_deinit(struct store_reader_subject *subject)
{
    for (int side = 0; side < 2; side++) {
        buf_deinit(&subject->head[side].bytes);
        buf_deinit(&subject->text[side].bytes);
        buf_deinit(&subject->wire[side].bytes);
    }
}

void store_reader_subject_set(struct store_reader_subject *subject, const struct store_reader_item *item)
{
    subject->id = item->facts.id;
    subject->subject.facts = &item->facts;
    subject->marks = &item->marks;
    for (int side = 0; side < 2; side++) {
        subject->head[side].is_loaded = subject->text[side].is_loaded = subject->wire[side].is_loaded = false;
        buf_clear(&subject->head[side].bytes);
        buf_clear(&subject->text[side].bytes);
        buf_clear(&subject->wire[side].bytes);
    }
}
