#include "query/pattern.h"

#include "base/utf8.h"
#include "query/fold.h"

/* Of one alternative, and how many of these. */
#define TEXTS_MAX 8
#define ALTERNATIVES_MAX 32
/* Code points in here have no case, for folding as for PCRE2: kana, han and what lies between. */
#define CASELESS_FIRST 0x3000
#define CASELESS_LAST 0x9fff

struct scan {
    struct str rest;
    struct arena *arena;
    char *run; /* ordinary characters that follow one another; room for the whole pattern */
    size_t run_len, last_len;
    struct query_literals *texts[TEXTS_MAX];
    size_t text_count;
    struct query_literals *alternatives[ALTERNATIVES_MAX];
    size_t alternative_count;
};

static struct query_literals *group(struct arena *arena, enum query_literals_type type, struct query_literals **members,
                                    size_t count)
{
    struct query_literals *node;

    if (count == 1)
        return members[0];
    node = arena_zalloc(arena, sizeof(*node));
    if (!node)
        return NULL;
    node->type = type;
    node->children = arena_alloc(arena, count * sizeof(*members));
    if (!node->children)
        return NULL;
    memcpy(node->children, members, count * sizeof(*members));
    node->child_count = count;
    return node;
}

/* The run is over; what comes does not follow it closely. */
static bool end_run(struct scan *scan)
{
    struct query_literals *text;
    char *folded;

    if (scan->run_len >= QUERY_LITERALS_LEN_MIN && scan->text_count < TEXTS_MAX) {
        text = arena_zalloc(scan->arena, sizeof(*text));
        folded = arena_alloc(scan->arena, query_fold_max_len(scan->run_len));
        if (!text || !folded)
            return false;
        text->folded = (struct str){folded, query_fold((struct str){scan->run, scan->run_len}, folded)};
        scan->texts[scan->text_count++] = text;
    }
    scan->run_len = scan->last_len = 0;
    return true;
}

/* The last character may be absent. */
static bool end_run_before_last(struct scan *scan)
{
    scan->run_len -= scan->last_len;
    return end_run(scan);
}

static bool end_alternative(struct scan *scan)
{
    struct query_literals *node;

    if (!end_run(scan) || scan->text_count == 0 || scan->alternative_count == ALTERNATIVES_MAX)
        return false;
    node = group(scan->arena, QUERY_LITERALS_AND, scan->texts, scan->text_count);
    if (!node)
        return false;
    scan->alternatives[scan->alternative_count++] = node;
    scan->text_count = 0;
    return true;
}

static void skip(struct scan *scan, size_t len) { scan->rest = str_skip(scan->rest, len); }

static char next_char(const struct scan *scan, size_t at) { return at < scan->rest.len ? scan->rest.ptr[at] : '\0'; }

static bool is_one_of(char c, const char *chars) { return c && strchr(chars, c); }

/* Takes `len` bytes as an ordinary character. */
static bool take_literal(struct scan *scan, size_t len)
{
    memcpy(scan->run + scan->run_len, scan->rest.ptr, len);
    scan->run_len += len;
    scan->last_len = len;
    skip(scan, len);
    return true;
}

static bool take_char(struct scan *scan)
{
    uint32_t point;
    size_t len;

    if ((unsigned char)scan->rest.ptr[0] < 0x80)
        return take_literal(scan, 1);
    len = utf8_decode(scan->rest, &point);
    if (len == 0)
        return false;
    if (point >= CASELESS_FIRST && point <= CASELESS_LAST)
        return take_literal(scan, len);
    skip(scan, len);
    return end_run(scan);
}

/* A class of characters, behind its '['. */
static bool skip_class(struct scan *scan)
{
    skip(scan, next_char(scan, 0) == '^');
    skip(scan, next_char(scan, 0) == ']');
    while (scan->rest.len && scan->rest.ptr[0] != ']') {
        bool is_escape = scan->rest.ptr[0] == '\\';

        /* [:alpha:], \Q..\E and \c] have rules of their own. */
        if (scan->rest.ptr[0] == '[' || (is_escape && is_one_of(next_char(scan, 1), "QEc")))
            return false;
        skip(scan, is_escape ? 2 : 1);
    }
    skip(scan, 1);
    return true;
}

/* At a '(': whether it is a plain group, or one that looks ahead or behind. */
static bool is_plain_group(const struct scan *scan)
{
    if (next_char(scan, 1) == '*')
        return false;
    if (next_char(scan, 1) != '?')
        return true;
    return is_one_of(next_char(scan, 2), ":=!") || (next_char(scan, 2) == '<' && is_one_of(next_char(scan, 3), "=!"));
}

/* Nothing in a group is certain: it may be an alternative, or repeated no time. */
static bool skip_group(struct scan *scan)
{
    size_t depth = 0;

    do {
        char c = scan->rest.ptr[0];

        if (c == '\\' && is_one_of(next_char(scan, 1), "QEc"))
            return false;
        if (c == '(' && !is_plain_group(scan))
            return false;
        depth += c == '(';
        depth -= c == ')';
        skip(scan, c == '\\' ? 2 : 1);
        if (c == '[' && !skip_class(scan))
            return false;
    } while (depth > 0 && scan->rest.len);
    return depth == 0;
}

static bool take_escape(struct scan *scan)
{
    char c = next_char(scan, 1), lower = str_fold_char(c);
    bool is_word = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 || c == '\0';

    if (!is_word) {
        skip(scan, 1);
        return take_literal(scan, 1);
    }
    skip(scan, 2);
    return is_one_of(c, "wWdDsSbBAzZhHvVRnrtf") && end_run(scan);
}

/* {2}, {2,3}: what it repeats may be absent.  A brace that repeats nothing only ends the run too early. */
static bool take_braces(struct scan *scan)
{
    size_t end = str_find_char(scan->rest, '}');

    if (end == STR_ABSENT)
        return false;
    skip(scan, end + 1);
    return end_run_before_last(scan);
}

/* Takes one piece of the pattern; false when it is not understood. */
static bool take_piece(struct scan *scan)
{
    switch (scan->rest.ptr[0]) {
    case '\\':
        return take_escape(scan);
    case '[':
        skip(scan, 1);
        return skip_class(scan) && end_run(scan);
    case '(':
        return skip_group(scan) && end_run(scan);
    case ')':
        return false;
    case '{':
        return take_braces(scan);
    case '*':
    case '?':
        skip(scan, 1);
        return end_run_before_last(scan);
    case '|':
        skip(scan, 1);
        return end_alternative(scan);
    case '+':
    case '.':
    case '^':
    case '$':
        skip(scan, 1);
        return end_run(scan);
    default:
        return take_char(scan);
    }
}

/* "(?i)" and the like, at the beginning. */
static void skip_flags(struct scan *scan)
{
    size_t len = 2;

    if (!str_starts(scan->rest, STR("(?")))
        return;
    while (is_one_of(next_char(scan, len), "ims"))
        len++;
    if (next_char(scan, len) == ')')
        skip(scan, len + 1);
}

struct query_literals *query_pattern_literals(struct str pattern, struct arena *arena)
{
    struct scan scan = {.rest = pattern, .arena = arena};

    scan.run = arena_alloc(arena, pattern.len + 1);
    if (!scan.run)
        return NULL;
    skip_flags(&scan);
    while (scan.rest.len) {
        if (!take_piece(&scan))
            return NULL;
    }
    if (!end_alternative(&scan))
        return NULL;
    return group(arena, QUERY_LITERALS_OR, scan.alternatives, scan.alternative_count);
}
