#include "admin/route.h"

#include <inttypes.h>

/* Captured bytes are hostile: they leave as an attachment of no type in particular, or as plain text in UTF-8 that we
 * made ourselves, and never with what the site said they are. */

#define PART_BYTES ((size_t)256 * 1024)
#define PAYLOAD_MAX ((size_t)32 * 1024 * 1024)
#define TEXT_MAX_DEFAULT ((uint64_t)8 * 1024 * 1024)

/* What is left to send, between calls. */
struct bytes {
    uint64_t id;
    enum exchange_side side;
    uint64_t offset, end;
};

static const char *side_name(enum exchange_side side) { return side == EXCHANGE_REQUEST ? "request" : "response"; }

static void start_attachment(struct admin_call *call, uint64_t id, enum exchange_side side, const char *what)
{
    char disposition[96];

    admin_reply_start(&call->reply, 200, ADMIN_REPLY_BYTES);
    snprintf(disposition, sizeof(disposition), "attachment; filename=\"exchange-%" PRIu64 "-%s%s.bin\"", id,
             side_name(side), what);
    admin_reply_field(&call->reply, "Content-Disposition", str_from(disposition));
}

static void send_part(struct admin_call *call, struct store_reader *reader)
{
    struct bytes *bytes = call->state;
    uint64_t left = bytes->end - bytes->offset;
    size_t wanted = left < PART_BYTES ? (size_t)left : PART_BYTES;
    size_t len = 0;
    char *room;
    struct err err = buf_reserve(&call->reply.body, wanted, &room);

    if (!err_is(err))
        err = store_reader_raw(reader, &(struct store_reader_range){bytes->id, bytes->side, bytes->offset, wanted},
                               room, &len);
    if (err_is(err) || len < wanted) {
        call->reply.is_cut = true;
        return;
    }
    buf_commit(&call->reply.body, len);
    bytes->offset += len;
    call->reply.has_more = bytes->offset < bytes->end;
}

/* Fails as a problem while nothing has been sent. */
static void send_first_part(struct admin_call *call, struct store_reader *reader)
{
    send_part(call, reader);
    if (call->reply.is_cut)
        admin_problem_reply(&call->reply, 500, "The capture does not hold what the index says.");
}

/* offset= and limit=, so that a viewer can look at a part of something large. */
static bool read_range(struct admin_call *call, uint64_t len, uint64_t *ret_offset, uint64_t *ret_end)
{
    static const struct str names[] = {{"offset", 6}, {"limit", 5}};
    struct str values[2];
    uint64_t offset, limit;

    if (!admin_call_params(call, names, values, 2) || !admin_call_number(call, names[0], values[0], 0, &offset) ||
        !admin_call_number(call, names[1], values[1], INT64_MAX, &limit))
        return false;
    *ret_offset = offset < len ? offset : len;
    *ret_end = limit < len - *ret_offset ? *ret_offset + limit : len;
    return true;
}

static void begin_raw(struct admin_call *call, struct store_reader *reader, enum exchange_side side)
{
    struct bytes *bytes = arena_zalloc(call->arena, sizeof(*bytes));
    char total[24];
    uint64_t len;
    struct err err;

    CHECK(bytes);
    bytes->side = side;
    if (!admin_call_id(call, 0, &bytes->id))
        return;
    err = store_reader_raw_len(reader, bytes->id, side, &len);
    if (err_is(err)) {
        admin_problem_of_err(&call->reply, err);
        return;
    }
    if (!read_range(call, len, &bytes->offset, &bytes->end))
        return;
    call->state = bytes;
    start_attachment(call, bytes->id, side, "");
    snprintf(total, sizeof(total), "%" PRIu64, len);
    admin_reply_field(&call->reply, "Sekisho-Total", str_from(total));
    send_first_part(call, reader);
}

static void get_raw(struct admin_call *call, enum exchange_side side)
{
    struct store_reader *reader;

    if (!admin_call_reader(call, &reader))
        call->reply.is_cut = call->state != NULL;
    else if (call->state)
        send_part(call, reader);
    else
        begin_raw(call, reader, side);
}

static void get_request(struct admin_call *call) { get_raw(call, EXCHANGE_REQUEST); }
static void get_response(struct admin_call *call) { get_raw(call, EXCHANGE_RESPONSE); }

static void describe(struct admin_reply *reply, const struct store_reader_body *about)
{
    const struct {
        bool is_set;
        const char *name;
    } states[] = {
        {about->is_truncated, "truncated"},           {about->is_incomplete, "incomplete"}, {about->is_bomb, "bomb"},
        {about->is_coding_unknown, "coding-unknown"}, {about->is_malformed, "malformed"},
    };
    char text[96] = "";

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        size_t len = strlen(text);

        if (states[i].is_set)
            snprintf(text + len, sizeof(text) - len, "%s%s", len ? ", " : "", states[i].name);
    }
    admin_reply_field(reply, "Sekisho-Body", text[0] ? str_from(text) : STR("complete"));
    if (about->charset[0])
        admin_reply_field(reply, "Sekisho-Charset", str_from(about->charset));
}

