/* Bodies for people and for search: chunks, content codings and charsets undone, bounded by the buffer given. */
#include <stdlib.h>

#include "http/charset.h"
#include "http/coding.h"
#include "store/content.h"
#include "store/reader_core.h"

#define HEAD_MAX ((size_t)1024 * 1024)
#define SLICE_BYTES ((size_t)64 * 1024)
#define FACTS_ARENA_MAX ((size_t)32 * 1024 * 1024)
#define CODINGS_MAX 1024

/* A body on its way out: bytes of the wire go through `chunks` when there are any, then through `coding`. */
struct flow {
    struct store_reader *reader;
    const struct store_reader_part *part;
    uint64_t offset, end; /* of the body area in the half */
    bool is_chunked;
    struct store_content_chunks chunks;
    struct http_coding *coding;
    struct buf *body;
    bool is_full;
};

static struct err to_body(void *owner, struct str bytes)
{
    struct flow *flow = owner;
    size_t room = flow->body->max_bytes - flow->body->len;

    if (bytes.len > room) {
        flow->is_full = true;
        bytes.len = room;
    }
    return buf_append(flow->body, bytes);
}

static struct err to_coding(void *owner, struct str bytes)
{
    struct flow *flow = owner;

    return flow->coding ? http_coding_feed(flow->coding, bytes) : to_body(flow, bytes);
}

/* Whether more of the wire can still change what comes out. */
static bool is_over(const struct flow *flow)
{
    if (flow->is_full || flow->offset >= flow->end)
        return true;
    if (flow->is_chunked && flow->chunks.state >= STORE_CONTENT_DONE)
        return true;
    return flow->coding && http_coding_is_over(flow->coding);
}

static struct err run(struct flow *flow)
{
    struct http_sink sink = {.on_bytes = to_coding, .owner = flow};
    char *bytes = malloc(SLICE_BYTES);
    struct err err = OK;

    CHECK(bytes);
    while (!is_over(flow) && !err_is(err)) {
        struct store_reader_range range = {
            .id = flow->part->id, .side = flow->part->side, .offset = flow->offset, .len = SLICE_BYTES};
        uint64_t left = flow->end - flow->offset;
        size_t len;

        if (left < range.len)
            range.len = (size_t)left;
        err = store_reader_raw(flow->reader, &range, bytes, &len);
        if (err_is(err) || len == 0)
            break;
        flow->offset += len;
        if (flow->is_chunked)
            err = store_content_chunks_feed(&flow->chunks, (struct str){bytes, len}, sink);
        else
            err = sink.on_bytes(flow, (struct str){bytes, len});
    }
    free(bytes);
    return err;
}

static void judge_coding(struct flow *flow, struct store_reader_body *about)
{
    struct http_coding_result result = http_coding_finish(flow->coding);

    switch (result.outcome) {
    case HTTP_CODING_COMPLETE:
        break;
    case HTTP_CODING_TRUNCATED:
        about->is_incomplete = !flow->is_full;
        break;
    case HTTP_CODING_DAMAGED:
        about->is_malformed = true;
        break;
    case HTTP_CODING_CUT:
        about->is_bomb = !flow->is_full;
        break;
    case HTTP_CODING_UNKNOWN:
        about->is_coding_unknown = true;
        break;
    }
}

/* Takes a body apart up to its content coding. */
static struct err load_bytes(struct flow *flow, struct str codings, struct store_reader_body *about)
{
    struct http_sink sink = {.on_bytes = to_body, .owner = flow};
    struct err err = OK;

    if (codings.len && flow->part->level != STORE_READER_PAYLOAD) {
        err = http_coding_new(codings, NULL, sink, &flow->coding);
        about->is_coding_unknown = err_is(err);
    }
    err = run(flow);
    if (flow->coding)
        judge_coding(flow, about);
    http_coding_free(&flow->coding);
    about->is_truncated = flow->is_full;
    if (flow->is_chunked && flow->chunks.state == STORE_CONTENT_DAMAGED)
        about->is_malformed = true;
    return err;
}

/* What begins with a byte order mark is text, zeros or not. */
static bool is_text(struct str type, struct str start, struct http_charset_choice choice)
{
    return choice.reason == HTTP_CHARSET_BY_BOM || http_charset_is_text(type, start);
}

