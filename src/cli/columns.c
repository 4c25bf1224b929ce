#include "cli/columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/jsonout.h"
#include "base/log.h"
#include "cli/cells.h"
#include "cli/suggest.h"
#include "model/facts_url.h"
#include "os/clock.h"
#include "query/column.h"

#define VALUE_BYTES_MAX 4096 /* shown of one value */
#define FLEXIBLE_MIN 16
#define FIXED_WIDTH 16 /* of columns that have no row of their own below */

/* A column that is written in a way of its own; all others are columns of the index. */
struct cli_column {
    const char *name;
    const char *heading;
    unsigned width; /* cells; 0: takes what is left */
    bool is_right;
    enum query_column column; /* QUERY_COLUMN_COUNT: none */
    /* For a person; NULL: as it is. */
    void (*write)(const struct store_reader_item *item, struct buf *text);
};

/* ---- Values for a person ---- */

/* Text that does not fit is cut: nothing of these is longer than its buffer unless it came from outside. */
#define PUT(...) IGNORE(buf_format(__VA_ARGS__))

static void write_at(const struct store_reader_item *item, struct buf *text)
{
    time_t seconds = (time_t)(item->facts.at_us / 1000000);
    time_t now = (time_t)(os_clock_wall_us() / 1000000);
    struct tm local, today;
    char shown[32] = "";

    if (!localtime_r(&seconds, &local) || !localtime_r(&now, &today))
        return;
    if (local.tm_yday == today.tm_yday && local.tm_year == today.tm_year) {
        strftime(shown, sizeof(shown), "%H:%M:%S", &local);
        PUT(text, "%s.%03d", shown, (int)(item->facts.at_us / 1000 % 1000));
        return;
    }
    strftime(shown, sizeof(shown), local.tm_year == today.tm_year ? "%m-%d %H:%M" : "%Y-%m-%d", &local);
    PUT(text, "%s", shown);
}

static void write_status(const struct store_reader_item *item, struct buf *text)
{
    const struct exchange_facts *facts = &item->facts;

    if (facts->error.len)
        PUT(text, facts->status ? "%u %.*s" : "%.0u%.*s", facts->status, STR_ARG(facts->error));
    else if (facts->status)
        PUT(text, "%u", facts->status);
    else if (facts->kind != EXCHANGE_HTTP)
        PUT(text, "%.*s", STR_ARG(facts_kind_name(facts->kind)));
    else
        PUT(text, "%s", item->is_open ? "..." : "-");
}

static void write_size(uint64_t bytes, struct buf *text)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double shown = (double)bytes;
    size_t unit = 0;

    while (shown >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        shown /= 1000;
        unit++;
    }
    PUT(text, unit && shown < 10 ? "%.1f %s" : "%.0f %s", shown, units[unit]);
}

static void write_res_len(const struct store_reader_item *item, struct buf *text)
{
    if (item->facts.half[EXCHANGE_RESPONSE].wire_len)
        write_size(item->facts.half[EXCHANGE_RESPONSE].wire_len, text);
}

static void write_req_len(const struct store_reader_item *item, struct buf *text)
{
    write_size(item->facts.half[EXCHANGE_REQUEST].wire_len, text);
}

static void write_duration(int64_t us, struct buf *text)
{
    if (us == FACTS_UNKNOWN_US)
        return;
    if (us < 10000)
        PUT(text, "%.1f ms", (double)us / 1e3);
    else if (us < 10000000)
        PUT(text, "%" PRId64 " ms", us / 1000);
    else
        PUT(text, "%" PRId64 " s", us / 1000000);
}

static void write_time(const struct store_reader_item *item, struct buf *text)
{
    write_duration(item->facts.time_us, text);
}

static void write_first_byte(const struct store_reader_item *item, struct buf *text)
{
    write_duration(item->facts.first_byte_us, text);
}

static void write_url(const struct store_reader_item *item, struct buf *text)
{
    struct buf url;

    buf_init(&url, FACTS_URL_BYTES_MAX);
    /* What does not fit even there is shown as far as it goes. */
    IGNORE(facts_url_write(&item->facts, &url));
    IGNORE(buf_append(text, str_head(buf_str(&url), VALUE_BYTES_MAX)));
    buf_deinit(&url);
}

static void write_note(const struct store_reader_item *item, struct buf *text)
{
    IGNORE(buf_append(text, str_head(item->marks.note, VALUE_BYTES_MAX)));
}

static void write_tags(const struct store_reader_item *item, struct buf *text)
{
    IGNORE(buf_append(text, str_head(item->marks.tags, VALUE_BYTES_MAX)));
}