/* Content with chunks undone, content coding kept. */
static void send_payload(struct admin_call *call, struct store_reader *reader, uint64_t id, enum exchange_side side)
{
    struct store_reader_body about = {0};
    struct err err;

    start_attachment(call, id, side, "-body");
    call->reply.body.max_bytes = PAYLOAD_MAX;
    err = store_reader_payload(reader, id, side, &call->reply.body, &about);
    call->reply.body.max_bytes = ADMIN_REPLY_BODY_MAX;
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    else
        describe(&call->reply, &about);
}

static void send_text(struct admin_call *call, struct store_reader *reader, uint64_t id, enum exchange_side side,
                      size_t max_bytes)
{
    struct store_reader_body about = {0};
    struct err err;

    admin_reply_start(&call->reply, 200, ADMIN_REPLY_TEXT);
    call->reply.body.max_bytes = max_bytes;
    err = store_reader_text(reader, id, side, &call->reply.body, &about);
    call->reply.body.max_bytes = ADMIN_REPLY_BODY_MAX;
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    else
        describe(&call->reply, &about);
}

static bool read_body_params(struct admin_call *call, bool *ret_is_decoded, uint64_t *ret_max)
{
    static const struct str names[] = {{"decoded", 7}, {"max", 3}};
    struct str values[2];

    if (!admin_call_params(call, names, values, 2) ||
        !admin_call_number(call, names[1], values[1], TEXT_MAX_DEFAULT, ret_max))
        return false;
    if (*ret_max < 1 || *ret_max > PAYLOAD_MAX) {
        admin_problem_of_parameter(&call->reply, names[1], "This must be 1 to 33554432.");
        return false;
    }
    *ret_is_decoded = str_eq(values[0], STR("1"));
    if (!values[0].ptr || *ret_is_decoded || str_eq(values[0], STR("0")))
        return true;
    admin_problem_of_parameter(&call->reply, names[0], "This is 1 or 0.");
    return false;
}

/* Content that was not chunked stands in the capture as it is, and may be of any length. */
/* Trailers of HTTP/2 stand behind the content, without a frame between. */
static bool has_http2_trailers(const struct store_reader_item *item, enum exchange_side side)
{
    const struct exchange_facts *facts = &item->facts;
    const struct facts_half *half = &facts->half[side];

    return (side == EXCHANGE_REQUEST ? facts->client_version : facts->origin_version) == HTTP_VERSION_2 &&
           !item->is_open && !half->is_chunked && half->head_len + half->body_len < half->wire_len;
}

static void begin_body(struct admin_call *call, struct store_reader *reader, enum exchange_side side)
{
    struct bytes *bytes = arena_zalloc(call->arena, sizeof(*bytes));
    struct store_reader_item item;
    const struct facts_half *half;
    bool is_decoded;
    uint64_t max_bytes;
    struct err err;

    CHECK(bytes);
    if (!admin_call_id(call, 0, &bytes->id) || !read_body_params(call, &is_decoded, &max_bytes))
        return;
    err = store_reader_get(reader, bytes->id, call->arena, &item);
    if (!err_is(err))
        err = store_reader_raw_len(reader, bytes->id, side, &bytes->end);
    if (err_is(err)) {
        admin_problem_of_err(&call->reply, err);
        return;
    }
    half = &item.facts.half[side];
    bytes->side = side;
    bytes->offset = half->head_len < bytes->end ? half->head_len : bytes->end;
    if (has_http2_trailers(&item, side))
        bytes->end = half->head_len + half->body_len;
    if (is_decoded) {
        send_text(call, reader, bytes->id, side, (size_t)max_bytes);
    } else if (half->is_chunked) {
        send_payload(call, reader, bytes->id, side);
    } else {
        call->state = bytes;
        start_attachment(call, bytes->id, side, "-body");
        describe(&call->reply, &(struct store_reader_body){.is_incomplete = !half->is_complete});
        send_first_part(call, reader);
    }
}

static void get_body(struct admin_call *call, enum exchange_side side)
{
    struct store_reader *reader;

    if (!admin_call_reader(call, &reader))
        call->reply.is_cut = call->state != NULL;
    else if (call->state)
        send_part(call, reader);
    else
        begin_body(call, reader, side);
}

static void get_request_body(struct admin_call *call) { get_body(call, EXCHANGE_REQUEST); }
static void get_response_body(struct admin_call *call) { get_body(call, EXCHANGE_RESPONSE); }

static const struct admin_route routes[] = {
    {"GET", "/api/v1/exchanges/{id}/request", .on_worker = get_request},
    {"GET", "/api/v1/exchanges/{id}/response", .on_worker = get_response},
    {"GET", "/api/v1/exchanges/{id}/request/body", .on_worker = get_request_body},
    {"GET", "/api/v1/exchanges/{id}/response/body", .on_worker = get_response_body},
};

const struct admin_route_table admin_route_bytes_table = ADMIN_ROUTE_TABLE(routes);
