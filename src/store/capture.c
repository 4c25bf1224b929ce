#include "store/capture.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/file.h"
#include "store/digest.h"
#include "store/fields.h"
#include "store/warc_reader.h"

#define NAME_LEN 11 /* 000001.warc */
#define FILE_NUMBER_MAX 999999
#define COPY_BYTES ((size_t)1 << 20)
#define TORN_MAX 10000

struct store_capture {
    char folder[STORE_CAPTURE_PATH_MAX];
    uint64_t file_bytes_max;
    struct os_file *file;
    uint32_t number;
    uint64_t file_len; /* written and whole */
    bool has_rest;     /* a failed write may have left bytes behind file_len */
    struct store_out batch;
    struct store_digest *digest;
    struct store_warc_id session;
    uint64_t next_record;
};

static struct err join(const char *folder, const char *name, char path[STORE_CAPTURE_PATH_MAX])
{
    int len = snprintf(path, STORE_CAPTURE_PATH_MAX, "%s/%s", folder, name);

    return len > 0 && len < STORE_CAPTURE_PATH_MAX ? OK : ERR(ERR_LIMIT, 0, "the project's path is too long");
}

struct err store_capture_path(const char *project_folder, uint32_t file, char path[STORE_CAPTURE_PATH_MAX])
{
    char name[32];

    snprintf(name, sizeof(name), "capture/%06u.warc", file);
    return join(project_folder, name, path);
}

struct names {
    uint32_t last, count;
};

static bool on_name(void *owner, const char *name)
{
    struct names *names = owner;
    struct str text = str_from(name);
    uint64_t number;

    if (text.len == NAME_LEN && str_ends(text, STR(".warc")) && str_to_u64(str_head(text, 6), &number) && number > 0) {
        names->count++;
        names->last = number > names->last ? (uint32_t)number : names->last;
    }
    return true;
}

struct err store_capture_last_file(const char *project_folder, uint32_t *ret_file)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct names names = {0};
    struct err err;

    TRY(join(project_folder, "capture", path));
    err = os_file_list(path, on_name, &names);
    if (err_is(err) && err.code != ERR_ABSENT)
        return err;
    if (names.count != names.last)
        return ERR(ERR_DAMAGED, 0, "a capture file is missing");
    *ret_file = names.last;
    return OK;
}

struct err store_capture_find_end(const char *project_folder, uint32_t file, uint64_t offset, uint64_t *ret_end)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct store_warc_reader *reader;
    struct store_warc_record record;
    struct err err;

    TRY(store_capture_path(project_folder, file, path));
    TRY(store_warc_reader_open(path, offset, &reader));
    do {
        err = store_warc_reader_next(reader, true, &record);
        if (err.code == ERR_DAMAGED)
            err = store_warc_reader_resync(reader);
    } while (!err_is(err));
    *ret_end = store_warc_reader_offset(reader);
    store_warc_reader_close(&reader);
    return err.code == ERR_CLOSED || err.code == ERR_ABSENT ? OK : err;
}

static struct err copy_tail(struct os_file *from, uint64_t offset, struct os_file *to)
{
    char *bytes = malloc(COPY_BYTES);
    struct err err = OK;

    CHECK(bytes);
    for (;;) {
        uint64_t written;
        size_t len;

        err = os_file_read_at(from, offset, bytes, COPY_BYTES, &len);
        if (err_is(err) || len == 0)
            break;
        err = os_file_write(to, &(struct str){bytes, len}, 1, &written);
        if (err_is(err))
            break;
        offset += len;
    }
    free(bytes);
    return err_is(err) ? err : os_file_sync(to);
}

/* The first of NNNNNN.torn-1, -2, ... that there is not yet. */
static struct err open_side_file(const char *project_folder, uint32_t file, struct os_file **ret_file)
{
    char path[STORE_CAPTURE_PATH_MAX], name[48];
    struct err err = ERR(ERR_BUSY, 0, "too many torn files");

    for (unsigned i = 1; i <= TORN_MAX; i++) {
        snprintf(name, sizeof(name), "capture/%06u.torn-%u", file, i);
        TRY(join(project_folder, name, path));
        if (os_file_exists(path))
            continue;
        err = os_file_open(path, OS_FILE_CREATE, ret_file);
        break;
    }
    return err;
}

struct err store_capture_cut(const char *project_folder, uint32_t file, uint64_t end)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *capture = NULL, *side = NULL;
    struct err err;

    TRY(store_capture_path(project_folder, file, path));
    TRY(os_file_open(path, OS_FILE_READ_WRITE, &capture));
    err = open_side_file(project_folder, file, &side);
    if (!err_is(err))
        err = copy_tail(capture, end, side);
    if (!err_is(err))
        err = os_file_truncate(capture, end);
    if (!err_is(err))
        err = os_file_sync(capture);
    os_file_close(&side);
    os_file_close(&capture);
    return err;
}

struct store_warc_id store_capture_next_id(struct store_capture *capture)
{
    struct store_warc_id id = capture->session;
    uint64_t number = capture->next_record++;

    for (size_t i = 0; i < 6; i++)
        id.bytes[15 - i] = (uint8_t)(number >> 8 * i);
    return id;
}

