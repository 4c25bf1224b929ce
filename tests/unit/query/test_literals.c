/* Covers query/literals and query/pattern: which texts are taken, and that no exchange which matches lacks them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "query/eval.h"
#include "query/fold.h"
#include "query/literals.h"
#include "query/parse.h"
#include "unit/query/specimen.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { TEXT_BYTES_MAX = 400, ROUNDS = 60000 };

static uint64_t random_state = 88172645463325252u;

static size_t below(size_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (size_t)((random_state * 0x2545f4914f6cdd1du >> 33) % limit);
}

static struct query_tree *parse(struct str text)
{
    struct query_parse_options options = {.now_us = 1};
    struct query_error error;
    struct query_tree *tree = NULL;

    IGNORE(query_parse(text, &options, &tree, &error));
    return tree;
}

/* "heads:abc", "any:abc", "(a AND b)", "all". */
static void write_literals(const struct query_literals *node, struct buf *text)
{
    if (!node) {
        assert_false(err_is(buf_append(text, STR("all"))));
    } else if (node->type == QUERY_LITERALS_ROWS) {
        assert_false(err_is(buf_append(text, STR("rows"))));
    } else if (node->type == QUERY_LITERALS_TEXT) {
        const char *where = node->in_heads ? node->in_bodies ? "any" : "heads" : "bodies";

        assert_true(node->in_heads || node->in_bodies);
        assert_false(err_is(buf_format(text, "%s:%.*s", where, STR_ARG(node->folded))));
    } else {
        const char *joint = node->type == QUERY_LITERALS_AND ? " AND " : " OR ";

        for (size_t i = 0; i < node->child_count; i++) {
            assert_false(err_is(buf_append(text, str_from(i ? joint : "("))));
            write_literals(node->children[i], text);
        }
        assert_false(err_is(buf_append_char(text, ')')));
    }
}

static const char *const cases[][2] = {
    {"Token", "any:token"},
    {"ab", "all"},
    {"\"\xe5\x80\x8b\xe4\xba\xba\"", "any:\xe5\x80\x8b\xe4\xba\xba"},
    {"res.body : \"SECRET\"", "bodies:secret"},
    {"req.body = \"one\"", "(bodies:one)"},
    {"req.body IN (\"one\", \"two\")", "(bodies:one OR bodies:two)"},
    {"req.body IN (\"one\", \"tw\")", "all"},
    {"res.headers : \"nginx\"", "heads:nginx"},
    {"res.header[Server] : \"nginx\"", "(heads:nginx AND heads:server)"},
    {"res.header[ab] : \"nginx\"", "heads:nginx"},
    {"has:note", "all"},
    {"NOT Token", "all"},
    {"host = \"x\" Token", "(any:token)"},
    {"host = \"x\" OR Token", "(rows OR any:token)"},
    {"Token OR NOT (host = \"x\" status = 200)", "(rows OR any:token)"},
    {"host = \"x\" OR status = 200", "all"},
    {"Token OR has:note", "all"},
    {"one two", "(any:one AND any:two)"},
    {"one OR NOT two", "all"},
    {"req.raw : \"token\"", "all"},
    {"req.param[token] = \"value\"", "all"},
    {"res.body =~ /abc.*def/", "(bodies:abc AND bodies:def)"},
    {"res.body =~ /abc|def+g/", "(bodies:abc OR bodies:def)"},
    {"res.body =~ /abc|de/", "all"},
    {"res.body =~ /ABCd?/i", "bodies:abc"},
    {"res.body =~ /abcd?/", "bodies:abc"},
    {"res.body =~ /abcd*x/", "bodies:abc"},
    {"res.body =~ /abcd{0,2}xyz/", "(bodies:abc AND bodies:xyz)"},
    {"res.body =~ /abcd+xyz/", "(bodies:abcd AND bodies:xyz)"},
    {"res.body =~ /(abc)/", "all"},
    {"res.body =~ /(a|b)token[0-9a-f]{8}/", "bodies:token"},
    {"res.body =~ /(?i)token\\d+/", "bodies:token"},
    {"res.body =~ /to(?i)ken/", "all"},
    {"res.body =~ /tok en/x", "all"},
    {"res.body =~ /\\Qtoken\\E/", "all"},
    {"res.body =~ /(*UCP)token/", "all"},
    {"res.body =~ /token(?=abc)/", "bodies:token"},
    {"res.body =~ /token[[:alpha:]]/", "all"},
    {"res.body =~ /a\\.b\\.c/", "bodies:a.b.c"},
    {"res.body =~ /\xe5\x80\x8b?token/", "bodies:token"},
    {"res.body =~ /abc\xc3\xa4"
     "def/",
     "(bodies:abc AND bodies:def)"},
    {"res.body.like:\"%token_x%\"", "bodies:token"},
};

