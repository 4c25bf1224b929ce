/* `sekisho log`: the newest exchanges that match, in the order of their ids.
 *
 * First the ids are collected, newest first, which is the search; then they are read and printed the other way round.
 * So a search runs once, and memory is eight bytes a row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/columns.h"
#include "cli/follow.h"
#include "cli/say.h"
#include "cli/search.h"
#include "model/facts_json.h"
#include "os/process.h"
#include "os/terminal.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000000
#define LINE_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define ITEM_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define WIDTH_DEFAULT 100

struct listing {
    const struct cli_env *env;
    struct cli_search search;
    struct query_tree *query;
    struct cli_columns columns;
    struct arena arena; /* one item's text */
    struct buf line;
    uint64_t *ids; /* newest first */
    size_t id_count, id_room;
    uint64_t limit;            /* 0: all */
    struct cli_follow *follow; /* NULL: only what is there */
};

/* ---- Printing ---- */

static int print_item(struct listing *listing, const struct store_reader_item *item)
{
    struct err err;

    buf_clear(&listing->line);
    if (listing->env->is_json) {
        err = facts_json_write(&item->facts, &item->marks, &listing->line);
        if (!err_is(err))
            err = buf_append_char(&listing->line, '\n');
    } else {
        err = cli_columns_row(&listing->columns, item, &listing->line);
    }
    if (err_is(err))
        return cli_search_failed(listing->env, err);
    return fwrite(buf_str(&listing->line).ptr, 1, listing->line.len, stdout) == listing->line.len ? CLI_DONE
                                                                                                  : CLI_FAILED;
}

static int print_heading(struct listing *listing)
{
    if (listing->env->is_json || !listing->columns.is_for_person)
        return CLI_DONE;
    buf_clear(&listing->line);
    IGNORE(cli_columns_heading(&listing->columns, &listing->line));
    return fwrite(buf_str(&listing->line).ptr, 1, listing->line.len, stdout) == listing->line.len ? CLI_DONE
                                                                                                  : CLI_FAILED;
}

/* An exchange that a pruning took away in between is passed over. */
static int print_id(struct listing *listing, uint64_t id)
{
    struct store_reader_item item;
    struct err err;

    arena_reset(&listing->arena);
    err = store_reader_get(listing->search.reader, id, &listing->arena, &item);
    if (err.code == ERR_ABSENT)
        return CLI_DONE;
    return err_is(err) ? cli_search_failed(listing->env, err) : print_item(listing, &item);
}

/* ---- Searching ---- */

static bool on_item(void *owner, const struct store_reader_item *item)
{
    struct listing *listing = owner;

    /* What came since following began will be told by it. */
    if (listing->follow && !cli_follow_has_seen(listing->follow, item->facts.id))
        return true;
    if (listing->id_count == listing->id_room) {
        size_t room = listing->id_room ? listing->id_room * 2 : 256;
        uint64_t *ids = realloc(listing->ids, room * sizeof(*ids));

        CHECK(ids);
        listing->ids = ids;
        listing->id_room = room;
    }
    listing->ids[listing->id_count++] = item->facts.id;
    return listing->id_count != listing->limit && listing->id_count < LIMIT_MAX;
}

static int collect(struct listing *listing)
{
    struct store_reader_query query = {
        .query = listing->query, .fraction = -1, .limit = 10000, .on_item = on_item, .owner = listing};
    struct store_reader_result result = {.next = ""};
    bool has_limited_regex = false, is_full;
    char after[STORE_READER_CURSOR_MAX];

    do {
        struct err err;

        snprintf(after, sizeof(after), "%s", result.next);
        query.after = str_from(after);
        err = store_reader_list(listing->search.reader, &query, &result);
        if (err_is(err))
            return cli_search_failed(listing->env, err);
        has_limited_regex |= result.has_limited_regex;
        is_full = listing->id_count == listing->limit || listing->id_count >= LIMIT_MAX;
    } while (result.next[0] && !is_full);
    if (has_limited_regex)
        cli_say("sekisho: a regular expression reached its limit on some exchanges; they are left out");
    return CLI_DONE;
}

static int print_collected(struct listing *listing)
{
    int status = print_heading(listing);

    for (size_t i = listing->id_count; i > 0 && status == CLI_DONE; i--)
        status = print_id(listing, listing->ids[i - 1]);
    return status;
}

