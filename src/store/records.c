#include "store/records.h"

#include <stdlib.h>

#include "os/clock.h"
#include "store/revisit.h"
#include "store/stream.h"
#include "store/title.h"

#define SCRATCH_MAX ((size_t)1024 * 1024)
#define MAX_URI_ROOM (STORE_WARC_URI_MAX + 64)

struct store_records {
    struct store_capture *capture;
    struct store_index_queue *queue;
    struct store_revisit *revisit;
    struct store_out uri;
    struct store_out block; /* metadata */
    struct arena scratch;
    uint64_t gap_count;
};

/* What all records of an exchange that are written now share. */
struct shared {
    const struct exchange_facts *facts;
    struct str uri;
    struct str ip;
    struct str truncated; /* for a half that has not ended as it should; empty: it goes on */
};

static const struct str content_types[2] = {{"application/http;msgtype=request", 32},
                                            {"application/http;msgtype=response", 33}};

struct store_records *store_records_new(const char *project_folder, struct store_capture *capture,
                                        struct store_index_queue *queue)
{
    struct store_records *records = calloc(1, sizeof(*records));

    CHECK(records);
    records->capture = capture;
    records->queue = queue;
    records->revisit = store_revisit_new(project_folder);
    store_out_init(&records->uri, SCRATCH_MAX);
    store_out_init(&records->block, 2 * STORE_FIELDS_BLOCK_MAX);
    arena_init(&records->scratch, SCRATCH_MAX);
    return records;
}

void store_records_free(struct store_records **records)
{
    if (!*records)
        return;
    store_revisit_free(&(*records)->revisit);
    store_out_deinit(&(*records)->uri);
    store_out_deinit(&(*records)->block);
    arena_deinit(&(*records)->scratch);
    free(*records);
    *records = NULL;
}

static struct shared share(struct store_records *records, const struct exchange_facts *facts)
{
    struct store_warc_target target = {.scheme = facts->scheme,
                                       .host = facts->host,
                                       .port = facts->port,
                                       .path = facts->path,
                                       .query = facts->query,
                                       .has_query = facts->query.len > 0,
                                       .exchange = facts->id};

    records->uri.len = 0;
    store_out_room(&records->uri, MAX_URI_ROOM);
    store_warc_uri(&target, &records->uri);
    return (struct shared){.facts = facts,
                           .uri = store_out_str(&records->uri),
                           .ip = {facts->origin.ip, strnlen(facts->origin.ip, sizeof(facts->origin.ip))}};
}

static struct store_warc_head new_head(struct store_records *records, const struct shared *shared,
                                       enum store_warc_type type)
{
    struct store_warc_head head = STORE_WARC_HEAD_NONE;

    head.type = type;
    head.id = store_capture_next_id(records->capture);
    head.date_us = shared->facts->at_us;
    head.target_uri = shared->uri;
    head.ip = shared->ip;
    head.exchange = shared->facts->id;
    return head;
}

static void push_piece(struct store_records *records, uint64_t id, enum store_index_part part, uint64_t start,
                       struct store_place place)
{
    struct store_index_piece piece = {.id = id, .part = part, .start = start, .place = place};

    store_index_queue_push_piece(records->queue, &piece);
}

/* A half in one record. */
static struct store_place add_whole(struct store_records *records, const struct shared *shared,
                                    struct store_living_exchange *exchange, enum exchange_side side)
{
    struct store_living_half *half = &exchange->half[side];
    struct store_warc_head head =
        new_head(records, shared, side == EXCHANGE_REQUEST ? STORE_WARC_REQUEST : STORE_WARC_RESPONSE);
    struct str bytes = buf_str(&half->bytes);

    head.content_type = content_types[side];
    head.head_len = half->head_len;
    if (side == EXCHANGE_RESPONSE && exchange->half[EXCHANGE_REQUEST].has_record)
        head.concurrent_to = &exchange->half[EXCHANGE_REQUEST].first_id;
    if (!half->is_complete)
        head.truncated = shared->truncated;
    half->first_id = head.id;
    half->has_record = half->is_written = true;
    return store_capture_add(records->capture, &head, &bytes, 1);
}

