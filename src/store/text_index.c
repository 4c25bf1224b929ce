#include "store/text_index.h"

#include <stdlib.h>

#include "os/file.h"
#include "store/text_segment.h"

struct segment {
    uint32_t number;
    struct store_text_segment *reader;
    bool is_there; /* in the folder, while it is listed */
};

struct family {
    struct segment *segments;
    size_t count, room;
    uint32_t last_number;          /* the highest ever seen */
    struct store_text_set covered; /* ids with a document here */
};

struct store_text_index {
    char folder[STORE_TEXT_PATH_MAX - 64]; /* the project's */
    uint64_t end;                          /* ids below it are in the sets */
    struct family families[STORE_TEXT_FAMILY_COUNT];
    /* While the folder is listed. */
    bool is_owner, has_changed;
};

static const char *const prefixes[STORE_TEXT_FAMILY_COUNT] = {"heads-", "bodies-"};

struct err store_text_index_open(const char *project_folder, struct store_text_index **ret_index)
{
    struct store_text_index *index = calloc(1, sizeof(*index));

    CHECK(index);
    if (!str_to_c(str_from(project_folder), index->folder, sizeof(index->folder))) {
        free(index);
        return ERR(ERR_LIMIT, 0, "the project's path is too long");
    }
    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++)
        store_text_set_init(&index->families[i].covered, 0, false);
    *ret_index = index;
    return OK;
}

void store_text_index_close(struct store_text_index **index)
{
    if (!*index)
        return;
    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++) {
        struct family *family = &(*index)->families[i];

        for (size_t k = 0; k < family->count; k++)
            store_text_segment_close(&family->segments[k].reader);
        free(family->segments);
        store_text_set_deinit(&family->covered);
    }
    free(*index);
    *index = NULL;
}

struct err store_text_index_path(const char *project_folder, enum store_text_family family, uint32_t number,
                                 char path[STORE_TEXT_PATH_MAX])
{
    int len = snprintf(path, STORE_TEXT_PATH_MAX, "%s/text/%s%06u.seg", project_folder, prefixes[family], number);

    return len > 0 && len < STORE_TEXT_PATH_MAX ? OK : ERR(ERR_LIMIT, 0, "the project's path is too long");
}

uint32_t store_text_index_next_number(const struct store_text_index *index, enum store_text_family family)
{
    return index->families[family].last_number + 1;
}

size_t store_text_index_segment_count(const struct store_text_index *index, enum store_text_family family)
{
    return index->families[family].count;
}

bool store_text_index_covers(const struct store_text_index *index, enum store_text_family family, uint64_t id)
{
    return id < index->end && store_text_set_has(&index->families[family].covered, id);
}

/* --- the folder --- */

static bool parse_name(const char *name, enum store_text_family *ret_family, uint32_t *ret_number)
{
    struct str rest = str_from(name);
    uint64_t number;

    for (int i = 0; i < STORE_TEXT_FAMILY_COUNT; i++) {
        size_t len = strlen(prefixes[i]);

        if (!str_starts(rest, str_from(prefixes[i])) || rest.len != len + 10 || !str_ends(rest, STR(".seg")) ||
            !str_to_u64(str_head(str_skip(rest, len), 6), &number) || number == 0)
            continue;
        *ret_family = (enum store_text_family)i;
        *ret_number = (uint32_t)number;
        return true;
    }
    return false;
}

static void on_highest(void *owner, uint64_t id)
{
    uint64_t *highest = owner;

    *highest = id > *highest ? id : *highest;
}

static void on_highest_repeat(void *owner, uint64_t id, uint64_t first)
{
    on_highest(owner, id);
    on_highest(owner, first);
}

static uint64_t highest_id(const struct store_text_segment *segment)
{
    struct store_text_blocks all = store_text_segment_all(segment);
    uint64_t highest = 0;

    store_text_segment_ids(segment, &all, on_highest, &highest);
    store_text_segment_repeats(segment, on_highest_repeat, &highest);
    return highest;
}

static struct err open_segment(struct store_text_index *index, const char *path, struct store_text_segment **ret_reader)
{
    struct store_text_segment *reader;
    struct err err;

    TRY(store_text_segment_open(path, &reader));
    err = index->is_owner ? store_text_segment_check(reader) : OK;
    if (!err_is(err) && highest_id(reader) >= STORE_TEXT_SET_MAX)
        err = ERR(ERR_DAMAGED, 0, "the segment has ids that cannot be");
    if (err_is(err))
        store_text_segment_close(&reader);
    else
        *ret_reader = reader;
    return err;
}

static struct segment *find_segment(struct family *family, uint32_t number)
{
    for (size_t i = 0; i < family->count; i++) {
        if (family->segments[i].number == number)
            return &family->segments[i];
    }
    return NULL;
}

static void add_segment(struct family *family, uint32_t number, struct store_text_segment *reader)
{
    if (family->count == family->room) {
        family->room = family->room ? 2 * family->room : 16;
        family->segments = realloc(family->segments, family->room * sizeof(*family->segments));
        CHECK(family->segments);
    }
    family->segments[family->count++] = (struct segment){.number = number, .reader = reader, .is_there = true};
}