struct store_place store_capture_add(struct store_capture *capture, struct store_warc_head *head,
                                     const struct str *parts, size_t part_count)
{
    uint8_t sha256[STORE_DIGEST_BYTES];
    struct store_out *batch = &capture->batch;
    struct store_place place = {.file = capture->number};

    head->content_len = 0;
    store_digest_start(capture->digest);
    for (size_t i = 0; i < part_count; i++) {
        head->content_len += parts[i].len;
        store_digest_add(capture->digest, parts[i]);
    }
    store_digest_finish(capture->digest, sha256);
    head->block_digest = sha256;
    store_warc_write_head(head, batch);
    head->block_digest = NULL;
    place.offset = capture->file_len + batch->len;
    place.len = head->content_len;
    store_out_room(batch, head->content_len + STORE_WARC_END.len);
    for (size_t i = 0; i < part_count; i++)
        store_out_put(batch, parts[i]);
    store_out_put(batch, STORE_WARC_END);
    return place;
}

/* The first record of a file, and of a session that goes on in one. */
static void add_info(struct store_capture *capture)
{
    struct store_warc_head head = STORE_WARC_HEAD_NONE;
    char block[512];
    int len = snprintf(block, sizeof(block),
                       "software: sekisho/%s\r\n"
                       "format: WARC File Format 1.1\r\n"
                       "conformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
                       "sekisho-format: %d\r\n"
                       "sekisho-file: %u\r\n",
                       SEKISHO_VERSION, STORE_WARC_FORMAT, capture->number);

    head.type = STORE_WARC_INFO;
    head.id = store_capture_next_id(capture);
    head.date_us = os_clock_wall_us();
    head.content_type = STR("application/warc-fields");
    store_capture_add(capture, &head, &(struct str){block, (size_t)len}, 1);
}

static struct err begin_file(struct store_capture *capture, uint32_t number)
{
    char path[STORE_CAPTURE_PATH_MAX];
    struct os_file *file;

    if (number > FILE_NUMBER_MAX)
        return ERR(ERR_LIMIT, 0, "the project has as many capture files as there may be");
    TRY(store_capture_path(capture->folder, number, path));
    TRY(os_file_open(path, OS_FILE_CREATE, &file));
    os_file_close(&capture->file);
    capture->file = file;
    capture->number = number;
    capture->file_len = 0;
    add_info(capture);
    return OK;
}

static struct err continue_file(struct store_capture *capture, uint32_t number)
{
    char path[STORE_CAPTURE_PATH_MAX];

    TRY(store_capture_path(capture->folder, number, path));
    TRY(os_file_open(path, OS_FILE_APPEND, &capture->file));
    TRY(os_file_len(capture->file, &capture->file_len));
    capture->number = number;
    add_info(capture);
    return OK;
}

static struct err open_last(struct store_capture *capture)
{
    char path[STORE_CAPTURE_PATH_MAX];
    uint32_t last;

    TRY(join(capture->folder, "capture", path));
    TRY(os_file_make_folder(path));
    TRY(store_capture_last_file(capture->folder, &last));
    return last ? continue_file(capture, last) : begin_file(capture, 1);
}

struct err store_capture_open(const char *project_folder, uint64_t file_bytes_max, struct store_capture **ret_capture)
{
    struct store_capture *capture = calloc(1, sizeof(*capture));
    struct err err;

    CHECK(capture);
    if (!str_to_c(str_from(project_folder), capture->folder, sizeof(capture->folder))) {
        free(capture);
        return ERR(ERR_LIMIT, 0, "the project's path is too long");
    }
    capture->file_bytes_max = file_bytes_max;
    capture->digest = store_digest_new();
    store_out_init(&capture->batch, STORE_CAPTURE_BATCH_MAX);
    os_clock_random(capture->session.bytes, STORE_WARC_SESSION_BYTES);
    capture->session.bytes[6] = (uint8_t)(0x80 | (capture->session.bytes[6] & 0x0f));
    capture->session.bytes[8] = (uint8_t)(0x80 | (capture->session.bytes[8] & 0x3f));
    err = open_last(capture);
    if (err_is(err)) {
        store_capture_close(&capture);
        return err;
    }
    *ret_capture = capture;
    return OK;
}

void store_capture_close(struct store_capture **capture)
{
    if (!*capture)
        return;
    os_file_close(&(*capture)->file);
    store_digest_free(&(*capture)->digest);
    store_out_deinit(&(*capture)->batch);
    free(*capture);
    *capture = NULL;
}

size_t store_capture_batch_len(const struct store_capture *capture) { return capture->batch.len; }

/* Cuts off what a failed write left. */
static struct err take_back(struct store_capture *capture)
{
    if (!capture->has_rest)
        return OK;
    TRY(os_file_truncate(capture->file, capture->file_len));
    capture->has_rest = false;
    return OK;
}

static struct err write_batch(struct store_capture *capture)
{
    struct str batch = store_out_str(&capture->batch);
    uint64_t written;
    struct err err;

    TRY(take_back(capture));
    if (batch.len == 0)
        return OK;
    capture->has_rest = true;
    err = os_file_write(capture->file, &batch, 1, &written);
    if (err_is(err)) {
        /* If this fails too, the next flush tries it first. */
        IGNORE(take_back(capture));
        return err;
    }
    capture->has_rest = false;
    capture->file_len += batch.len;
    capture->batch.len = 0;
    return OK;
}

struct err store_capture_flush(struct store_capture *capture)
{
    TRY(write_batch(capture));
    if (capture->file_len < capture->file_bytes_max)
        return OK;
    /* What was written may now only be synced through this handle. */
    TRY(os_file_sync(capture->file));
    TRY(begin_file(capture, capture->number + 1));
    return write_batch(capture);
}

struct err store_capture_sync(struct store_capture *capture) { return os_file_sync(capture->file); }

void store_capture_written_end(const struct store_capture *capture, uint32_t *ret_file, uint64_t *ret_offset)
{
    *ret_file = capture->number;
    *ret_offset = capture->file_len;
}