/* Where the record that is added next begins. */
static uint64_t next_record_offset(const struct store_records *records)
{
    uint32_t file;
    uint64_t offset;

    store_capture_written_end(records->capture, &file, &offset);
    return offset + store_capture_batch_len(records->capture);
}

static void add_revisit(struct store_records *records, const struct shared *shared,
                        struct store_living_exchange *exchange, const struct store_revisit_original *original)
{
    struct store_living_half *half = &exchange->half[EXCHANGE_RESPONSE];
    struct store_warc_head head = new_head(records, shared, STORE_WARC_REVISIT);
    struct str wire = buf_str(&half->bytes), message_head = str_head(wire, half->head_len);
    struct str body = str_skip(wire, half->head_len);
    struct store_digest *digest = store_digest_new();
    uint8_t sha256[STORE_DIGEST_BYTES];

    store_digest_start(digest);
    store_digest_add(digest, body);
    store_digest_finish(digest, sha256);
    store_digest_free(&digest);
    head.content_type = content_types[EXCHANGE_RESPONSE];
    head.head_len = half->head_len;
    head.payload_digest = sha256;
    head.refers_to = &original->head->id;
    head.refers_to_uri = original->head->target_uri;
    head.refers_to_date_us = original->head->date_us;
    head.refers_to_exchange = original->head->exchange;
    if (exchange->half[EXCHANGE_REQUEST].has_record)
        head.concurrent_to = &exchange->half[EXCHANGE_REQUEST].first_id;
    half->first_id = head.id;
    half->has_record = half->is_written = true;
    push_piece(records, exchange->id, STORE_INDEX_RESPONSE, 0,
               store_capture_add(records->capture, &head, &message_head, 1));
    push_piece(records, exchange->id, STORE_INDEX_RESPONSE, half->head_len, original->body);
}

/* A whole response: a revisit, in pieces, when its body stands in the capture already; else at the place returned. */
static struct store_place add_response(struct store_records *records, const struct shared *shared,
                                       struct store_living_exchange *exchange)
{
    struct store_living_half *half = &exchange->half[EXCHANGE_RESPONSE];
    struct str body = str_skip(buf_str(&half->bytes), half->head_len);
    struct store_revisit_original original;
    uint64_t hash, record_offset;
    struct store_place place;

    if (!half->is_complete || half->head_len == 0 || body.len < STORE_REVISIT_BODY_MIN ||
        body.len > STORE_REVISIT_BODY_MAX)
        return add_whole(records, shared, exchange, EXCHANGE_RESPONSE);
    hash = store_revisit_hash(records->revisit, body);
    if (store_revisit_find(records->revisit, hash, body, &original)) {
        add_revisit(records, shared, exchange, &original);
        return (struct store_place){0};
    }
    record_offset = next_record_offset(records);
    place = add_whole(records, shared, exchange, EXCHANGE_RESPONSE);
    store_revisit_add(records->revisit, hash, record_offset, &place);
    return place;
}

static void add_interims(struct store_records *records, const struct shared *shared,
                         struct store_living_exchange *exchange)
{
    struct str rest = buf_str(&exchange->interims);

    while (rest.len) {
        struct store_warc_head head = new_head(records, shared, STORE_WARC_RESPONSE);
        struct str bytes;
        uint32_t len;

        memcpy(&len, rest.ptr, sizeof(len));
        bytes = str_head(str_skip(rest, sizeof(len)), len);
        rest = str_skip(rest, sizeof(len) + len);
        head.content_type = content_types[EXCHANGE_RESPONSE];
        head.head_len = len;
        head.interim = exchange->interim_count;
        if (exchange->half[EXCHANGE_REQUEST].has_record)
            head.concurrent_to = &exchange->half[EXCHANGE_REQUEST].first_id;
        push_piece(records, exchange->id, STORE_INDEX_INTERIM, exchange->interim_count++,
                   store_capture_add(records->capture, &head, &bytes, 1));
    }
    buf_clear(&exchange->interims);
}