/* Any other error than damage may pass: the file stays. */
static bool on_name(void *owner, const char *name)
{
    struct store_text_index *index = owner;
    enum store_text_family which;
    struct store_text_segment *reader = NULL;
    struct family *family;
    struct segment *known;
    char path[STORE_TEXT_PATH_MAX];
    uint32_t number;
    struct err err;

    if (!parse_name(name, &which, &number))
        return true;
    family = &index->families[which];
    family->last_number = number > family->last_number ? number : family->last_number;
    known = find_segment(family, number);
    if (known)
        known->is_there = true;
    if (known || family->count == STORE_TEXT_SEGMENTS_MAX ||
        err_is(store_text_index_path(index->folder, which, number, path)))
        return true;
    err = open_segment(index, path, &reader);
    if (!err_is(err)) {
        add_segment(family, number, reader);
        index->has_changed = true;
    } else if (err.code == ERR_DAMAGED && index->is_owner) {
        IGNORE(os_file_remove(path));
    }
    return true;
}

static void forget_gone(struct store_text_index *index)
{
    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++) {
        struct family *family = &index->families[i];
        size_t kept = 0;

        for (size_t k = 0; k < family->count; k++) {
            if (family->segments[k].is_there)
                family->segments[kept++] = family->segments[k];
            else
                store_text_segment_close(&family->segments[k].reader);
        }
        index->has_changed = index->has_changed || kept != family->count;
        family->count = kept;
    }
}

/* --- who is covered --- */

static void on_document(void *owner, uint64_t id) { store_text_set_add(owner, id); }

/* Of a repeat: the sets of firsts and of what is found by them. */
struct following {
    const struct store_text_set *firsts;
    struct store_text_set *found;
};

static void on_repeat(void *owner, uint64_t id, uint64_t first)
{
    struct following *following = owner;

    if (first < following->firsts->end && store_text_set_has(following->firsts, first))
        store_text_set_add(following->found, id);
}

/* Adds the repeats of what is in the set.  A repeat is never the first of another. */
static void follow_repeats(const struct family *family, struct store_text_set *set)
{
    struct following following = {set, set};

    for (size_t i = 0; i < family->count; i++)
        store_text_segment_repeats(family->segments[i].reader, on_repeat, &following);
}

static void cover(struct family *family, uint64_t end)
{
    store_text_set_deinit(&family->covered);
    store_text_set_init(&family->covered, end, false);
    for (size_t i = 0; i < family->count; i++) {
        struct store_text_blocks all = store_text_segment_all(family->segments[i].reader);

        store_text_segment_ids(family->segments[i].reader, &all, on_document, &family->covered);
    }
    follow_repeats(family, &family->covered);
}

void store_text_index_refresh(struct store_text_index *index, bool is_owner)
{
    char path[STORE_TEXT_PATH_MAX];
    uint64_t highest = 0;

    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++) {
        for (size_t k = 0; k < index->families[i].count; k++)
            index->families[i].segments[k].is_there = false;
    }
    index->is_owner = is_owner;
    index->has_changed = false;
    snprintf(path, sizeof(path), "%s/text", index->folder);
    IGNORE(os_file_list(path, on_name, index));
    forget_gone(index);
    if (!index->has_changed)
        return;
    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++) {
        for (size_t k = 0; k < index->families[i].count; k++) {
            uint64_t id = highest_id(index->families[i].segments[k].reader);

            highest = id > highest ? id : highest;
        }
    }
    index->end = highest + 1;
    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++)
        cover(&index->families[i], index->end);
}

/* --- who may hold a text --- */

static void find_in_family(struct store_text_index *index, enum store_text_family which, struct str folded,
                           struct store_text_set *set)
{
    struct family *family = &index->families[which];
    struct store_text_set found;

    store_text_set_init(&found, index->end, false);
    for (size_t i = 0; i < family->count; i++) {
        struct store_text_segment *reader = family->segments[i].reader;
        struct store_text_blocks blocks;

        if (err_is(store_text_segment_find(reader, folded, &blocks)))
            blocks = store_text_segment_all(reader);
        store_text_segment_ids(reader, &blocks, on_document, &found);
    }
    follow_repeats(family, &found);
    store_text_set_unite(set, &found);
    store_text_set_unite_absent(set, &family->covered);
    store_text_set_deinit(&found);
}

void store_text_index_find(struct store_text_index *index, const struct query_literals *text,
                           struct store_text_set *set)
{
    if (text->in_heads)
        find_in_family(index, STORE_TEXT_HEADS, text->folded, set);
    if (text->in_bodies)
        find_in_family(index, STORE_TEXT_BODIES, text->folded, set);
}

void store_text_index_set(const struct store_text_index *index, bool is_full, struct store_text_set *ret_set)
{
    store_text_set_init(ret_set, index->end, is_full);
}

void store_text_index_add_uncovered(const struct store_text_index *index, struct store_text_set *set)
{
    for (size_t i = 0; i < STORE_TEXT_FAMILY_COUNT; i++)
        store_text_set_unite_absent(set, &index->families[i].covered);
}
