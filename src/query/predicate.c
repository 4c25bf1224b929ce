#include "query/predicate.h"

#include "query/compare.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SCOPE "scope"

/* A predicate is one comparison; an empty value asks for presence. */
static const struct {
    struct str word, value;
    const char *field, *text;
    enum query_op op;
    int64_t integer;
    const char *about;
} predicates[] = {
    {{"in", 2}, {SCOPE, 5}, NULL, NULL, QUERY_OP_PRESENT, 0, "in the project's scope"},
    {{"is", 2}, {"websocket", 9}, "kind", "websocket", QUERY_OP_EQUAL, 0, "a WebSocket"},
    {{"is", 2}, {"tunnel", 6}, "kind", "tunnel", QUERY_OP_EQUAL, 0, "a tunnel whose bytes are not HTTP"},
    {{"is", 2},
     {"handshake", 9},
     "kind",
     "handshake",
     QUERY_OP_EQUAL,
     0,
     "a TLS handshake with the client that failed"},
    {{"is", 2}, {"http", 4}, "req.scheme", "http", QUERY_OP_EQUAL, 0, "over plain HTTP"},
    {{"is", 2}, {"https", 5}, "req.scheme", "https", QUERY_OP_EQUAL, 0, "over HTTPS"},
    {{"is", 2}, {"tls", 3}, "tls.version", NULL, QUERY_OP_PRESENT, 0, "TLS on one side at least"},
    {{"is", 2}, {"edited", 6}, "flag", "edited", QUERY_OP_EQUAL, 0, "changed by a rule or a person"},
    {{"is", 2}, {"noise", 5}, "flag", "browser-noise", QUERY_OP_EQUAL, 0, "the browser's own traffic"},
    {{"is", 2}, {"complete", 8}, "res.complete", NULL, QUERY_OP_EQUAL, 1, "the response came whole"},
    {{"is", 2}, {"incomplete", 10}, "res.complete", NULL, QUERY_OP_EQUAL, 0, "the response was cut short"},
    {{"has", 3}, {"request", 7}, "req.method", NULL, QUERY_OP_PRESENT, 0, "a request was seen"},
    {{"has", 3}, {"response", 8}, "res.status", NULL, QUERY_OP_PRESENT, 0, "a response was seen"},
    {{"has", 3}, {"error", 5}, "error", NULL, QUERY_OP_PRESENT, 0, "it failed"},
    {{"has", 3}, {"note", 4}, "note", NULL, QUERY_OP_PRESENT, 0, "somebody wrote a note"},
    {{"has", 3}, {"tag", 3}, "tag", NULL, QUERY_OP_PRESENT, 0, "it has a tag"},
    {{"has", 3}, {"color", 5}, "color", NULL, QUERY_OP_PRESENT, 0, "it has a colour"},
    {{"has", 3}, {"title", 5}, "res.title", NULL, QUERY_OP_PRESENT, 0, "a page with a title"},
    {{"has", 3}, {"query", 5}, "req.query", NULL, QUERY_OP_PRESENT, 0, "the target has a query"},
    {{"from", 4}, {"proxy", 5}, "source", "proxy", QUERY_OP_EQUAL, 0, "came through the proxy"},
    {{"from", 4}, {"sender", 6}, "source", "sender", QUERY_OP_EQUAL, 0, "made by the sender"},
    {{"from", 4}, {"import", 6}, "source", "import", QUERY_OP_EQUAL, 0, "imported"},
};

bool query_predicate_is(struct str word)
{
    return str_eq_nocase(word, STR("is")) || str_eq_nocase(word, STR("in")) || str_eq_nocase(word, STR("has")) ||
           str_eq_nocase(word, STR("from"));
}

bool query_predicate_at(size_t index, struct str *ret_word, struct str *ret_value, struct str *ret_about)
{
    if (index >= COUNT(predicates))
        return false;
    *ret_word = predicates[index].word;
    *ret_value = predicates[index].value;
    *ret_about = str_from(predicates[index].about);
    return true;
}

