/* Covers query/parse with lexer, literal, compare, predicate and parser: what a text means, what is wrong with it and
 * where, and the limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dump.h"
#include "query/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 2026-11-22T10:06:40Z, in a zone two hours east. */
static const struct query_parse_options options = {.now_us = 1795342000000000, .utc_offset_s = 7200};

struct meaning {
    const char *text;
    const char *tree;
};

static void check_meaning(const struct meaning *meaning)
{
    struct query_tree *tree = NULL;
    struct query_error error = {0};
    struct buf out;
    struct err failure = query_parse(str_from(meaning->text), &options, &tree, &error);

    if (err_is(failure))
        fail_msg("%s: %s at %zu", meaning->text, error.message, error.position);
    buf_init(&out, 1 << 20);
    if (tree->root)
        dump_node(&out, tree->root);
    IGNORE(buf_append_char(&out, '\0'));
    if (strcmp(buf_str(&out).ptr, meaning->tree) != 0)
        fail_msg("%s\n  means    %s\n  expected %s", meaning->text, buf_str(&out).ptr, meaning->tree);
    buf_deinit(&out);
    query_tree_free(&tree);
    assert_null(tree);
}

static void check_meanings(const struct meaning *meanings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_meaning(&meanings[i]);
}

static void query_parse_follows_the_grammar(void **state)
{
    static const struct meaning meanings[] = {
        {"", ""},
        {"  \n // nothing\n", ""},
        {"method = GET", "req.method='GET'"},
        {"method=GET", "req.method='GET'"},
        {"method = GET AND status = 200", "and(req.method='GET' res.status=200)"},
        {"method = GET status = 200", "and(req.method='GET' res.status=200)"},
        {"method = GET status = 200 OR port = 80", "or(req.port=80 and(req.method='GET' res.status=200))"},
        {"id = 1 OR id = 2 id = 3", "or(id=1 and(id=2 id=3))"},
        {"(id = 1 OR id = 2) id = 3", "and(id=3 or(id=1 id=2))"},
        {"NOT id = 1 id = 2", "and(not(id=1) id=2)"},
        {"not not id = 1", "not(not(id=1))"},
        {"NOT (id = 1 OR id = 2)", "not(or(id=1 id=2))"},
        {"id=1 or id=2 and id=3 Or id=4", "or(id=1 id=4 and(id=2 id=3))"},
        {"id != 1", "not(id=1)"},
        {"status >= 400 status < 500", "and(res.status>=400 res.status<500)"},
        {"id<1 id<=2 id>3 id>=4", "and(id<1 id<=2 id>3 id>=4)"},
        {"path : Admin", "req.path:'admin'"},
        {"path !: Admin", "not(req.path:'admin')"},
        {"path =~ /^\\/a(b|c)/i", "req.path=~/^\\/a(b|c)/"},
        {"path =~ ^/api", "req.path=~/^/api/"},
        {"path !~ \"\\d+\\\"x\"", "not(req.path=~/\\d+\"x/)"},
        {"host IN (a, B.example ,\"c d\")", "req.host='a','b.example','c d'"},
        {"status in(200,404)", "res.status=200,404"},
        {"id = 1 // first\nid = 2 // second", "and(id=1 id=2)"},
        {"\"two words\" three", "and(\"two words\" \"three\")"},
        {"secret", "\"secret\""},
        {"host:example.com:8080", "req.host:'example.com:8080'"},
        {"client.ip = ::1", "client.ip='::1'"},
        {"NOT secret", "not(\"secret\")"},
        {"a[0] x", "and(\"a[0]\" \"x\")"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_reads_urls_as_one_word(void **state)
{
    static const struct meaning meanings[] = {
        {"https://example.com/", "\"https://example.com/\""},
        {"NOT https://[::1]:8443/a?b=c!=d id = 1", "and(id=1 not(\"https://[::1]:8443/a?b=c!=d\"))"},
        {"url:https://example.com/a?b=c&d=e", "req.url:'https://example.com/a?b=c&d=e'"},
        {"url = http://[::1]:8080/x", "req.url='http://[::1]:8080/x'"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_knows_escapes(void **state)
{
    static const struct meaning meanings[] = {
        {"note = \"a\\\"b\\\\c\"", "note='a\"b\\c'"},
        {"note = \"\\n\\t\\r\\x00\"", "note='\\x0A\\x09\\x0D\\x00'"},
        {"note = \"\\u{e9}\\u{3042}\\u{1F600}\"", "note='\xc3\xa9\xe3\x81\x82\xf0\x9f\x98\x80'"},
        {"note = \"\"", "note=''"},
        {"note : \"\xc3\x84\xe2\x84\xaa\"", "note:'\xc3\xa4k'"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_reads_typed_values(void **state)
{
    static const struct meaning meanings[] = {
        {"res.len > 10kb", "res.len>10000"},
        {"res.len > 1.5MB", "res.len>1500000"},
        {"res.len > 1KiB", "res.len>1024"},
        {"res.len = 0", "res.len=0"},
        {"res.len IN (1, 2b, 1gib)", "res.len=1,2,1073741824"},
        {"time > 500ms", "time>500000"},
        {"time > 1.5s", "time>1500000"},
        {"time.first < 2m", "time.first<120000000"},
        {"time:250us", "time=250"},
        {"id > -5", "id>-5"},
        {"status:404", "res.status=404"},
        {"status !: 404", "not(res.status=404)"},
        {"res.complete = false", "res.complete=0"},
        {"req.complete = Yes", "req.complete=1"},
        {"at > 2026-11-22T10:06:40Z", "at>1795342000000000"},
        {"at > \"2026-11-22T12:06:40.5+02:00\"", "at>1795342000500000"},
        {"at >= 2026-11-22T12:06", "at>=1795341960000000"},
        {"at > -10m", "at>1795341400000000"},
        {"at < +1h", "at<1795345600000000"},
        {"at = now", "at=1795342000000000..1795342000000001"},
        {"at = today", "at=1795298400000000..1795384800000000"},
        {"at : yesterday", "at=1795212000000000..1795298400000000"},
        {"at != 2026-11-22", "not(at=1795298400000000..1795384800000000)"},
        {"at >= 2024-02-29", "at>=1709157600000000"},
        {"at >= 1970-01-01T00:00:00Z", "at>=0"},
        {"at >= 0001-01-01T00:00:00Z", "at>=-62135596800000000"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_knows_names_aliases_and_short_names(void **state)
{
    static const struct meaning meanings[] = {
        {"req.id = 1", "id=1"},
        {"REQ.Method = GET", "req.method='GET'"},
        {"res.code = 1 res.statusCode = 2 resp.code = 3 code = 4",
         "and(res.status=1 res.status=2 res.status=3 res.status=4)"},
        {"res.statusReason = OK", "res.reason='OK'"},
        {"req.timestamp > -1d", "at>1795255600000000"},
        {"request.host = a response.type = b/c", "and(req.host='a' res.type='b/c')"},
        {"req_len > 1 client_proto = x", "and(req.len>1 req.proto='x')"},
        {"req.header[X-A] = 1", "req.header[X-A]='1'"},
        {"req.header[\"X A\"] = 1", "req.header[X A]='1'"},
        {"header[ x ] : y", "or(req.header[x]:'y' res.header[x]:'y')"},
        {"header[x] != y", "not(or(req.header[x]='y' res.header[x]='y'))"},
        {"body : x", "or(req.body:'x' res.body:'x')"},
        {"tls.version = TLSv1.0", "or(client.tls.version='TLSv1.0' origin.tls.version='TLSv1.0')"},
        {"tls.ja4 = a tls.verify = b", "and(client.tls.ja4='a' origin.tls.verify='b')"},
        {"orig.req.method = GET", "orig.req.method='GET'"},
        {"orig.res.body : x", "orig.res.body:'x'"},
        {"orig.req.header[a].cont:\"b\"", "orig.req.header[a]:'b'"},
        {"req.param[user.name] = x", "req.param[user.name]='x'"},
        {"cookie[sid] = x", "or(req.cookie[sid]='x' res.cookie[sid]='x')"},
        {"host = EXAMPLE.com type = Text/HTML", "and(req.host='example.com' res.type='text/html')"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_knows_the_dotted_style(void **state)
{
    static const struct meaning meanings[] = {
        {"req.method.eq:\"POST\"", "req.method='POST'"},
        {"req.method.ne:\"POST\"", "not(req.method='POST')"},
        {"resp.code.gte:400 and resp.code.lt:500", "and(res.status>=400 res.status<500)"},
        {"req.host.cont:\"x\" or req.host.ncont:\"Y\"", "or(req.host:'x' not(req.host:'y'))"},
        {"resp.body.regex:/a\\/b/", "res.body=~/a\\/b/"},
        {"resp.raw.nregex:\"a.b\"", "not(res.raw=~/a.b/)"},
        {"req.header[\"X\"].cont:\"y\"", "req.header[X]:'y'"},
        {"req.path.like:\"/a%_.js\"", "req.path=~/(?si)\\A\\/a.*.\\.js\\z/"},
        {"req.path.nlike:\"a\"", "not(req.path=~/(?si)\\Aa\\z/)"},
        {"req.port.gt:80 req.port.lte:90", "and(req.port>80 req.port<=90)"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_knows_predicates(void **state)
{
    static const struct meaning meanings[] = {
        {"in:scope", "scope"},
        {"NOT in:Scope", "not(scope)"},
        {"is:websocket is:tunnel", "and(kind='websocket' kind='tunnel')"},
        {"IS:HTTPS", "req.scheme='https'"},
        {"is:tls", "or(client.tls.version? origin.tls.version?)"},
        {"is:edited", "flag='edited'"},
        {"is:complete is:incomplete", "and(res.complete=1 res.complete=0)"},
        {"has:response has:error", "and(res.status? error?)"},
        {"has:body", "or(req.body.len>0 res.body.len>0)"},
        {"has:header[x]", "or(req.header[x]? res.header[x]?)"},
        {"has:tls.sni", "or(client.tls.sni? origin.tls.sni?)"},
        {"from:sender OR from:proxy", "or(source='sender' source='proxy')"},
        {"from : import", "source='import'"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

static void query_parse_puts_cheap_conditions_first(void **state)
{
    static const struct meaning meanings[] = {
        {"res.body : x req.header[a] = b host = c", "and(req.host='c' req.header[a]='b' res.body:'x')"},
        {"x OR id = 1", "or(id=1 \"x\")"},
        {"path =~ /a/ path : b", "and(req.path:'b' req.path=~/a/)"},
    };

    (void)state;
    check_meanings(meanings, COUNT(meanings));
}

struct mistake {
    const char *text;
    size_t position;
    unsigned line, column;
    const char *message; /* a part of it */
    const char *suggestion;
};

static void check_mistake(const struct mistake *mistake)
{
    struct query_tree *tree = NULL;
    struct query_error error = {0};
    struct err failure = query_parse(str_from(mistake->text), &options, &tree, &error);

    if (failure.code != ERR_SYNTAX)
        fail_msg("%s: no syntax error", mistake->text);
    assert_null(tree);
    if (error.position != mistake->position || error.line != mistake->line || error.column != mistake->column)
        fail_msg("%s: %s: at %zu, %u:%u", mistake->text, error.message, error.position, error.line, error.column);
    if (!strstr(error.message, mistake->message))
        fail_msg("%s: message is '%s'", mistake->text, error.message);
    if (strcmp(error.suggestion, mistake->suggestion) != 0)
        fail_msg("%s: suggestion is '%s'", mistake->text, error.suggestion);
    assert_true(error.position + error.len <= strlen(mistake->text));
}

/* LIMIT: a table */
static void query_parse_says_what_is_wrong_and_where(void **state)
{
    static const struct mistake mistakes[] = {
        {"hots = a", 0, 1, 1, "no field hots", "host"},
        {"id = 1\nAND req.metod = a", 11, 2, 5, "nearest is req.method", "req.method"},
        {"\"\xe3\x81\x82\" res.stauts = 1", 6, 1, 5, "no field res.stauts", "res.status"},
        {"resp.cdoe = 1", 0, 1, 1, "no field resp.cdoe", "res.code"},
        {"qqqqqqqqqqqq = 1", 0, 1, 1, "put it in quotes", ""},
        {"orig.req.host = a", 0, 1, 1, "no original form", "req.host"},
        {"req.method.foo:x", 0, 1, 1, "no field req.method.foo", "req.method"},
        {"req.header = a", 0, 1, 1, "needs a name", "req.header[name]"},
        {"req.header[] = a", 0, 1, 1, "empty", "req.header[name]"},
        {"host[a] = b", 0, 1, 1, "takes no name", "req.host"},
        {"req.header[a]x = b", 13, 1, 14, "brackets", ""},
        {"status = abc", 9, 1, 10, "res.status is an integer, and abc is not", "200"},
        {"status = \"200\"", 9, 1, 10, "an integer", "200"},
        {"status > 10kb", 9, 1, 10, "an integer", "200"},
        {"status = 99999999999999999999", 9, 1, 10, "an integer", "200"},
        {"res.len > 5s", 10, 1, 11, "a size, and 5s", "10kb"},
        {"res.len > big", 10, 1, 11, "a size", "10kb"},
        {"time > 500", 7, 1, 8, "a duration", "500ms"},
        {"time > 10kb", 7, 1, 8, "a duration", "500ms"},
        {"at > 2026-02-30", 5, 1, 6, "a time", "2026-01-31"},
        {"at > soon", 5, 1, 6, "a time", "2026-01-31"},
        {"res.complete = 2", 15, 1, 16, "true or false", "true"},
        {"res.complete > true", 13, 1, 14, "no order", "="},
        {"path = 10kb", 7, 1, 8, "a measure", "\"10kb\""},
        {"host : 5s", 7, 1, 8, "a measure", "\"5s\""},
        {"status =~ /2../", 7, 1, 8, "only text can match", "="},
        {"path =~ /a(b/", 12, 1, 13, "missing closing parenthesis", ""},
        {"path =~ \"[z-a]\"", 12, 1, 13, "range out of order", ""},
        {"path =~ /a/q", 11, 1, 12, "flags i, m, s and x", ""},
        {"path =~ /abc", 8, 1, 9, "closing /", ""},
        {"note = \"abc", 7, 1, 8, "closing quote", ""},
        {"note = \"a\\q\"", 9, 1, 10, "no such escape", "\\\\"},
        {"note = \"\\x1\"", 8, 1, 9, "hexadecimal", "\\x00"},
        {"note = \"\\u{d800}\"", 8, 1, 9, "code point", "\\u{3042}"},
        {"(id = 1", 0, 1, 1, "not closed", ""},
        {"id = 1)", 6, 1, 7, "closes nothing", ""},
        {"()", 1, 1, 2, "condition is missing", ""},
        {"id =", 4, 1, 5, "value is missing", ""},
        {"= 1", 0, 1, 1, "field must stand before =", ""},
        {"id == 1", 4, 1, 5, "an integer, and =", "200"},
        {"AND id = 1", 0, 1, 1, "missing before AND", ""},
        {"id = 1 AND", 10, 1, 11, "condition is missing", ""},
        {"id = 1 OR OR id = 2", 10, 1, 11, "missing before OR", ""},
        {"NOT", 3, 1, 4, "condition is missing", ""},
        {"id = 1 && id = 2", 7, 1, 8, "missing before &&", "AND"},
        {"id IN (1, 2", 11, 1, 12, "closing parenthesis of the list", ""},
        {"id IN ()", 7, 1, 8, "value is missing", ""},
        {"id IN (1 2)", 9, 1, 10, "comma", ""},
        {"a, b", 1, 1, 2, "lists only", ""},
        {"is:tunel", 3, 1, 4, "takes one of websocket, tunnel", "tunnel"},
        {"is:", 3, 1, 4, "a word must follow is:", ""},
        {"in:scop", 3, 1, 4, "takes one of scope", "scope"},
        {"has:hots", 4, 1, 5, "no field hots", "host"},
        {"is:tls = 1", 7, 1, 8, "predicate", ""},
        {"id = 1 \x01", 7, 1, 8, "control character", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++)
        check_mistake(&mistakes[i]);
}

/* ERR_NONE for a text that parses. */
static enum err_code code_of(struct buf *text, struct query_error *ret_error)
{
    struct query_tree *tree = NULL;
    struct err failure = query_parse(buf_str(text), &options, &tree, ret_error);

    query_tree_free(&tree);
    return failure.code;
}

static void repeat(struct buf *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_false(err_is(buf_append(text, str_from(part))));
}

static enum err_code code_of_repeated(const char *first, const char *middle, size_t count, const char *last,
                                      const char *end)
{
    struct query_error error;
    struct buf text;
    enum err_code code;

    buf_init(&text, 4 << 20);
    repeat(&text, first, 1);
    repeat(&text, middle, count);
    repeat(&text, last, 1);
    repeat(&text, end, strlen(end) ? count : 0);
    code = code_of(&text, &error);
    buf_deinit(&text);
    return code;
}

static void query_parse_limits_nesting(void **state)
{
    (void)state;
    for (int step = -1; step <= 1; step++) {
        size_t count = (size_t)(QUERY_PARSE_NESTING_MAX + step);
        enum err_code expected = step > 0 ? ERR_LIMIT : ERR_NONE;

        assert_int_equal(code_of_repeated("", "(", count, "id=1", ")"), expected);
        assert_int_equal(code_of_repeated("", "NOT ", count, "id=1", ""), expected);
    }
    assert_int_equal(code_of_repeated("", "(", 10000, "id=1", ")"), ERR_LIMIT);
    /* Side by side is not in one another. */
    assert_int_equal(code_of_repeated("id=1 ", "(id=1) NOT id=2 ", 200, "", ""), ERR_NONE);
}

static void query_parse_limits_conditions(void **state)
{
    (void)state;
    /* One AND and so many comparisons. */
    for (int step = -1; step <= 1; step++) {
        size_t count = (size_t)(QUERY_PARSE_NODES_MAX - 1 + step);

        assert_int_equal(code_of_repeated("", "id=1 ", count, "", ""), step > 0 ? ERR_LIMIT : ERR_NONE);
    }
}

static void query_parse_limits_lists(void **state)
{
    (void)state;
    for (int step = -1; step <= 1; step++) {
        size_t count = (size_t)(QUERY_PARSE_LIST_MAX - 1 + step);

        assert_int_equal(code_of_repeated("id IN (", "7,", count, "7)", ""), step > 0 ? ERR_LIMIT : ERR_NONE);
    }
}

static void query_parse_limits_regexes(void **state)
{
    (void)state;
    for (int step = -1; step <= 1; step++) {
        size_t count = (size_t)(QUERY_PARSE_REGEXES_MAX + step);

        assert_int_equal(code_of_repeated("", "path=~/a/ ", count, "", ""), step > 0 ? ERR_LIMIT : ERR_NONE);
    }
}

static void query_parse_limits_text(void **state)
{
    (void)state;
    for (int step = -1; step <= 1; step++) {
        size_t count = (size_t)(QUERY_PARSE_TEXT_BYTES_MAX - 1 + step);

        assert_int_equal(code_of_repeated("a", "b", count, "", ""), step > 0 ? ERR_LIMIT : ERR_NONE);
    }
    assert_int_equal(code_of_repeated("", "a", 1 << 20, "", ""), ERR_LIMIT);
}

static void query_parse_survives_what_people_paste(void **state)
{
    static const char *const texts[] = {
        "' OR 1=1 --",
        "\"; DROP TABLE exchange; --\"",
        "% _ * NEAR(a b)",
        "\"unbalanced",
        "\\",
        "[[[[[[[[",
        "a[",
        "]]]",
        "=~=~=~",
        "!!!",
        "///",
        "path =~ //",
        "path =~ /(a+)+$/",
        "path =~ /(.*){1,32000}/",
        "path =~ /\\1/",
        "path =~ /(?C1)/",
        "path =~ /(*UTF)a/",
        "raw =~ /(*UTF)a/",
        "path =~ /\\C/",
        "\xff\xfe",
        "host = \xff",
    };
    static const char nul[] = "note = \"a\0b\" path : c\0d";
    struct query_error error;
    struct buf text;

    (void)state;
    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < COUNT(texts); i++) {
        buf_clear(&text);
        repeat(&text, texts[i], 1);
        error = (struct query_error){.position = SIZE_MAX};
        if (code_of(&text, &error) != ERR_NONE) {
            assert_true(error.position <= strlen(texts[i]));
            assert_true(error.line == 1 && error.column >= 1);
            assert_true(error.message[0]);
        }
    }
    buf_clear(&text);
    assert_false(err_is(buf_append(&text, (struct str){nul, sizeof(nul) - 1})));
    assert_int_equal(code_of(&text, &error), ERR_SYNTAX);
    assert_int_equal(error.position, 21);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_parse_follows_the_grammar),
        cmocka_unit_test(query_parse_reads_urls_as_one_word),
        cmocka_unit_test(query_parse_knows_escapes),
        cmocka_unit_test(query_parse_reads_typed_values),
        cmocka_unit_test(query_parse_knows_names_aliases_and_short_names),
        cmocka_unit_test(query_parse_knows_the_dotted_style),
        cmocka_unit_test(query_parse_knows_predicates),
        cmocka_unit_test(query_parse_puts_cheap_conditions_first),
        cmocka_unit_test(query_parse_says_what_is_wrong_and_where),
        cmocka_unit_test(query_parse_limits_nesting),
        cmocka_unit_test(query_parse_limits_conditions),
        cmocka_unit_test(query_parse_limits_lists),
        cmocka_unit_test(query_parse_limits_regexes),
        cmocka_unit_test(query_parse_limits_text),
        cmocka_unit_test(query_parse_survives_what_people_paste),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
