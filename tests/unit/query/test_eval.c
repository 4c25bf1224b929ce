/* Covers query/eval with head, param and json: what matches, absence, limits, and what is asked of a subject. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "query/eval.h"
#include "query/parse.h"
#include "specimen_post.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct query_parse_options options = {.now_us = 1795342000000000};

static struct query_tree *parse(const char *text)
{
    struct query_tree *tree = NULL;
    struct query_error error = {0};
    struct err failure = query_parse(str_from(text), &options, &tree, &error);

    if (err_is(failure))
        fail_msg("%s: %s at %zu", text, error.message, error.position);
    return tree;
}

static bool matches(struct specimen *specimen, const char *text)
{
    struct query_tree *tree = parse(text);
    bool is_match = false;
    struct err failure = query_eval(tree, &specimen->subject, NULL, &is_match);

    if (err_is(failure))
        fail_msg("%s: %s", text, failure.what);
    query_tree_free(&tree);
    return is_match;
}

static void check_all(struct specimen *specimen, const char *const *texts, size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(specimen, texts[i]) != expected)
            fail_msg("%s should %smatch", texts[i], expected ? "" : "not ");
    }
}

#define CHECK_MATCH(specimen, ...)                                                                                     \
    do {                                                                                                               \
        static const char *const texts_[] = {__VA_ARGS__};                                                             \
        check_all(specimen, texts_, COUNT(texts_), true);                                                              \
    } while (0)
#define CHECK_NO_MATCH(specimen, ...)                                                                                  \
    do {                                                                                                               \
        static const char *const texts_[] = {__VA_ARGS__};                                                             \
        check_all(specimen, texts_, COUNT(texts_), false);                                                             \
    } while (0)

static void query_eval_compares_columns(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    CHECK_MATCH(&specimen, "", "id = 7", "method = POST", "method : os", "host = SHOP.example", "host : OP.EX",
                "path = /Cart/add.php", "path : cart", "path =~ /^\\/cart/i", "ext = php", "status = 201",
                "status >= 201 status <= 201 status < 202 status > 200", "status IN (200, 201)", "status : 201",
                "port = 8443", "res.len > 8kb", "req.len = 300", "req.body.len = 60", "time = 750ms", "time > 0.5s",
                "time.first < 50ms", "at = 2026-11-22", "at >= today", "at = 2026-11-22T10:06:40Z",
                "req.proto = HTTP/2", "res.proto = HTTP/1.1", "proto = HTTP/2", "client.ip = 127.0.0.1",
                "origin.ip : 2001:", "tls.version = TLSv1.2", "tls.version = TLSv1.3", "client.tls.version = TLSv1.3",
                "tls.sni = shop.EXAMPLE", "tls.verify = expired", "flag = edited", "flag = truncated", "flag : TRUNC",
                "flag IN (x, edited)", "error = reset", "error.text : ORIGIN",
                "title = \"\xe3\x82\xab\xe3\x83\xbc\xe3\x83\x88\"", "req.complete = true", "res.complete = false",
                "method > PAST", "method < POSTS", "kind = http", "source = proxy", "project = default");
    CHECK_NO_MATCH(&specimen, "id = 8", "method = post", "host = shop", "path = /cart/add.php", "path =~ /^\\/cart/",
                   "status != 201", "status < 201", "flag = edit", "flag = \"edited,truncated\"", "flag : \"d,t\"",
                   "at < today", "at != today", "at = yesterday", "tls.version = TLSv1.1", "error = RESET", "title = x",
                   "method < POST", "method > POST", "project = other");
}

static void query_eval_treats_absence_as_no(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_init(&specimen);
    CHECK_NO_MATCH(&specimen, "id = 0", "status = 0", "status < 500", "res.len < 1mb", "time < 1s", "host = \"\"",
                   "host : \"\"", "host < z", "path =~ /.*/", "req.header[a] : \"\"", "res.body : \"\"", "raw : \"\"",
                   "note : \"\"", "tag : \"\"", "ws.count >= 0", "ws.text : a", "req.param[a] : \"\"",
                   "req.cookie[a] : \"\"", "url : \"\"", "has:response", "has:error", "has:body", "has:host", "secret",
                   "orig.req.method : \"\"", "in:scope", "res.complete = false", "project = a");
    CHECK_MATCH(&specimen, "status != 200", "NOT status = 200", "host !: a", "host !~ /a/", "res.body !: x",
                "NOT has:response", "NOT (status = 1 OR host = a)", "source = proxy", "kind = http");
}

