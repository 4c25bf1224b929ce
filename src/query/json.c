#include "query/json.h"

#include "base/utf8.h"

#include <stdio.h>

/* No path to the wanted leaf leads through here. */
#define OFF_PATH SIZE_MAX

struct level {
    bool is_array;
    bool has_key;     /* object: a key was read and its value comes next */
    bool key_is_name; /* what comes next has the wanted key */
    size_t matched;   /* bytes of the wanted path, with the dot after them, that lead to this container, or OFF_PATH */
    size_t next;      /* the same for what comes next */
    bool is_at_path;  /* what comes next has exactly the wanted path */
    size_t index;     /* array */
};

struct scan {
    const struct query_param_visitor *visitor;
    struct str rest;
    size_t depth;
    bool is_over;
    struct level levels[QUERY_JSON_NESTING_MAX];
};

static struct level *top(struct scan *scan) { return scan->depth ? &scan->levels[scan->depth - 1] : NULL; }

static bool take_hex4(struct str *rest, uint32_t *ret_unit)
{
    uint64_t value;

    if (rest->len < 4 || !str_to_u64_hex(str_head(*rest, 4), &value))
        return false;
    *rest = str_skip(*rest, 4);
    *ret_unit = (uint32_t)value;
    return true;
}

/* After "\u": one UTF-16 unit, or a surrogate pair; a lone surrogate becomes U+FFFD. */
static size_t take_unicode(struct str *rest, char bytes[UTF8_BYTES_MAX])
{
    uint32_t unit, low;
    struct str after;

    if (!take_hex4(rest, &unit))
        return utf8_encode(0xfffd, bytes);
    after = str_skip(*rest, 2);
    if (unit >= 0xd800 && unit < 0xdc00 && str_starts(*rest, STR("\\u")) && take_hex4(&after, &low) && low >= 0xdc00 &&
        low < 0xe000) {
        *rest = after;
        return utf8_encode(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), bytes);
    }
    return utf8_encode(unit >= 0xd800 && unit < 0xe000 ? 0xfffd : unit, bytes);
}

static size_t take_escape(struct str *rest, char bytes[UTF8_BYTES_MAX])
{
    static const char letters[] = "bfnrt";
    static const char meant[] = "\b\f\n\r\t";
    char letter = rest->len ? rest->ptr[0] : '\\';
    const char *found = letter ? strchr(letters, letter) : NULL;

    *rest = str_skip(*rest, 1);
    if (letter == 'u')
        return take_unicode(rest, bytes);
    bytes[0] = found ? meant[found - letters] : letter;
    return 1;
}

/* The text of a string without its quotes; only one with escapes is copied. */
static struct err unescape(struct str raw, struct buf *scratch, struct str *ret_text)
{
    *ret_text = raw;
    if (str_find_char(raw, '\\') == STR_ABSENT)
        return OK;
    buf_clear(scratch);
    while (raw.len) {
        struct str plain, after;
        char bytes[UTF8_BYTES_MAX];
        bool is_escape = str_cut(raw, '\\', &plain, &after);

        TRY(buf_append(scratch, plain));
        if (is_escape) {
            size_t len = take_escape(&after, bytes);

            TRY(buf_append(scratch, (struct str){bytes, len}));
        }
        raw = after;
    }
    *ret_text = buf_str(scratch);
    return OK;
}

/* Takes a string, the scan standing on its quote; one without an end runs to the end of the text. */
static struct str take_string(struct scan *scan)
{
    struct str rest = str_skip(scan->rest, 1);
    size_t len = 0;

    while (len < rest.len && rest.ptr[len] != '"')
        len += rest.ptr[len] == '\\' ? 2 : 1;
    scan->rest = str_skip(rest, len + 1);
    return str_head(rest, len);
}

/* A key (or index) was read: how does what comes next relate to the wanted name? */
static void step(struct scan *scan, struct level *level, struct str key)
{
    struct str wanted = scan->visitor->name;
    struct str left;

    level->next = OFF_PATH;
    level->is_at_path = false;
    if (level->matched == OFF_PATH)
        return;
    left = str_skip(wanted, level->matched);
    if (!str_starts(left, key))
        return;
    left = str_skip(left, key.len);
    level->is_at_path = left.len == 0;
    if (str_starts(left, STR(".")))
        level->next = level->matched + key.len + 1;
}

static void step_index(struct scan *scan, struct level *level)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%zu", level->index);

    step(scan, level, (struct str){text, (size_t)len});
}

static struct err open_container(struct scan *scan, bool is_array)
{
    struct level *outer = top(scan);
    struct level *level;

    if (scan->depth >= QUERY_JSON_NESTING_MAX)
        return ERR(ERR_LIMIT, 0, "JSON nested too deep");
    level = &scan->levels[scan->depth++];
    *level = (struct level){.is_array = is_array, .matched = outer ? outer->next : 0, .next = OFF_PATH};
    if (!is_array)
        return OK;
    level->key_is_name = outer && (outer->key_is_name || outer->is_at_path);
    step_index(scan, level);
    return OK;
}

static void end_member(struct scan *scan)
{
    struct level *level = top(scan);

    if (!level)
        return;
    if (level->is_array) {
        level->index++;
        step_index(scan, level);
        return;
    }
    level->has_key = level->key_is_name = level->is_at_path = false;
    level->next = OFF_PATH;
}

static struct err leaf(struct scan *scan, struct str raw)
{
    const struct level *level = top(scan);
    struct str text;

    if (!level || (!level->key_is_name && !level->is_at_path))
        return OK;
    TRY(unescape(raw, scan->visitor->scratch, &text));
    scan->is_over = scan->visitor->on_value(scan->visitor->owner, text);
    return OK;
}

static struct err string_token(struct scan *scan)
{
    struct level *level = top(scan);
    struct str raw = take_string(scan);
    struct str key;

    if (!level || level->is_array || level->has_key)
        return leaf(scan, raw);
    TRY(unescape(raw, scan->visitor->scratch, &key));
    level->has_key = true;
    level->key_is_name = str_eq(key, scan->visitor->name);
    step(scan, level, key);
    return OK;
}

static struct err scalar_token(struct scan *scan)
{
    size_t len = 1;

    while (len < scan->rest.len && !memchr(" \t\r\n,:{}[]\"", scan->rest.ptr[len], 11))
        len++;
    len = len < scan->rest.len ? len : scan->rest.len;
    TRY(leaf(scan, str_head(scan->rest, len)));
    scan->rest = str_skip(scan->rest, len);
    return OK;
}

static struct err mark_token(struct scan *scan)
{
    char mark = scan->rest.ptr[0];

    scan->rest = str_skip(scan->rest, 1);
    if (mark == '{' || mark == '[')
        return open_container(scan, mark == '[');
    if (mark == ',')
        end_member(scan);
    else if (mark == '}' || mark == ']')
        scan->depth -= scan->depth ? 1 : 0;
    return OK;
}

struct err query_json_leaves(const struct query_param_visitor *visitor, struct str text, bool *ret_is_over)
{
    struct scan scan = {.visitor = visitor, .rest = text};

    while (scan.rest.len && !scan.is_over) {
        char c = scan.rest.ptr[0];

        if (c == '"')
            TRY(string_token(&scan));
        else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ':')
            scan.rest = str_skip(scan.rest, 1);
        else if (c == '{' || c == '}' || c == '[' || c == ']' || c == ',')
            TRY(mark_token(&scan));
        else
            TRY(scalar_token(&scan));
    }
    *ret_is_over = scan.is_over;
    return OK;
}