static void add_stream(struct store_records *records, const struct shared *shared,
                       struct store_living_exchange *exchange)
{
    struct store_warc_head head;
    struct str bytes = buf_str(&exchange->stream);
    struct store_place place;

    if (bytes.len == 0)
        return;
    head = new_head(records, shared, STORE_WARC_RESOURCE);
    head.content_type = STR("application/vnd.sekisho.stream");
    head.stream = exchange->stream_count++;
    place = store_capture_add(records->capture, &head, &bytes, 1);
    for (int side = 0; side < 2; side++) {
        place.len = exchange->stream_waiting_len[side];
        if (place.len)
            push_piece(records, exchange->id, (enum store_index_part)(STORE_INDEX_FROM_CLIENT + side),
                       exchange->stream_written_len[side], place);
        exchange->stream_written_len[side] += place.len;
        exchange->stream_waiting_len[side] = 0;
    }
    buf_clear(&exchange->stream);
}

static struct store_place add_metadata(struct store_records *records, const struct shared *shared,
                                       const struct store_fields *fields, const struct store_warc_id *concurrent_to)
{
    struct store_warc_head head = new_head(records, shared, STORE_WARC_METADATA);
    struct str block;

    head.content_type = STR("application/warc-fields");
    head.concurrent_to = concurrent_to;
    records->block.len = 0;
    store_fields_format(fields, &records->block);
    block = store_out_str(&records->block);
    return store_capture_add(records->capture, &head, &block, 1);
}

static const struct store_warc_id *first_record(const struct store_living_exchange *exchange)
{
    for (int side = 0; side < 2; side++) {
        if (exchange->half[side].has_record)
            return &exchange->half[side].first_id;
    }
    return NULL;
}

static void find_title(struct store_living_exchange *exchange)
{
    const struct store_living_half *half = &exchange->half[EXCHANGE_RESPONSE];

    if (exchange->is_title_known || half->bytes.len == 0 || half->head_len == 0)
        return;
    exchange->is_title_known = true;
    exchange->title_len =
        store_title_find(buf_str(&half->bytes), half->head_len, exchange->title, sizeof(exchange->title));
}

/* Exchanges that take long. */

static void write_open(struct store_records *records, const struct shared *shared,
                       struct store_living_exchange *exchange)
{
    struct store_fields fields = {.state = STORE_FIELDS_OPEN, .facts = *shared->facts};
    struct store_index_row row = {.facts = &fields.facts, .is_open = true};

    row.metadata = add_metadata(records, shared, &fields, first_record(exchange));
    push_piece(records, exchange->id, STORE_INDEX_OPEN_METADATA, exchange->open_count++, row.metadata);
    store_index_queue_push_row(records->queue, &row);
    exchange->is_open = true;
    exchange->has_new_facts = false;
}

static void write_segment(struct store_records *records, const struct shared *shared,
                          struct store_living_exchange *exchange, enum exchange_side side, bool is_last)
{
    struct store_living_half *half = &exchange->half[side];
    struct str bytes = buf_str(&half->bytes);
    struct store_warc_head head;
    enum store_warc_type type = side == EXCHANGE_REQUEST ? STORE_WARC_REQUEST : STORE_WARC_RESPONSE;

    head = new_head(records, shared, half->segment_number ? STORE_WARC_CONTINUATION : type);
    head.segment_number = ++half->segment_number;
    if (half->segment_number == 1) {
        half->whole = store_digest_new();
        store_digest_start(half->whole);
        half->first_id = head.id;
        half->has_record = true;
        head.content_type = content_types[side];
        head.head_len = half->head_len;
    } else {
        head.segment_origin = &half->first_id;
        head.side = side;
    }
    store_digest_add(half->whole, bytes);
    if (is_last) {
        head.segment_total = half->written_len + bytes.len;
        half->is_written = true;
    }
    if (is_last && !half->is_complete)
        head.truncated = shared->truncated;
    push_piece(records, exchange->id, (enum store_index_part)side, half->written_len,
               store_capture_add(records->capture, &head, &bytes, 1));
}