static void query_eval_reads_heads(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    CHECK_MATCH(&specimen, "req.header[x-TWICE] = one", "req.header[X-Twice] = two", "header[x-twice] : TW",
                "req.header[x-empty] = \"\"", "has:req.header[x-empty]", "req.header[x-fold] =~ /^a\\s+b$/",
                "req.headers = \"X-Twice: one\"", "req.headers =~ /^Host: /", "req.headers = \"not a field\"",
                "res.headers : set-cookie", "req.cookie[sid] = abc", "req.cookie[sid] = second", "cookie[theme] = dark",
                "res.cookie[token] = t0", "cookie[b] = 2", "res.header[content-type] : UTF-8",
                "header[host] = shop.example");
    CHECK_NO_MATCH(&specimen, "req.header[x-twice] = three", "req.header[x-twice] != one", "req.header[missing] : \"\"",
                   "res.header[x-twice] = one", "req.cookie[Sid] = abc", "res.cookie[path] = /",
                   "res.cookie[sid] = abc", "has:req.header[nothing]", "req.headers : POST");
}

static void query_eval_reads_parameters(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    CHECK_MATCH(&specimen, "req.param[item] = \"Blue Shoe\"", "param[item] = 2", "param[q] = \"a b\"", "param[id] = 17",
                "param[user.id] = 17", "param[user.name] = \"J\xc3\xbcrgen\"", "param[name] : J\xc3\x9cRG",
                "param[tags] = hot", "param[tags.0] = new", "param[ok] = true");
    CHECK_NO_MATCH(&specimen, "param[user] : \"\"", "param[tags.0] = hot", "param[tags.2] : \"\"", "param[Item] = 2",
                   "param[item] = Blue%20Shoe", "param[ser.id] = 17");
    specimen.sent[0].head = STR("POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; x=y\r\n\r\n");
    specimen.sent[0].body = STR("a=1&b=%e3%81%82&a=%zz%4&&c&=d&e=%41");
    CHECK_MATCH(&specimen, "param[a] = 1", "param[a] = \"%zz%4\"", "param[b] = \"\xe3\x81\x82\"", "param[c] = \"\"",
                "param[e] = A");
    CHECK_NO_MATCH(&specimen, "param[a] = 2", "param[f] : \"\"", "param[id] = 17");
    specimen.sent[0].head = STR("POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=\"B 1\"\r\n\r\n");
    specimen.sent[0].body =
        STR("preamble\r\n--B 1\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\nfirst\r\nline\r\n"
            "--B 1\r\ncontent-disposition: form-data; name=two; filename=x\r\n"
            "Content-Type: text/plain\r\n\r\n\r\n--B 1--\r\nname=three");
    CHECK_MATCH(&specimen, "param[one] = \"first\\r\\nline\"", "param[two] = \"\"");
    CHECK_NO_MATCH(&specimen, "param[three] : \"\"", "param[one] : B");
}

static void query_eval_reads_broken_json(void **state)
{
    static const char *const bodies[] = {
        "{\"a\":\"1\"",      "{\"a\":\"1",           "{\"a\":\"1\\",
        "[{\"a\":1}",        "{\"b\":{\"a\":1}}}}}", "{\"x\":\"\\ud83d\\u12\",\"a\":1",
        "{\"a\"1}",          "{\"a\":,\"a\":1}",     "{\"a\":2,\"a\":1}",
        "[\"a\",{\"a\":1}]", "{\"a\" : [[[1]]]}",    " [[],{\"a\":1}",
    };
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        specimen.sent[0].body = str_from(bodies[i]);
        if (!matches(&specimen, "param[a] =~ /^1/"))
            fail_msg("%s", bodies[i]);
        assert_false(matches(&specimen, "param[b] = 1 OR param[c] : \"\""));
    }
}