static void literals_are_what_must_stand_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct query_tree *tree = parse(str_from(cases[i][0]));
        struct arena arena;
        struct buf text;

        if (!tree)
            fail_msg("%s does not parse", cases[i][0]);
        arena_init(&arena, 1 << 20);
        buf_init(&text, 4096);
        write_literals(query_literals(tree, &arena), &text);
        assert_false(err_is(buf_append_char(&text, '\0')));
        assert_string_equal(buf_str(&text).ptr, cases[i][1]);
        buf_deinit(&text);
        arena_deinit(&arena);
        query_tree_free(&tree);
    }
}

static const char *const pieces[] = {"abc", "ABC",      "x",        "K",        "\xe2\x84\xaa",
                                     "s",   "\xc5\xbf", "\xc3\xa4", "\xc3\x84", "\xe5\x80\x8b\xe4\xba\xba",
                                     "def", "token",    "-",        " ",        "1",
                                     ".",   "\xff",     "a"};
static const char *const marks[] = {"*",   "+",    "?",     "{2}", "{0,1}", ".", ".*", "(",    ")",
                                    "|",   "[ab]", "[^a]x", "\\d", "\\.",   "^", "$",  "(?i)", "(?=a",
                                    "(?:", "\\w",  "*?",    "++",  "]",     "}", "\\b"};

static void add_text(struct buf *text, size_t piece_max)
{
    for (size_t count = below(piece_max) + 1; count > 0; count--)
        assert_false(err_is(buf_append(text, str_from(pieces[below(COUNT(pieces))]))));
}

static void add_pattern(struct buf *query)
{
    assert_false(err_is(buf_append_char(query, '/')));
    for (size_t count = below(5) + 1; count > 0; count--) {
        add_text(query, 2);
        if (below(2))
            assert_false(err_is(buf_append(query, str_from(marks[below(COUNT(marks))]))));
    }
    assert_false(err_is(buf_append(query, str_from(below(2) ? "/i" : "/"))));
}

static void add_condition(struct buf *query)
{
    static const char *const fields[] = {"res.body",        "req.body",        "res.headers", "req.url",
                                         "res.header[abc]", "req.cookie[abc]", "body",        "header[token]"};
    const char *field = fields[below(COUNT(fields))];

    if (below(4) == 0)
        assert_false(err_is(buf_append(query, STR("NOT "))));
    if (below(3) == 0) {
        assert_false(err_is(buf_format(query, "%s =~ ", field)));
        add_pattern(query);
        return;
    }
    if (below(3))
        assert_false(err_is(buf_format(query, "%s %s ", field, below(3) ? ":" : "=")));
    assert_false(err_is(buf_append_char(query, '"')));
    add_text(query, 2);
    assert_false(err_is(buf_append_char(query, '"')));
}

static void make_query(struct buf *query)
{
    buf_clear(query);
    add_condition(query);
    for (size_t count = below(3); count > 0; count--) {
        assert_false(err_is(buf_append(query, below(2) ? STR(" AND ") : STR(" OR "))));
        add_condition(query);
    }
}

struct random_exchange {
    struct specimen specimen;
    struct buf texts[5]; /* two heads, two bodies, a path */
};