static int print_count(struct listing *listing)
{
    struct store_reader_query query = {.query = listing->query, .fraction = -1};
    struct store_reader_count count;
    struct err err = store_reader_count(listing->search.reader, &query, &count);

    if (err_is(err))
        return cli_search_failed(listing->env, err);
    printf(listing->env->is_json ? "{\"count\":%llu}\n" : "%llu\n", (unsigned long long)count.count);
    return CLI_DONE;
}

static int on_followed(void *owner, uint64_t id)
{
    int status = print_id(owner, id);

    return fflush(stdout) == 0 ? status : CLI_FAILED;
}

/* ---- The command ---- */

static bool read_limit(const struct cli_args *args, uint64_t *ret_limit)
{
    const char *text = cli_args_value(args, "limit");

    *ret_limit = LIMIT_DEFAULT;
    if (!text || (str_to_u64(str_from(text), ret_limit) && *ret_limit <= LIMIT_MAX))
        return true;
    cli_say_error("log: --limit needs a number up to %d, or 0 for all", LIMIT_MAX);
    return false;
}

static bool choose_columns(struct listing *listing, const struct cli_args *args)
{
    char problem[160];
    unsigned width;

    if (!cli_columns_choose(&listing->columns, cli_args_value(args, "columns"), problem, sizeof(problem))) {
        cli_say_error("log: %s", problem);
        return false;
    }
    if (!os_process_is_terminal(STDOUT_FILENO))
        return true;
    width = os_terminal_columns(STDOUT_FILENO);
    cli_columns_fit(&listing->columns, width ? width : WIDTH_DEFAULT, cli_say_has_color(STDOUT_FILENO));
    return true;
}

static int list(struct listing *listing, const struct cli_args *args, struct str text)
{
    static struct cli_follow follow; /* large */
    bool follows = cli_args_has(args, "follow");
    struct err err = OK;
    int status;

    if (cli_args_has(args, "count"))
        return print_count(listing);
    follow =
        (struct cli_follow){.reader = listing->search.reader, .query = text, .on_id = on_followed, .owner = listing};
    if (follows) {
        listing->follow = &follow;
        err = cli_follow_begin(&follow);
    }
    status = err_is(err) ? cli_search_failed(listing->env, err) : collect(listing);
    if (status == CLI_DONE)
        status = print_collected(listing);
    if (status == CLI_DONE && follows)
        status = fflush(stdout) == 0 ? cli_follow_run(&follow, listing->env) : CLI_FAILED;
    return status;
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    struct str text = args->operand_count ? str_from(args->operands[0]) : STR_NONE;
    struct listing listing = {.env = env};
    int status;

    if (!read_limit(args, &listing.limit) || !choose_columns(&listing, args))
        return CLI_USAGE;
    status = cli_search_parse(text, &listing.query);
    if (status != CLI_DONE)
        return status;
    status = cli_search_open(&listing.search, env);
    if (status == CLI_DONE) {
        arena_init(&listing.arena, ITEM_BYTES_MAX);
        buf_init(&listing.line, LINE_BYTES_MAX);
        status = list(&listing, args, text);
        if (cli_say_finish() != CLI_DONE)
            status = CLI_FAILED;
        buf_deinit(&listing.line);
        arena_deinit(&listing.arena);
        free(listing.ids);
        cli_search_close(&listing.search);
    }
    if (listing.query)
        query_tree_free(&listing.query);
    return status;
}

static const struct cli_option options[] = {
    {"limit", "N", "show the newest N; 0: all", "100", NULL},
    {"follow", NULL, "go on with what comes", NULL, NULL},
    {"count", NULL, "print only how many there are", NULL, NULL},
    {"columns", "NAMES", "columns to show, with commas between them", "id,at,method,status,url,res_len,time_us", NULL},
};

const struct cli_command cli_log = {
    .name = "log",
    .summary = "List recorded exchanges, the newest last",
    .usage = "[QUERY]",
    .about =
        "On a terminal a table; else values whole and exact, with tabs between them; with --json an object a line.\n"
        "A query is words to find anywhere, or conditions: host = example.com AND status >= 400, path : login,\n"
        "res.body =~ \"token=\\w+\", time > 2s. docs/query.md describes the language. Columns have the names of\n"
        "the keys that --json prints.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .operand_max = 1,
    .run = run,
};