static void query_eval_stops_in_json_that_is_too_deep(void **state)
{
    enum { DEPTH = 100000 };
    struct specimen specimen;
    struct query_tree *tree = parse("param[a] = 1");
    char *body = malloc(DEPTH);
    bool is_match;

    (void)state;
    CHECK(body);
    memset(body, '[', DEPTH);
    specimen_fill(&specimen);
    specimen.facts.query = STR_NONE;
    for (int step = -1; step <= 1; step++) {
        enum err_code expected = step > 0 ? ERR_LIMIT : ERR_NONE;

        specimen.sent[0].body = (struct str){body, (size_t)(512 + step)};
        assert_int_equal(query_eval(tree, &specimen.subject, NULL, &is_match).code, expected);
    }
    specimen.sent[0].body.len = DEPTH;
    assert_int_equal(query_eval(tree, &specimen.subject, NULL, &is_match).code, ERR_LIMIT);
    free(body);
    query_tree_free(&tree);
}

static void query_eval_searches_text_anywhere(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    specimen.ws_text = STR("frame one\n");
    specimen.ws_count = 1;
    CHECK_MATCH(&specimen, "HTTPS://SHOP.example:8443/cart", "x-fold",
                "\xe5\x80\x8b\xe4\xba\xba\xe6\x83\x85\xe5\xa0\xb1", "strasse", "\"BEFORE the edit\"", "x-before",
                "httponly", "\"frame ONE\"", "NOT absent", "ws.count = 1", "ws.text : FRAME",
                "raw =~ /\\xff\\x00\\xfe/", "req.raw : \"\\xff\\x00\"", "res.body : Strasse",
                "body =~ /\xe5\x80\x8b.\xe6\x83\x85/");
    CHECK_NO_MATCH(&specimen, "absent",
                   "stra\xc3\x9f"
                   "e",
                   "\"look again\"", "raw =~ /\\xfd/");
}

static void query_eval_tells_sent_from_original(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    CHECK_MATCH(&specimen, "orig.req.method = PUT", "req.method = POST", "orig.req.path = /before.asp",
                "orig.req.query = old=1", "orig.req.ext = asp", "orig.req.proto = HTTP/1.0",
                "orig.req.header[x-before] = yes", "orig.req.body : BEFORE", "orig.req.raw : \"put raw\"",
                "orig.req.param[old] = 1", "orig.res.status = 201", "orig.res.reason = Created",
                "orig.res.type = text/html", "orig.res.proto = HTTP/1.1", "orig.res.body : strasse",
                "orig.body : edit");
    CHECK_NO_MATCH(&specimen, "orig.req.method = POST", "req.header[x-before] = yes", "req.body : before",
                   "orig.req.header[host] : shop", "orig.req.cookie[sid] = abc", "orig.req.param[item] = 2");
}

static void query_eval_reads_what_people_wrote(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    CHECK_MATCH(&specimen, "note : LOOK", "tag = xss", "tag IN (a, todo)", "has:tag", "color = red", "in:scope",
                "is:edited", "from:proxy", "is:https", "is:tls", "has:body", "is:incomplete", "has:note");
    CHECK_NO_MATCH(&specimen, "tag = todo,xss", "color = blue", "is:tunnel", "is:http", "from:import", "is:complete",
                   "NOT in:scope");
}

static void query_eval_loads_only_what_is_needed(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    assert_false(matches(&specimen, "res.body : x AND req.header[x-twice] = one AND host = other"));
    assert_int_equal(specimen.head_loads + specimen.body_loads, 0);
    assert_false(matches(&specimen, "res.body : x AND req.header[x-twice] = no AND host = shop.example"));
    assert_int_equal(specimen.head_loads, 1);
    assert_int_equal(specimen.body_loads, 0);
    assert_true(matches(&specimen, "strasse OR id = 7 OR note : x"));
    assert_int_equal(specimen.head_loads + specimen.body_loads + specimen.marks_loads, 1);
}

static struct err failure_of(struct specimen *specimen, const char *text)
{
    struct query_tree *tree = parse(text);
    bool is_match = false;
    struct err failure = query_eval(tree, &specimen->subject, NULL, &is_match);

    query_tree_free(&tree);
    return failure;
}

