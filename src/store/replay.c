#include "store/replay.h"

#include <stdlib.h>

#include "base/map.h"
#include "os/clock.h"
#include "os/file.h"
#include "store/capture.h"
#include "store/fields.h"
#include "store/stream.h"
#include "store/warc_reader.h"

#define KNOWN_MAX ((size_t)1 << 20)
#define BLOCK_MAX ((size_t)16 * 1024 * 1024)
#define ARENA_MAX ((size_t)32 * 1024 * 1024)
#define RECORDS_A_COMMIT 20000
#define OPEN_IDS_A_TURN 1000

/* What is known of an exchange that has no closing metadata yet. */
struct known {
    uint64_t id;
    bool is_open; /* opening metadata was seen: its halves are pieces */
    uint64_t end[STORE_INDEX_PART_COUNT];
    struct store_place half[2];
    uint64_t revisit_of; /* exchange that has the body; 0: none */
};

struct replay {
    const char *folder;
    struct store_index *index;
    const struct store_replay_options *options;
    struct store_replay_result result;
    struct map known; /* id (8 bytes) -> struct known */
    struct arena arena;
    struct buf block;
    struct store_index_mark mark;
    uint64_t since_commit;
    uint64_t done_bytes; /* in files before this one */
};

static struct str id_key(const uint64_t *id) { return (struct str){(const char *)id, sizeof(*id)}; }

static struct known *find_known(struct replay *replay, uint64_t id) { return map_get(&replay->known, id_key(&id)); }

static struct err add_known(struct replay *replay, uint64_t id, struct known **ret_known)
{
    struct known *known = find_known(replay, id);

    if (!known) {
        known = calloc(1, sizeof(*known));
        CHECK(known);
        known->id = id;
        if (err_is(map_put(&replay->known, id_key(&id), known))) {
            free(known);
            return ERR(ERR_LIMIT, 0, "replay: too many exchanges without an end");
        }
    }
    *ret_known = known;
    return OK;
}

static void forget(struct replay *replay, uint64_t id) { free(map_remove(&replay->known, id_key(&id))); }

static struct err put_piece(struct replay *replay, struct known *known, enum store_index_part part,
                            const struct store_place *place, uint64_t step)
{
    struct store_index_piece piece = {.id = known->id, .part = part, .start = known->end[part], .place = *place};

    TRY(store_index_put_piece(replay->index, &piece));
    known->end[part] += step;
    return OK;
}

static struct err on_half(struct replay *replay, const struct store_warc_head *head, const struct store_place *place)
{
    enum exchange_side side = head->type == STORE_WARC_REQUEST ? EXCHANGE_REQUEST : EXCHANGE_RESPONSE;
    struct known *known;

    TRY(add_known(replay, head->exchange, &known));
    if (head->interim != STORE_WARC_NO_NUMBER)
        return put_piece(replay, known, STORE_INDEX_INTERIM, place, 1);
    if (known->is_open)
        return put_piece(replay, known, (enum store_index_part)side, place, place->len);
    known->half[side] = *place;
    return OK;
}

static struct err on_continuation(struct replay *replay, const struct store_warc_head *head,
                                  const struct store_place *place)
{
    struct known *known = find_known(replay, head->exchange);

    if (!known || !known->is_open || head->side > EXCHANGE_RESPONSE)
        return ERR(ERR_DAMAGED, 0, "replay: a continuation of nothing");
    return put_piece(replay, known, (enum store_index_part)head->side, place, place->len);
}

static struct err on_stream(struct replay *replay, struct store_warc_reader *reader,
                            const struct store_warc_record *record, const struct store_place *place)
{
    struct known *known;
    uint64_t len[2];

    buf_clear(&replay->block);
    TRY(store_warc_reader_block(reader, record, &replay->block));
    TRY(store_stream_measure(buf_str(&replay->block), len));
    TRY(add_known(replay, record->head->exchange, &known));
    for (int side = 0; side < 2; side++) {
        struct store_place part = {.file = place->file, .offset = place->offset, .len = len[side]};

        if (len[side])
            TRY(put_piece(replay, known, (enum store_index_part)(STORE_INDEX_FROM_CLIENT + side), &part, len[side]));
    }
    return OK;
}

/* The body of a revisit is the end of the response it refers to. */
static struct err put_revisit(struct replay *replay, struct known *known, const struct exchange_facts *facts)
{
    const struct facts_half *half = &facts->half[EXCHANGE_RESPONSE];
    uint64_t body_len = half->wire_len - half->head_len;
    struct store_index_known original;
    struct store_place body;

    TRY(put_piece(replay, known, STORE_INDEX_RESPONSE, &known->half[EXCHANGE_RESPONSE], half->head_len));
    known->half[EXCHANGE_RESPONSE] = (struct store_place){0};
    TRY(store_index_get(replay->index, known->revisit_of, &original));
    body = original.half[EXCHANGE_RESPONSE];
    if (half->head_len > half->wire_len || !body.file || body.len < body_len)
        return ERR(ERR_DAMAGED, 0, "replay: a revisit of what is not there");
    body.offset += body.len - body_len;
    body.len = body_len;
    return put_piece(replay, known, STORE_INDEX_RESPONSE, &body, body_len);
}

