#include "store/revisit.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/file.h"
#include "store/capture.h"

#define ENTRY_COUNT 16384u /* a power of two; 640 KiB */

struct entry {
    uint64_t hash; /* 0: free */
    uint64_t record_offset;
    struct store_place block;
};

struct store_revisit {
    const char *folder;
    uint64_t seed[2];
    struct entry *entries;
    struct os_file *file; /* the one looked into last */
    uint32_t file_number;
    char *bytes; /* head and block of a candidate */
    size_t size;
    struct store_warc_head head;
};

struct store_revisit *store_revisit_new(const char *project_folder)
{
    struct store_revisit *revisit = calloc(1, sizeof(*revisit));

    CHECK(revisit);
    revisit->folder = project_folder;
    revisit->entries = calloc(ENTRY_COUNT, sizeof(*revisit->entries));
    CHECK(revisit->entries);
    os_clock_random(revisit->seed, sizeof(revisit->seed));
    return revisit;
}

void store_revisit_free(struct store_revisit **revisit)
{
    if (!*revisit)
        return;
    os_file_close(&(*revisit)->file);
    free((*revisit)->entries);
    free((*revisit)->bytes);
    free(*revisit);
    *revisit = NULL;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word_at(const char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* Multiply and fold 128 to 64 bits, two lanes.  Fast rather than strong: a collision costs a comparison, no more. */
uint64_t store_revisit_hash(const struct store_revisit *revisit, struct str body)
{
    uint64_t a = revisit->seed[0] | 1, b = revisit->seed[1] | 1, tail[4] = {0};
    size_t at = 0;

    for (; body.len - at >= 32; at += 32) {
        a = mix(word_at(body.ptr + at) ^ a, word_at(body.ptr + at + 8) ^ revisit->seed[1]);
        b = mix(word_at(body.ptr + at + 16) ^ b, word_at(body.ptr + at + 24) ^ revisit->seed[0]);
    }
    memcpy(tail, body.ptr + at, body.len - at);
    a = mix(tail[0] ^ a, tail[1] ^ revisit->seed[1]);
    b = mix(tail[2] ^ b, tail[3] ^ revisit->seed[0]);
    return mix(a ^ body.len, b ^ revisit->seed[0]) | 1;
}

static struct entry *entry_of(struct store_revisit *revisit, uint64_t hash)
{
    return &revisit->entries[(hash >> 32) & (ENTRY_COUNT - 1)];
}

static struct err open_file(struct store_revisit *revisit, uint32_t number)
{
    char path[STORE_CAPTURE_PATH_MAX];

    if (revisit->file && revisit->file_number == number)
        return OK;
    os_file_close(&revisit->file);
    TRY(store_capture_path(revisit->folder, number, path));
    TRY(os_file_open(path, OS_FILE_READ, &revisit->file));
    revisit->file_number = number;
    return OK;
}

/* Reads the candidate's head and block. */
static struct err read_record(struct store_revisit *revisit, const struct entry *entry)
{
    size_t len = (size_t)(entry->block.offset + entry->block.len - entry->record_offset), got, head_len;

    if (revisit->size < len) {
        free(revisit->bytes);
        revisit->bytes = malloc(len);
        CHECK(revisit->bytes);
        revisit->size = len;
    }
    TRY(open_file(revisit, entry->block.file));
    TRY(os_file_read_at(revisit->file, entry->record_offset, revisit->bytes, len, &got));
    if (got < len)
        return ERR(ERR_ABSENT, 0, "revisit: not written yet");
    return store_warc_parse_head((struct str){revisit->bytes, len}, &revisit->head, &head_len);
}

bool store_revisit_find(struct store_revisit *revisit, uint64_t hash, struct str body,
                        struct store_revisit_original *ret_original)
{
    struct entry *entry = entry_of(revisit, hash);
    struct str block;

    if (entry->hash != hash || entry->block.len < body.len || err_is(read_record(revisit, entry)))
        return false;
    block = (struct str){revisit->bytes + (entry->block.offset - entry->record_offset), (size_t)entry->block.len};
    if (!str_ends(block, body))
        return false;
    ret_original->head = &revisit->head;
    ret_original->body = (struct store_place){
        .file = entry->block.file, .offset = entry->block.offset + entry->block.len - body.len, .len = body.len};
    return true;
}

void store_revisit_add(struct store_revisit *revisit, uint64_t hash, uint64_t record_offset,
                       const struct store_place *block)
{
    *entry_of(revisit, hash) = (struct entry){.hash = hash, .record_offset = record_offset, .block = *block};
}