static void write_color(const struct store_reader_item *item, struct buf *text)
{
    IGNORE(buf_append(text, str_head(item->marks.color, VALUE_BYTES_MAX)));
}

#define OF(NAME) QUERY_COLUMN_##NAME

/* The first seven are the usual ones. */
static const struct cli_column special[] = {
    {"id", "id", 6, true, OF(ID), NULL},
    {"at", "at", 12, false, OF(AT_US), write_at},
    {"method", "method", 7, false, OF(METHOD), NULL},
    {"status", "status", 7, false, OF(STATUS), write_status},
    {"url", "url", 0, false, OF(COUNT), write_url},
    {"res_len", "size", 7, true, OF(RES_LEN), write_res_len},
    {"time_us", "time", 8, true, OF(TIME_US), write_time},
    {"req_len", "sent", 7, true, OF(REQ_LEN), write_req_len},
    {"first_byte_us", "first", 8, true, OF(FIRST_BYTE_US), write_first_byte},
    {"host", "host", 24, false, OF(HOST), NULL},
    {"path", "path", 0, false, OF(PATH), NULL},
    {"port", "port", 5, true, OF(PORT), NULL},
    {"scheme", "scheme", 6, false, OF(SCHEME), NULL},
    {"type", "type", 24, false, OF(TYPE), NULL},
    {"title", "title", 0, false, OF(TITLE), NULL},
    {"error_text", "error_text", 0, false, OF(ERROR_TEXT), NULL},
    {"note", "note", 20, false, OF(COUNT), write_note},
    {"tags", "tags", 16, false, OF(COUNT), write_tags},
    {"color", "color", 8, false, OF(COUNT), write_color},
};

#define SPECIAL_COUNT (sizeof(special) / sizeof(special[0]))
#define USUAL_COUNT 7

/* Rows for the index's other columns, made at the first use. */
static const struct cli_column *plain_column(enum query_column column)
{
    static struct cli_column plain[QUERY_COLUMN_COUNT];

    plain[column] = (struct cli_column){
        .name = query_column_name(column),
        .heading = query_column_name(column),
        .width = FIXED_WIDTH,
        .is_right = query_column_type(column) == QUERY_COLUMN_INTEGER,
        .column = column,
    };
    return &plain[column];
}

static bool has_special(enum query_column column)
{
    for (size_t i = 0; i < SPECIAL_COUNT; i++) {
        if (special[i].column == column)
            return true;
    }
    return false;
}

static const struct cli_column *find(struct str name, const char **ret_nearest)
{
    struct cli_suggest suggest;

    cli_suggest_init(&suggest, name);
    for (size_t i = 0; i < SPECIAL_COUNT; i++) {
        if (str_eq(name, str_from(special[i].name)))
            return &special[i];
        cli_suggest_try(&suggest, special[i].name);
    }
    for (int i = 0; i < QUERY_COLUMN_COUNT; i++) {
        if (has_special((enum query_column)i))
            continue;
        if (str_eq(name, str_from(query_column_name((enum query_column)i))))
            return plain_column((enum query_column)i);
        cli_suggest_try(&suggest, query_column_name((enum query_column)i));
    }
    *ret_nearest = suggest.best;
    return NULL;
}

void cli_columns_names(char *text, size_t size)
{
    size_t at = 0;

    for (size_t i = 0; i < SPECIAL_COUNT + QUERY_COLUMN_COUNT; i++) {
        const char *name =
            i < SPECIAL_COUNT ? special[i].name : query_column_name((enum query_column)(i - SPECIAL_COUNT));
        int len;

        if (i >= SPECIAL_COUNT && has_special((enum query_column)(i - SPECIAL_COUNT)))
            continue;
        len = snprintf(text + at, size - at, "%s%s", i ? ", " : "", name);
        if (len < 0 || (size_t)len >= size - at)
            return;
        at += (size_t)len;
    }
}

/* ---- Choosing and fitting ---- */

bool cli_columns_choose(struct cli_columns *columns, const char *names, char *problem, size_t problem_size)
{
    struct str rest = str_from(names), name;
    const char *nearest = NULL;
    char safe[80];

    *columns = (struct cli_columns){0};
    if (!names) {
        for (; columns->count < USUAL_COUNT; columns->count++)
            columns->items[columns->count] = &special[columns->count];
        return true;
    }
    do {
        str_cut(rest, ',', &name, &rest);
        name = str_trim(name);
        if (columns->count == CLI_COLUMNS_MAX) {
            snprintf(problem, problem_size, "at most %d columns fit", CLI_COLUMNS_MAX);
            return false;
        }
        columns->items[columns->count] = find(name, &nearest);
        if (!columns->items[columns->count++]) {
            snprintf(problem, problem_size, "there is no column '%s'%s%s%s", log_safe(name, safe, sizeof(safe)),
                     nearest ? "; did you mean '" : "; `sekisho help log` lists them", nearest ? nearest : "",
                     nearest ? "'?" : "");
            return false;
        }
    } while (rest.len);
    return true;
}