static struct err on_closed(struct replay *replay, const struct store_fields *fields, const struct store_place *place)
{
    uint64_t id = fields->facts.id;
    struct known *known;
    struct store_index_row row = {
        .facts = &fields->facts, .are_places_kept = fields->state == STORE_FIELDS_LATE, .metadata = *place};

    TRY(add_known(replay, id, &known));
    if (known->revisit_of) {
        struct err err = put_revisit(replay, known, &fields->facts);

        if (err_is(err) && err.code != ERR_DAMAGED && err.code != ERR_ABSENT)
            return err;
        replay->result.skipped_count += err_is(err);
    }
    row.half[EXCHANGE_REQUEST] = known->half[EXCHANGE_REQUEST];
    row.half[EXCHANGE_RESPONSE] = known->half[EXCHANGE_RESPONSE];
    TRY(store_index_put(replay->index, &row));
    forget(replay, id);
    return OK;
}

static struct err on_open(struct replay *replay, const struct store_fields *fields, const struct store_place *place)
{
    struct store_index_row row = {.facts = &fields->facts, .is_open = true, .metadata = *place};
    struct known *known;

    TRY(add_known(replay, fields->facts.id, &known));
    known->is_open = true;
    TRY(put_piece(replay, known, STORE_INDEX_OPEN_METADATA, place, 1));
    return store_index_put(replay->index, &row);
}

static struct err on_gap(struct replay *replay, struct str block, const struct store_place *place)
{
    struct store_index_gap gap = {0};
    const struct {
        struct str name;
        uint64_t *number;
    } numbers[] = {{STR("gap-from"), &gap.from_us},
                   {STR("gap-to"), &gap.to_us},
                   {STR("gap-exchanges"), &gap.exchange_count},
                   {STR("gap-events"), &gap.event_count},
                   {STR("gap-bytes"), &gap.byte_count}};
    struct str name, value;

    while (store_fields_next_line(&block, &name, &value)) {
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            if (str_eq(name, numbers[i].name) && !str_to_u64(value, numbers[i].number))
                return ERR(ERR_DAMAGED, 0, "replay: a bad number in a gap record");
        }
    }
    return store_index_put_gap(replay->index, &gap, place);
}

static struct err on_metadata(struct replay *replay, struct store_warc_reader *reader,
                              const struct store_warc_record *record, const struct store_place *place)
{
    struct store_fields fields;

    buf_clear(&replay->block);
    TRY(store_warc_reader_block(reader, record, &replay->block));
    if (record->head->gap != STORE_WARC_NO_NUMBER)
        return on_gap(replay, buf_str(&replay->block), place);
    if (!record->head->exchange)
        return OK;
    arena_reset(&replay->arena);
    TRY(store_fields_parse(buf_str(&replay->block), &replay->arena, &fields));
    fields.facts.id = record->head->exchange;
    return fields.state == STORE_FIELDS_OPEN ? on_open(replay, &fields, place) : on_closed(replay, &fields, place);
}

static struct err on_record(struct replay *replay, struct store_warc_reader *reader,
                            const struct store_warc_record *record)
{
    const struct store_warc_head *head = record->head;
    struct store_place place = {.file = replay->mark.file, .offset = record->block_offset, .len = head->content_len};
    struct known *known;

    if (head->exchange > replay->mark.last_id)
        replay->mark.last_id = head->exchange;
    if (head->type == STORE_WARC_METADATA)
        return on_metadata(replay, reader, record, &place);
    if (!head->exchange)
        return OK;
    switch (head->type) {
    case STORE_WARC_REQUEST:
    case STORE_WARC_RESPONSE:
        return on_half(replay, head, &place);
    case STORE_WARC_CONTINUATION:
        return on_continuation(replay, head, &place);
    case STORE_WARC_REVISIT:
        TRY(add_known(replay, head->exchange, &known));
        known->half[EXCHANGE_RESPONSE] = place;
        known->revisit_of = head->refers_to_exchange;
        return OK;
    case STORE_WARC_RESOURCE:
        return on_stream(replay, reader, record, &place);
    default:
        return OK;
    }
}

static struct err commit(struct replay *replay)
{
    TRY(store_index_put_mark(replay->index, &replay->mark));
    TRY(store_index_commit(replay->index));
    replay->since_commit = 0;
    return OK;
}

/* Behind the metadata of an exchange or of a gap nothing is half said: the mark may stand there. */
static struct err after_record(struct replay *replay, bool is_metadata)
{
    const struct store_replay_options *options = replay->options;
    uint64_t done = replay->done_bytes + replay->mark.offset;