static void convert(struct str type, const struct buf *decoded, struct buf *body, struct store_reader_body *about)
{
    struct str bytes = buf_str(decoded);
    struct http_charset_choice choice = http_charset_choose(type, str_head(bytes, HTTP_CHARSET_PROBE_BYTES));

    about->is_text = is_text(type, bytes, choice);
    snprintf(about->charset, sizeof(about->charset), "%s", http_charset_name(choice.charset));
    if (!http_charset_convert(choice.charset, bytes, body))
        about->is_truncated = true;
}

static struct err load_text(struct flow *flow, struct str codings, struct str type, struct store_reader_body *about)
{
    struct buf decoded, *body = flow->body;
    struct err err;

    buf_init(&decoded, body->max_bytes);
    flow->body = &decoded;
    err = load_bytes(flow, codings, about);
    if (!err_is(err))
        convert(type, &decoded, body, about);
    if (!about->is_text && flow->part->level == STORE_READER_SEARCHED)
        buf_clear(body);
    buf_deinit(&decoded);
    return err;
}

static struct err read_head(struct store_reader *reader, const struct store_reader_part *part, uint64_t head_len,
                            struct buf *head)
{
    struct store_reader_range range = {.id = part->id, .side = part->side};
    char *room;
    size_t len;

    range.len = head_len < HEAD_MAX ? (size_t)head_len : HEAD_MAX;
    TRY(buf_reserve(head, range.len, &room));
    TRY(store_reader_raw(reader, &range, room, &len));
    buf_commit(head, len);
    return OK;
}

static bool says_chunked(struct str head)
{
    struct str value;

    return store_content_field(head, STR("transfer-encoding"), &value) &&
           str_find_nocase(value, STR("chunked")) != STR_ABSENT;
}

/* Whether some bytes of that type would be text: pictures and films need not be read to be searched. */
static bool may_be_text(struct str type) { return http_charset_is_text(type, STR_NONE); }

/* Trailers of HTTP/2 stand behind the content, without a frame between. */
static void leave_out_trailers(struct flow *flow, const struct store_reader_item *item)
{
    const struct exchange_facts *facts = &item->facts;
    const struct facts_half *half = &facts->half[flow->part->side];
    bool is_request = flow->part->side == EXCHANGE_REQUEST;
    uint64_t content_end = half->head_len + half->body_len;

    if ((is_request ? facts->client_version : facts->origin_version) != HTTP_VERSION_2 || item->is_open)
        return;
    if (!flow->is_chunked && content_end < flow->end)
        flow->end = content_end;
}

static struct err load(struct flow *flow, const struct store_reader_item *item, struct buf *head,
                       struct store_reader_body *about)
{
    const struct facts_half *half = &item->facts.half[flow->part->side];
    struct str type = STR_NONE;
    struct buf codings;
    struct err err = OK;

    TRY(read_head(flow->reader, flow->part, half->head_len, head));
    TRY(store_reader_raw_len(flow->reader, flow->part->id, flow->part->side, &flow->end));
    flow->offset = half->head_len;
    /* What is still open has not told everything yet. */
    flow->is_chunked = half->is_chunked || (item->is_open && says_chunked(buf_str(head)));
    about->is_incomplete = !half->is_complete;
    leave_out_trailers(flow, item);
    buf_init(&codings, CODINGS_MAX);
    store_content_fields(buf_str(head), STR("content-encoding"), &codings);
    (void)store_content_field(buf_str(head), STR("content-type"), &type);
    if (flow->part->level < STORE_READER_TEXT)
        err = load_bytes(flow, buf_str(&codings), about);
    else if (flow->part->level == STORE_READER_TEXT || may_be_text(type))
        err = load_text(flow, buf_str(&codings), type, about);
    buf_deinit(&codings);
    return err;
}

struct err store_reader_body_load(struct store_reader *reader, const struct store_reader_part *part, struct buf *body,
                                  struct store_reader_body *ret_about)
{
    struct store_reader_body about = {0};
    struct store_reader_item item;
    struct flow flow = {.reader = reader, .part = part, .body = body};
    struct arena arena;
    struct buf head;
    struct err err;

    arena_init(&arena, FACTS_ARENA_MAX);
    buf_init(&head, HEAD_MAX);
    err = store_reader_get_facts(reader, part->id, &arena, &item);
    if (!err_is(err))
        err = load(&flow, &item, &head, &about);
    buf_deinit(&head);
    arena_deinit(&arena);
    if (!err_is(err))
        *ret_about = about;
    return err;
}