void cli_columns_fit(struct cli_columns *columns, unsigned width, bool has_color)
{
    unsigned fixed = 0, flexible = 0, share;

    columns->is_for_person = true;
    columns->has_color = has_color;
    for (size_t i = 0; i < columns->count; i++) {
        columns->widths[i] = columns->items[i]->width;
        fixed += columns->widths[i] + (i > 0);
        flexible += columns->widths[i] == 0;
    }
    if (!flexible)
        return;
    share = width > fixed ? (width - fixed) / flexible : 0;
    for (size_t i = 0; i < columns->count; i++) {
        if (columns->widths[i] == 0)
            columns->widths[i] = share > FLEXIBLE_MIN ? share : FLEXIBLE_MIN;
    }
}

/* ---- Writing ---- */

/* The value as the index has it; times of day as RFC 3339. */
static void write_exact(const struct cli_column *column, const struct store_reader_item *item, struct buf *text)
{
    struct query_column_value value;

    if (column->column == QUERY_COLUMN_COUNT) {
        column->write(item, text);
        return;
    }
    value = query_column_value(&item->facts, column->column);
    if (!value.is_present)
        return;
    if (column->column == QUERY_COLUMN_AT_US) {
        struct jsonout out;

        jsonout_init(&out, text);
        jsonout_time(&out, STR_NONE, value.integer);
    } else if (value.type == QUERY_COLUMN_INTEGER) {
        PUT(text, "%" PRId64, value.integer);
    } else {
        IGNORE(buf_append(text, str_head(value.text, VALUE_BYTES_MAX)));
    }
}

static struct str unquoted(struct str text)
{
    return text.len >= 2 && text.ptr[0] == '"' ? str_skip(str_head(text, text.len - 1), 1) : text;
}

/* SGR parameters (ECMA-48, 8.3.117). */
static const char *color_of(const struct cli_column *column, const struct exchange_facts *facts)
{
    if (column->column == QUERY_COLUMN_AT_US || column->column == QUERY_COLUMN_ID)
        return "2";
    if (column->column != QUERY_COLUMN_STATUS)
        return NULL;
    if (facts->error.len || facts->status >= 500)
        return "31";
    return facts->status >= 400 ? "33" : facts->status >= 300 ? "36" : facts->status >= 200 ? "32" : NULL;
}

static struct err append_value(const struct cli_columns *columns, size_t index, const struct store_reader_item *item,
                               struct buf *line)
{
    const struct cli_column *column = columns->items[index];
    const char *color = columns->has_color ? color_of(column, &item->facts) : NULL;
    char safe[4 * VALUE_BYTES_MAX];
    struct buf text;
    struct err err;

    buf_init(&text, VALUE_BYTES_MAX + 64);
    if (columns->is_for_person && column->write)
        column->write(item, &text);
    else
        write_exact(column, item, &text);
    log_safe(column->column == QUERY_COLUMN_AT_US ? unquoted(buf_str(&text)) : buf_str(&text), safe, sizeof(safe));
    buf_deinit(&text);
    if (!columns->is_for_person)
        return buf_append(line, str_from(safe));
    if (color)
        TRY(buf_format(line, "\x1b[%sm", color));
    err = cli_cells_append(line, str_from(safe), columns->widths[index], column->is_right);
    if (color && !err_is(err))
        err = buf_append(line, STR("\x1b[0m"));
    return err;
}

struct err cli_columns_row(const struct cli_columns *columns, const struct store_reader_item *item, struct buf *line)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0)
            TRY(buf_append_char(line, columns->is_for_person ? ' ' : '\t'));
        TRY(append_value(columns, i, item, line));
    }
    return buf_append_char(line, '\n');
}

struct err cli_columns_heading(const struct cli_columns *columns, struct buf *line)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0)
            TRY(buf_append_char(line, ' '));
        if (columns->has_color)
            TRY(buf_append(line, STR("\x1b[1m")));
        TRY(cli_cells_append(line, str_from(columns->items[i]->heading), columns->widths[i],
                             columns->items[i]->is_right));
        if (columns->has_color)
            TRY(buf_append(line, STR("\x1b[0m")));
    }
    return buf_append_char(line, '\n');
}
