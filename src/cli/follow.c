#include "cli/follow.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/search.h"
#include "os/clock.h"
#include "os/thread.h"

#define LOOK_EVERY_MS 150
#define MISSING_MAX_US ((uint64_t)10 * 1000 * 1000)
#define ITEM_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define IDS_A_QUERY 500
#define QUERY_BYTES_MAX ((size_t)128 * 1024)

/* ---- What is new ---- */

static void add_pending(struct cli_follow *follow, uint64_t id)
{
    /* The oldest makes room: it has waited longest and is the likeliest never to come. */
    if (follow->pending_count == CLI_FOLLOW_PENDING_MAX)
        memmove(follow->pending, follow->pending + 1, --follow->pending_count * sizeof(follow->pending[0]));
    follow->pending[follow->pending_count++] = (struct cli_follow_pending){id, os_clock_mono_us()};
}

static bool is_ready(const struct store_reader_item *item) { return !item->is_open || item->facts.status != 0; }

static bool on_new(void *owner, const struct store_reader_item *item)
{
    struct cli_follow *follow = owner;
    uint64_t id = item->facts.id;

    /* A hole wider than what can be pending is no exchange that is a little late. */
    if (id - follow->high > CLI_FOLLOW_PENDING_MAX)
        follow->high = id - CLI_FOLLOW_PENDING_MAX;
    while (++follow->high < id)
        add_pending(follow, follow->high);
    if (is_ready(item))
        follow->ready[follow->ready_count++] = id;
    else
        add_pending(follow, id);
    return follow->ready_count < CLI_FOLLOW_READY_MAX;
}

static struct err find_new(struct cli_follow *follow)
{
    struct store_reader_query query = {
        .order = STR("id"), .fraction = -1, .limit = CLI_FOLLOW_READY_MAX, .on_item = on_new, .owner = follow};
    struct store_reader_result result = {.next = ""};
    struct query_tree *tree;
    struct err err;
    char text[64];

    snprintf(text, sizeof(text), "id > %" PRIu64, follow->high);
    CHECK(cli_search_parse(str_from(text), &tree) == CLI_DONE);
    query.query = tree;
    err = store_reader_list(follow->reader, &query, &result);
    query_tree_free(&tree);
    return err;
}

/* Exchanges that are under way now have ids below the highest, so the last ones are looked through. */
struct err cli_follow_begin(struct cli_follow *follow)
{
    uint64_t count, last_id;

    follow->pending_count = follow->ready_count = 0;
    TRY(store_reader_total(follow->reader, &count, &last_id));
    follow->high = last_id > CLI_FOLLOW_PENDING_MAX ? last_id - CLI_FOLLOW_PENDING_MAX : 0;
    TRY(find_new(follow));
    follow->ready_count = 0;
    return OK;
}

bool cli_follow_has_seen(const struct cli_follow *follow, uint64_t id)
{
    for (size_t i = 0; i < follow->pending_count; i++) {
        if (follow->pending[i].id == id)
            return false;
    }
    return id <= follow->high;
}

/* Moves what has come to `ready` and forgets what did not come in time. */
static struct err find_pending(struct cli_follow *follow)
{
    struct arena arena;
    struct err err = OK;
    size_t kept = 0, i = 0;
    uint64_t now_us = os_clock_mono_us();

    arena_init(&arena, ITEM_BYTES_MAX);
    for (; i < follow->pending_count && follow->ready_count < CLI_FOLLOW_READY_MAX; i++) {
        struct cli_follow_pending pending = follow->pending[i];
        struct store_reader_item item;

        arena_reset(&arena);
        err = store_reader_get(follow->reader, pending.id, &arena, &item);
        if (err_is(err) && err.code != ERR_ABSENT)
            break;
        if (!err_is(err) && is_ready(&item))
            follow->ready[follow->ready_count++] = pending.id;
        else if (!err_is(err) || now_us - pending.since_us < MISSING_MAX_US)
            follow->pending[kept++] = pending;
        err = OK;
    }
    memmove(follow->pending + kept, follow->pending + i, (follow->pending_count - i) * sizeof(follow->pending[0]));
    follow->pending_count -= i - kept;
    arena_deinit(&arena);
    return err;
}

/* ---- What of it matches ---- */

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

struct matching {
    struct cli_follow *follow;
    uint64_t ids[IDS_A_QUERY];
    size_t count;
};

static bool on_match(void *owner, const struct store_reader_item *item)
{
    struct matching *matching = owner;

    matching->ids[matching->count++] = item->facts.id;
    return matching->count < IDS_A_QUERY;
}

/* "(typed) id IN (...)"; the line end closes a comment at the end of what was typed. */
static struct err write_query(const struct cli_follow *follow, const uint64_t *ids, size_t count, struct buf *text)
{
    if (follow->query.len)
        TRY(buf_format(text, "(%.*s\n) ", STR_ARG(follow->query)));
    TRY(buf_append(text, STR("id IN (")));
    for (size_t i = 0; i < count; i++)
        TRY(buf_format(text, "%s%" PRIu64, i ? "," : "", ids[i]));
    return buf_append_char(text, ')');
}

static int tell_matches(struct cli_follow *follow, const struct cli_env *env, const uint64_t *ids, size_t count)
{
    struct store_reader_query query = {.order = STR("id"), .fraction = -1, .limit = IDS_A_QUERY, .on_item = on_match};
    struct store_reader_result result = {.next = ""};
    struct matching matching = {.follow = follow};
    struct query_tree *tree = NULL;
    struct buf text;
    struct err err;
    int status;

    query.owner = &matching;
    buf_init(&text, QUERY_BYTES_MAX);
    err = write_query(follow, ids, count, &text);
    status = err_is(err) ? cli_search_failed(env, err) : cli_search_parse(buf_str(&text), &tree);
    if (status == CLI_DONE) {
        query.query = tree;
        err = store_reader_list(follow->reader, &query, &result);
        status = err_is(err) ? cli_search_failed(env, err) : CLI_DONE;
        query_tree_free(&tree);
    }
    for (size_t i = 0; i < matching.count && status == CLI_DONE; i++)
        status = follow->on_id(follow->owner, matching.ids[i]);
    buf_deinit(&text);
    return status;
}

int cli_follow_look(struct cli_follow *follow, const struct cli_env *env)
{
    struct err err;
    int status = CLI_DONE;

    follow->ready_count = 0;
    err = find_pending(follow);
    if (!err_is(err))
        err = find_new(follow);
    if (err_is(err))
        return cli_search_failed(env, err);
    qsort(follow->ready, follow->ready_count, sizeof(follow->ready[0]), compare_ids);
    for (size_t at = 0; at < follow->ready_count && status == CLI_DONE; at += IDS_A_QUERY) {
        size_t left = follow->ready_count - at;

        status = tell_matches(follow, env, follow->ready + at, left < IDS_A_QUERY ? left : IDS_A_QUERY);
    }
    return status;
}

int cli_follow_run(struct cli_follow *follow, const struct cli_env *env)
{
    struct os_lock *lock;
    struct err err = os_lock_new(&lock);
    int status = CLI_DONE;

    if (err_is(err))
        return cli_search_failed(env, err);
    while (status == CLI_DONE) {
        status = cli_follow_look(follow, env);
        os_lock_enter(lock);
        os_lock_wait(lock, LOOK_EVERY_MS);
        os_lock_leave(lock);
    }
    os_lock_free(&lock);
    return status;
}