/* What waits of a half of an open exchange. */
static void write_half(struct store_records *records, const struct shared *shared,
                       struct store_living_exchange *exchange, enum exchange_side side, bool is_last)
{
    struct store_living_half *half = &exchange->half[side];
    size_t len = half->bytes.len;

    is_last = is_last || half->is_ended;
    if (half->is_written || (len == 0 && !(is_last && half->segment_number)))
        return;
    if (is_last && !half->segment_number)
        push_piece(records, exchange->id, (enum store_index_part)side, 0, add_whole(records, shared, exchange, side));
    else
        write_segment(records, shared, exchange, side, is_last);
    half->written_len += len;
    buf_clear(&half->bytes);
}

static void write_parts(struct store_records *records, const struct shared *shared,
                        struct store_living_exchange *exchange, bool is_last)
{
    write_half(records, shared, exchange, EXCHANGE_REQUEST, is_last);
    add_interims(records, shared, exchange);
    write_half(records, shared, exchange, EXCHANGE_RESPONSE, is_last);
    add_stream(records, shared, exchange);
}

void store_records_write_part(struct store_records *records, struct store_living_exchange *exchange)
{
    struct exchange_facts facts;
    struct shared shared;

    store_fields_unpack(buf_str(&exchange->facts), &facts);
    find_title(exchange);
    shared = share(records, &facts);
    shared.truncated = STR("disconnect");
    if (!exchange->is_open || exchange->has_new_facts)
        write_open(records, &shared, exchange);
    write_parts(records, &shared, exchange, false);
}

/* The end. */

static void finish_open(struct store_records *records, const struct shared *shared,
                        struct store_living_exchange *exchange, struct store_fields *fields)
{
    struct store_index_row row = {.facts = &fields->facts};

    write_parts(records, shared, exchange, true);
    for (int side = 0; side < 2; side++) {
        if (!exchange->half[side].whole)
            continue;
        store_digest_finish(exchange->half[side].whole, fields->whole[side].sha256);
        fields->whole[side].is_known = true;
    }
    row.metadata = add_metadata(records, shared, fields, first_record(exchange));
    store_index_queue_push_row(records->queue, &row);
}

/* An exchange of which nothing was written yet: the ordinary case. */
static void finish_whole(struct store_records *records, const struct shared *shared,
                         struct store_living_exchange *exchange, struct store_fields *fields)
{
    struct store_index_row row = {.facts = &fields->facts};

    if (exchange->half[EXCHANGE_REQUEST].bytes.len)
        row.half[EXCHANGE_REQUEST] = add_whole(records, shared, exchange, EXCHANGE_REQUEST);
    add_interims(records, shared, exchange);
    if (exchange->half[EXCHANGE_RESPONSE].bytes.len)
        row.half[EXCHANGE_RESPONSE] = add_response(records, shared, exchange);
    add_stream(records, shared, exchange);
    row.metadata = add_metadata(records, shared, fields, first_record(exchange));
    store_index_queue_push_row(records->queue, &row);
}

static void finish(struct store_records *records, struct store_living_exchange *exchange, struct store_fields *fields,
                   struct str truncated)
{
    struct shared shared;

    find_title(exchange);
    fields->facts.title = (struct str){exchange->title, exchange->title_len};
    for (int side = 0; side < 2; side++)
        exchange->half[side].is_complete = fields->facts.half[side].is_complete;
    shared = share(records, &fields->facts);
    shared.truncated = truncated;
    if (exchange->is_open)
        finish_open(records, &shared, exchange, fields);
    else
        finish_whole(records, &shared, exchange, fields);
}

void store_records_finish(struct store_records *records, struct store_living_exchange *exchange,
                          const struct exchange_facts *facts)
{
    struct store_fields fields = {.state = STORE_FIELDS_CLOSED, .facts = *facts};

    finish(records, exchange, &fields, STR("disconnect"));
}