    replay->result.record_count++;
    if (++replay->since_commit < RECORDS_A_COMMIT || !is_metadata)
        return OK;
    TRY(commit(replay));
    if (options && options->on_progress && !options->on_progress(options->owner, done, options->total_bytes))
        return ERR(ERR_CANCELLED, 0, "stopped by the caller");
    return store_index_begin(replay->index);
}

/* Whether the walk goes on after what a record gave. */
static bool is_passed_over(struct replay *replay, struct err err)
{
    if (err.code != ERR_DAMAGED && err.code != ERR_LIMIT && err.code != ERR_ABSENT)
        return false;
    replay->result.skipped_count++;
    return true;
}

static struct err walk(struct replay *replay, struct store_warc_reader *reader)
{
    for (;;) {
        struct store_warc_record record;
        struct err err = store_warc_reader_next(reader, false, &record);

        if (err.code == ERR_DAMAGED) {
            replay->result.skipped_count++;
            err = store_warc_reader_resync(reader);
            if (!err_is(err))
                continue;
        }
        if (err.code == ERR_CLOSED || err.code == ERR_ABSENT)
            return OK;
        TRY(err);
        err = on_record(replay, reader, &record);
        if (err_is(err) && !is_passed_over(replay, err))
            return err;
        replay->mark.offset = record.end_offset;
        TRY(after_record(replay, record.head->type == STORE_WARC_METADATA));
    }
}

static struct err walk_file(struct replay *replay, uint32_t file)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct store_warc_reader *reader;
    struct err err;

    if (file != replay->mark.file)
        replay->mark.offset = 0;
    replay->mark.file = file;
    TRY(store_capture_path(replay->folder, file, path));
    TRY(store_warc_reader_open(path, replay->mark.offset, &reader));
    err = walk(replay, reader);
    replay->mark.offset = store_warc_reader_len(reader);
    replay->done_bytes += store_warc_reader_len(reader);
    store_warc_reader_close(&reader);
    return err;
}

/* Exchanges that the index has as open: their next pieces go on where the last ended. */
static struct err load_open(struct replay *replay)
{
    uint64_t ids[OPEN_IDS_A_TURN], after = 0;
    size_t count;

    do {
        TRY(store_index_open_ids(replay->index, after, ids, OPEN_IDS_A_TURN, &count));
        for (size_t i = 0; i < count; i++) {
            struct store_index_known stored;
            struct known *known;

            TRY(store_index_get(replay->index, ids[i], &stored));
            TRY(add_known(replay, ids[i], &known));
            known->is_open = true;
            memcpy(known->end, stored.end, sizeof(known->end));
            after = ids[i];
        }
    } while (count == OPEN_IDS_A_TURN);
    return OK;
}

static struct err run(struct replay *replay)
{
    uint32_t last;

    TRY(store_index_get_mark(replay->index, &replay->mark));
    TRY(load_open(replay));
    TRY(store_capture_last_file(replay->folder, &last));
    TRY(store_index_begin(replay->index));
    for (uint32_t file = replay->mark.file ? replay->mark.file : 1; file <= last; file++)
        TRY(walk_file(replay, file));
    return commit(replay);
}

struct err store_replay_run(const char *project_folder, struct store_index *index,
                            const struct store_replay_options *options, struct store_replay_result *ret_result)
{
    struct replay replay = {.folder = project_folder, .index = index, .options = options};
    uint64_t seed[2];
    struct str key;
    void *known;
    struct err err;

    os_clock_random(seed, sizeof(seed));
    map_init(&replay.known, KNOWN_MAX, seed);
    arena_init(&replay.arena, ARENA_MAX);
    buf_init(&replay.block, BLOCK_MAX);
    err = run(&replay);
    if (err_is(err))
        store_index_rollback(index);
    while (map_oldest(&replay.known, &key, &known)) {
        map_remove(&replay.known, key);
        free(known);
    }
    map_deinit(&replay.known);
    arena_deinit(&replay.arena);
    buf_deinit(&replay.block);
    *ret_result = replay.result;
    return err;
}

struct err store_replay_read_metadata(const char *project_folder, const struct store_place *place, struct arena *arena,
                                      struct store_fields *ret_fields)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *file = NULL;
    size_t len = 0;
    char *bytes;
    struct err err;

    if (place->len > STORE_FIELDS_BLOCK_MAX)
        return ERR(ERR_DAMAGED, 0, "metadata: too long");
    bytes = malloc((size_t)place->len + 1);
    CHECK(bytes);
    err = store_capture_path(project_folder, place->file, path);
    if (!err_is(err))
        err = os_file_open(path, OS_FILE_READ, &file);
    if (!err_is(err))
        err = os_file_read_at(file, place->offset, bytes, (size_t)place->len, &len);
    if (!err_is(err) && len < place->len)
        err = ERR(ERR_DAMAGED, 0, "metadata: the capture is shorter than the index says");
    if (!err_is(err))
        err = store_fields_parse((struct str){bytes, len}, arena, ret_fields);
    os_file_close(&file);
    free(bytes);
    return err;
}