static struct query_span whole(const struct query_token *word, const struct query_token *value)
{
    return (struct query_span){word->position, value->position + value->len - word->position};
}

static struct err from_table(struct query_parser *parser, size_t index, struct query_span span,
                             struct query_node **ret_node)
{
    struct query_compare compare = {.span = span, .op = predicates[index].op};
    struct query_value *value;
    void *memory;

    if (!predicates[index].field) {
        TRY(query_parser_node(parser, QUERY_NODE_IN_SCOPE, span, ret_node));
        (*ret_node)->cost = 5;
        return OK;
    }
    CHECK(query_field_find(str_from(predicates[index].field), &compare.match));
    if (compare.op == QUERY_OP_PRESENT)
        return query_compare_node(parser, &compare, NULL, 0, ret_node);
    TRY(query_parser_alloc(parser, sizeof(*value), &memory));
    value = memory;
    value->text = value->folded = str_from(predicates[index].text);
    value->integer = predicates[index].integer;
    return query_compare_node(parser, &compare, value, 1, ret_node);
}

/* has:body asks whether there was content on either side. */
static struct err has_body(struct query_parser *parser, struct query_span span, struct query_node **ret_node)
{
    struct query_compare compare = {.span = span, .op = QUERY_OP_GREATER};
    struct query_value *zero;
    void *memory;
    struct query_field_match response;

    CHECK(query_field_find(STR("req.body.len"), &compare.match));
    CHECK(query_field_find(STR("res.body.len"), &response));
    compare.match.fields[compare.match.count++] = response.fields[0];
    TRY(query_parser_alloc(parser, sizeof(*zero), &memory));
    zero = memory;
    return query_compare_node(parser, &compare, zero, 1, ret_node);
}

/* has:FIELD, has:header[x]: the field has a value. */
static struct err has_field(struct query_parser *parser, struct query_span span, const struct query_token *value,
                            struct query_node **ret_node)
{
    struct query_token none = {.type = QUERY_TOKEN_END};
    struct query_compare compare;
    bool has_op;

    TRY(query_compare_name(parser, value, &none, &compare, &has_op));
    compare.span = span;
    return query_compare_node(parser, &compare, NULL, 0, ret_node);
}

static struct err unknown_value(struct query_parser *parser, const struct query_token *word,
                                const struct query_token *value)
{
    struct query_shown shown = query_parser_shown(value->text);
    char known[160] = "";
    size_t len = 0;
    struct str nearest = STR_NONE;

    for (size_t i = 0; i < COUNT(predicates); i++) {
        struct str name = predicates[i].value;

        if (!str_eq_nocase(word->text, predicates[i].word))
            continue;
        len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%.*s", len ? ", " : "", STR_ARG(name));
        if (nearest.len == 0 && value->text.len && str_eq_nocase(str_head(value->text, 2), str_head(name, 2)))
            nearest = name;
    }
    return query_parser_fault(parser, query_parser_span(value), nearest, "%.*s: takes one of %s; not %s",
                              STR_ARG(word->text), known, shown.text);
}

struct err query_predicate_node(struct query_parser *parser, const struct query_token *word,
                                const struct query_token *value, struct query_node **ret_node)
{
    struct query_span span = whole(word, value);
    bool is_has = str_eq_nocase(word->text, STR("has"));

    if (value->type != QUERY_TOKEN_WORD)
        return query_parser_fault(parser, query_parser_span(value), STR_NONE,
                                  "a word must follow %.*s:", STR_ARG(word->text));
    for (size_t i = 0; i < COUNT(predicates); i++) {
        if (str_eq_nocase(word->text, predicates[i].word) && str_eq_nocase(value->text, predicates[i].value))
            return from_table(parser, i, span, ret_node);
    }
    if (is_has && str_eq_nocase(value->text, STR("body")))
        return has_body(parser, span, ret_node);
    if (is_has)
        return has_field(parser, span, value, ret_node);
    return unknown_value(parser, word, value);
}