static void make_exchange(struct random_exchange *exchange)
{
    struct specimen *specimen = &exchange->specimen;

    specimen_init(specimen);
    for (size_t i = 0; i < 5; i++)
        buf_clear(&exchange->texts[i]);
    for (size_t side = 0; side < 2; side++) {
        struct buf *head = &exchange->texts[side];

        assert_false(err_is(buf_append(head, STR("GET / HTTP/1.1\r\nabc: "))));
        add_text(head, 3);
        assert_false(err_is(buf_append(head, side ? STR("\r\nSet-Cookie: abc=") : STR("\r\nCookie: x=1; abc="))));
        add_text(head, 2);
        assert_false(err_is(buf_append(head, STR("\r\nTOKEN: "))));
        add_text(head, 1);
        assert_false(err_is(buf_append(head, STR("\r\n\r\n"))));
        add_text(&exchange->texts[2 + side], 4);
        specimen->sent[side] = (struct specimen_message){buf_str(head), buf_str(&exchange->texts[2 + side]), STR_NONE};
    }
    add_text(&exchange->texts[4], 3);
    specimen->facts.scheme = STR("http");
    specimen->facts.host = STR("example.com");
    specimen->facts.path = buf_str(&exchange->texts[4]);
}

static bool holds(const struct random_exchange *exchange, size_t from, size_t count, struct str folded)
{
    for (size_t i = from; i < from + count; i++) {
        if (query_fold_contains(buf_str(&exchange->texts[i]), folded))
            return true;
    }
    return false;
}

static bool is_candidate(const struct random_exchange *exchange, const struct query_literals *node)
{
    bool is_and = node && node->type == QUERY_LITERALS_AND;

    if (!node || node->type == QUERY_LITERALS_ROWS)
        return true;
    if (node->type == QUERY_LITERALS_TEXT) {
        struct buf url;
        bool is_in_url;

        buf_init(&url, TEXT_BYTES_MAX);
        assert_false(err_is(buf_format(&url, "http://example.com%.*s", STR_ARG(exchange->specimen.facts.path))));
        is_in_url = query_fold_contains(buf_str(&url), node->folded);
        buf_deinit(&url);
        return (node->in_heads && (is_in_url || holds(exchange, 0, 2, node->folded))) ||
               (node->in_bodies && holds(exchange, 2, 2, node->folded));
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (is_candidate(exchange, node->children[i]) != is_and)
            return !is_and;
    }
    return is_and;
}

/* Whatever matches is a candidate; and candidates are fewer than exchanges, or nothing would be won. */
static void every_match_holds_its_literals(void **state)
{
    struct random_exchange exchange = {.specimen.ws_count = 0};
    size_t match_count = 0, spared_count = 0, query_count = 0;
    struct buf query;

    (void)state;
    buf_init(&query, 4096);
    for (size_t i = 0; i < 5; i++)
        buf_init(&exchange.texts[i], TEXT_BYTES_MAX);
    for (size_t round = 0; round < ROUNDS; round++) {
        struct query_tree *tree;
        struct arena arena;
        bool is_match = false, is_asked;

        make_query(&query);
        make_exchange(&exchange);
        tree = parse(buf_str(&query));
        if (!tree)
            continue;
        query_count++;
        arena_init(&arena, 1 << 20);
        is_asked = is_candidate(&exchange, query_literals(tree, &arena));
        if (err_is(query_eval(tree, &exchange.specimen.subject, NULL, &is_match)))
            is_match = false;
        if (is_match && !is_asked)
            fail_msg("not a candidate: %.*s", STR_ARG(buf_str(&query)));
        match_count += is_match;
        spared_count += !is_asked;
        arena_deinit(&arena);
        query_tree_free(&tree);
    }
    for (size_t i = 0; i < 5; i++)
        buf_deinit(&exchange.texts[i]);
    buf_deinit(&query);
    assert_true(query_count > ROUNDS / 3 && match_count > ROUNDS / 20 && spared_count > ROUNDS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_what_must_stand_there),
        cmocka_unit_test(every_match_holds_its_literals),
    };

    return cmocka_run_group_tests_name("query/literals", tests, NULL, NULL);
}