/* Adds a name to the flags; in the scratch arena, which is emptied first. */
static void add_flag(struct store_records *records, struct exchange_facts *facts, const char *name)
{
    struct str flags = facts->flags, joined;

    arena_reset(&records->scratch);
    if (str_find(flags, str_from(name)) != STR_ABSENT)
        return;
    if (!err_is(arena_format(&records->scratch, &joined, "%.*s%s%s", STR_ARG(flags), flags.len ? "," : "", name)))
        facts->flags = joined;
}

void store_records_cut_off(struct store_records *records, struct store_living_exchange *exchange)
{
    struct store_fields fields = {.state = STORE_FIELDS_CLOSED};

    store_fields_unpack(buf_str(&exchange->facts), &fields.facts);
    for (int side = 0; side < 2; side++) {
        const struct store_living_half *half = &exchange->half[side];
        struct facts_half *about = &fields.facts.half[side];

        about->wire_len = half->written_len + half->bytes.len + exchange->stream_written_len[side] +
                          exchange->stream_waiting_len[side];
        about->head_len = half->head_len;
        about->is_complete = half->is_ended && half->is_complete;
    }
    add_flag(records, &fields.facts, "gap");
    finish(records, exchange, &fields, STR("unspecified"));
}

static void add_closing(struct store_records *records, const struct store_fields *fields, bool are_places_kept)
{
    struct store_index_row row = {.facts = &fields->facts, .are_places_kept = are_places_kept};
    struct shared shared = share(records, &fields->facts);

    row.metadata = add_metadata(records, &shared, fields, NULL);
    store_index_queue_push_row(records->queue, &row);
}

void store_records_late(struct store_records *records, const struct exchange_facts *facts)
{
    struct store_fields fields = {.state = STORE_FIELDS_LATE, .facts = *facts};

    add_flag(records, &fields.facts, "gap");
    add_closing(records, &fields, true);
}

void store_records_interrupted(struct store_records *records, const struct store_fields *open,
                               const struct store_index_known *known)
{
    struct store_fields fields = *open;

    fields.state = STORE_FIELDS_INTERRUPTED;
    for (int side = 0; side < 2; side++) {
        struct facts_half *about = &fields.facts.half[side];
        uint64_t len = known->end[side] + known->end[STORE_INDEX_FROM_CLIENT + side];

        /* What was told at the opening counts what had passed by then; what is in the capture is what there is. */
        about->is_complete = about->is_complete && len == about->wire_len;
        about->wire_len = len;
        about->head_len = about->head_len < len ? about->head_len : len;
        about->body_len = about->is_complete ? about->body_len : len - about->head_len;
    }
    add_flag(records, &fields.facts, "interrupted");
    add_closing(records, &fields, false);
}

void store_records_gap(struct store_records *records, const struct store_index_gap *gap)
{
    const struct {
        struct str name;
        uint64_t number;
    } lines[] = {{STR("gap-from"), gap->from_us},
                 {STR("gap-to"), gap->to_us},
                 {STR("gap-exchanges"), gap->exchange_count},
                 {STR("gap-events"), gap->event_count},
                 {STR("gap-bytes"), gap->byte_count}};
    struct store_warc_head head = STORE_WARC_HEAD_NONE;
    struct store_place place;
    struct str block;

    records->block.len = 0;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char digits[STORE_OUT_NUMBER_MAX];

        store_fields_line(&records->block, lines[i].name,
                          (struct str){digits, store_out_digits(digits, lines[i].number)});
    }
    block = store_out_str(&records->block);
    head.type = STORE_WARC_METADATA;
    head.id = store_capture_next_id(records->capture);
    head.date_us = os_clock_wall_us();
    head.content_type = STR("application/warc-fields");
    head.gap = ++records->gap_count;
    place = store_capture_add(records->capture, &head, &block, 1);
    store_index_queue_push_gap(records->queue, gap, &place);
}