static void query_eval_reports_what_it_cannot_decide(void **state)
{
    struct specimen specimen;

    (void)state;
    specimen_fill(&specimen);
    specimen.body_failure = ERR(ERR_IO, 5, "disk");
    assert_int_equal(failure_of(&specimen, "res.body : x").code, ERR_IO);
    assert_int_equal(failure_of(&specimen, "NOT res.body : x").code, ERR_IO);
    assert_int_equal(failure_of(&specimen, "res.body : x OR note : nothing").code, ERR_IO);
    assert_int_equal(failure_of(&specimen, "res.body : x AND id = 7").code, ERR_IO);
    assert_int_equal(failure_of(&specimen, "absent").code, ERR_IO);
    /* Where the answer does not hang on it, there is an answer. */
    assert_true(matches(&specimen, "res.body : x OR id = 7"));
    assert_true(matches(&specimen, "res.body : x OR raw : raw"));
    assert_false(matches(&specimen, "res.body : x AND id = 8"));
    assert_true(matches(&specimen, "x-before"));
}

static void query_eval_never_takes_a_regex_limit_for_no_match(void **state)
{
    static const char *const patterns[] = {"res.body =~ /^(a+)+$/", "res.body =~ /^(a|aa)+$/",
                                           "res.body !~ /^(a|a?)+$/", "res.body =~ /^(.+)*\\1[bc]$/"};
    enum { LEN = 4000 };
    static char body[LEN];
    struct specimen specimen;

    (void)state;
    memset(body, 'a', LEN - 1);
    body[LEN - 1] = '!';
    specimen_fill(&specimen);
    specimen.sent[EXCHANGE_RESPONSE].body = (struct str){body, LEN};
    for (size_t i = 0; i < COUNT(patterns); i++) {
        if (failure_of(&specimen, patterns[i]).code != ERR_LIMIT)
            fail_msg("%s did not reach a limit", patterns[i]);
    }
    assert_false(matches(&specimen, "res.body =~ /^(a+)+$/ AND id = 8"));
    assert_true(matches(&specimen, "res.body =~ /!$/"));
}

struct stopwatch {
    unsigned asked;
    unsigned max;
};

static bool is_over(void *owner)
{
    struct stopwatch *stopwatch = owner;

    return ++stopwatch->asked > stopwatch->max;
}

/* Every place of the subject costs as much as the subject is long, which no limit of steps sees. */
static void query_eval_can_be_stopped_within_a_regex(void **state)
{
    enum { LEN = 8 << 20 };
    struct stopwatch stopwatch = {.max = 3};
    struct query_regex_limits limits = QUERY_REGEX_LIMITS_DEFAULT;
    struct query_tree *tree = parse("res.body =~ /x[^y]*+[yz]/");
    struct specimen specimen;
    char *body = malloc(LEN);
    bool is_match;

    (void)state;
    CHECK(body);
    memset(body, 'x', LEN);
    limits.is_over = is_over;
    limits.owner = &stopwatch;
    specimen_fill(&specimen);
    specimen.sent[EXCHANGE_RESPONSE].body = (struct str){body, LEN};
    assert_int_equal(query_eval(tree, &specimen.subject, &limits, &is_match).code, ERR_CANCELLED);
    assert_int_equal(stopwatch.asked, 4);
    free(body);
    query_tree_free(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_eval_compares_columns),
        cmocka_unit_test(query_eval_treats_absence_as_no),
        cmocka_unit_test(query_eval_reads_heads),
        cmocka_unit_test(query_eval_reads_parameters),
        cmocka_unit_test(query_eval_reads_broken_json),
        cmocka_unit_test(query_eval_stops_in_json_that_is_too_deep),
        cmocka_unit_test(query_eval_searches_text_anywhere),
        cmocka_unit_test(query_eval_tells_sent_from_original),
        cmocka_unit_test(query_eval_reads_what_people_wrote),
        cmocka_unit_test(query_eval_loads_only_what_is_needed),
        cmocka_unit_test(query_eval_reports_what_it_cannot_decide),
        cmocka_unit_test(query_eval_never_takes_a_regex_limit_for_no_match),
        cmocka_unit_test(query_eval_can_be_stopped_within_a_regex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
