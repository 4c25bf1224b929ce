#include "query/parse.h"

#include "base/utf8.h"
#include "query/compare.h"
#include "query/parser.h"
#include "query/predicate.h"

enum { TREE_BYTES_MAX = 16 * 1024 * 1024 };

/* Lines end at LF; columns count code points, and each stray byte as one. */
static void locate(struct str before, struct query_error *error)
{
    error->line = 1;
    error->column = 1;
    while (before.len) {
        uint32_t point = 0;
        size_t len = utf8_decode(before, &point);

        error->column = point == '\n' ? 1 : error->column + 1;
        error->line += point == '\n' ? 1 : 0;
        before = str_skip(before, len ? len : 1);
    }
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

void query_parse_place(struct str text, size_t position, size_t len, struct query_error *ret_error)
{
    *ret_error = (struct query_error){.position = smaller(position, text.len)};
    ret_error->len = smaller(len, text.len - ret_error->position);
    locate(str_head(text, ret_error->position), ret_error);
}

static struct err parse_or(struct query_parser *parser, struct query_node **ret_node);

static struct err advance(struct query_parser *parser)
{
    return query_parser_next(parser, QUERY_LEXER_OPERAND, &parser->token);
}

static bool is_keyword(const struct query_token *token, struct str keyword)
{
    return token->type == QUERY_TOKEN_WORD && !token->has_index && str_eq_nocase(token->text, keyword);
}

/* Parentheses and NOT: what recursion, here and over the tree, is bounded by. */
static struct err nest(struct query_parser *parser)
{
    if (parser->nesting >= QUERY_PARSE_NESTING_MAX)
        return query_parser_limit(parser, query_parser_span(&parser->token), "many parentheses and NOTs in one another",
                                  QUERY_PARSE_NESTING_MAX);
    parser->nesting++;
    return OK;
}

/* The values of IN, up to the closing parenthesis. */
static struct err parse_list(struct query_parser *parser, const struct query_compare *compare,
                             struct query_value **ret_values, size_t *ret_count)
{
    struct query_value *values = NULL;
    size_t count = 0;
    size_t size = 0;
    struct query_token token;

    do {
        TRY(query_parser_next(parser, QUERY_LEXER_LIST, &token));
        if (count >= QUERY_PARSE_LIST_MAX)
            return query_parser_limit(parser, query_parser_span(&token), "many values in a list", QUERY_PARSE_LIST_MAX);
        if (count == size) {
            void *memory;

            size = size ? size * 2 : 4;
            TRY(query_parser_alloc(parser, size * sizeof(*values), &memory));
            if (count)
                memcpy(memory, values, count * sizeof(*values));
            values = memory;
        }
        TRY(query_compare_value(parser, compare, &token, &values[count]));
        count++;
        TRY(query_parser_next(parser, QUERY_LEXER_LIST, &token));
    } while (token.type == QUERY_TOKEN_COMMA);
    if (token.type != QUERY_TOKEN_CLOSE)
        return query_parser_fault(parser, query_parser_span(&token), STR_NONE,
                                  "a comma or the closing parenthesis of the list is missing here");
    *ret_values = values;
    *ret_count = count;
    return OK;
}

static struct err parse_in(struct query_parser *parser, const struct query_token *word, struct query_node **ret_node)
{
    struct query_token none = {.type = QUERY_TOKEN_END};
    struct query_compare compare;
    struct query_value *values = NULL;
    size_t count = 0;
    bool has_op;

    TRY(query_compare_name(parser, word, &none, &compare, &has_op));
    compare.op = QUERY_OP_EQUAL;
    TRY(parse_list(parser, &compare, &values, &count));
    compare.span.len = parser->lexer.at - compare.span.position;
    return query_compare_node(parser, &compare, values, count, ret_node);
}

static struct err parse_comparison(struct query_parser *parser, const struct query_token *word,
                                   const struct query_token *op, struct query_node **ret_node)
{
    struct query_compare compare;
    struct query_token token;
    void *value;
    bool has_op;
    bool is_regex;

    TRY(query_compare_name(parser, word, op, &compare, &has_op));
    TRY(query_compare_op(parser, op, &compare));
    is_regex = compare.op == QUERY_OP_MATCHES && !compare.is_pattern;
    TRY(query_parser_next(parser, is_regex ? QUERY_LEXER_PATTERN : QUERY_LEXER_VALUE, &token));
    compare.span.len = token.position + token.len - compare.span.position;
    TRY(query_parser_alloc(parser, sizeof(struct query_value), &value));
    TRY(query_compare_value(parser, &compare, &token, value));
    return query_compare_node(parser, &compare, value, 1, ret_node);
}

static struct err parse_predicate(struct query_parser *parser, const struct query_token *word,
                                  struct query_node **ret_node)
{
    struct query_token value;
    struct query_token op;

    /* Read as an operand, so that has:header[x] has its parts. */
    TRY(query_parser_next(parser, QUERY_LEXER_OPERAND, &value));
    TRY(query_predicate_node(parser, word, &value, ret_node));
    if (query_lexer_operator(&parser->lexer, &op))
        return query_parser_fault(parser, query_parser_span(&op), STR_NONE, "nothing can be compared with a predicate");
    return OK;
}

static struct err parse_text(struct query_parser *parser, const struct query_token *token, struct query_node **ret_node)
{
    void *value;

    TRY(query_parser_node(parser, QUERY_NODE_ANYWHERE, query_parser_span(token), ret_node));
    TRY(query_parser_alloc(parser, sizeof(struct query_value), &value));
    (*ret_node)->values = value;
    (*ret_node)->value_count = 1;
    (*ret_node)->values->text = token->text;
    (*ret_node)->cost = 400;
    return query_parser_fold(parser, token->text, &(*ret_node)->values->folded);
}

/* Words of other languages, and of this one in a wrong place: searching for them is not what was meant. */
static struct err check_text(struct query_parser *parser, const struct query_token *word)
{
    static const struct {
        struct str text;
        const char *instead;
    } likely[] = {{{"&&", 2}, "AND"}, {{"||", 2}, "OR"}, {{"!", 1}, "NOT"}, {{"&", 1}, "AND"},
                  {{"|", 1}, "OR"},   {{"~", 1}, "=~"},  {{"and", 3}, ""},  {{"or", 2}, ""}};

    for (size_t i = 0; i < sizeof(likely) / sizeof(likely[0]); i++) {
        if (!str_eq_nocase(word->text, likely[i].text))
            continue;
        return query_parser_fault(parser, query_parser_span(word), str_from(likely[i].instead),
                                  "a condition is missing before %.*s; as text it stands in quotes",
                                  STR_ARG(word->text));
    }
    return OK;
}

/* What begins with a word: a comparison, a predicate, or text. */
static struct err parse_word(struct query_parser *parser, struct query_node **ret_node)
{
    struct query_token word = parser->token;
    struct query_token op;

    TRY(check_text(parser, &word));
    if (query_lexer_in(&parser->lexer)) {
        TRY(parse_in(parser, &word, ret_node));
    } else if (!query_lexer_operator(&parser->lexer, &op)) {
        TRY(parse_text(parser, &word, ret_node));
    } else if (op.op == QUERY_HAS && query_predicate_is(word.text)) {
        TRY(parse_predicate(parser, &word, ret_node));
    } else {
        TRY(parse_comparison(parser, &word, &op, ret_node));
    }
    return advance(parser);
}

static struct err parse_parentheses(struct query_parser *parser, struct query_node **ret_node)
{
    struct query_span opening = query_parser_span(&parser->token);

    TRY(nest(parser));
    TRY(advance(parser));
    TRY(parse_or(parser, ret_node));
    if (parser->token.type != QUERY_TOKEN_CLOSE)
        return query_parser_fault(parser, opening, STR_NONE, "this parenthesis is not closed");
    parser->nesting--;
    return advance(parser);
}

static struct err parse_primary(struct query_parser *parser, struct query_node **ret_node)
{
    const struct query_token *token = &parser->token;
    struct query_span span = query_parser_span(token);

    switch (token->type) {
    case QUERY_TOKEN_OPEN:
        return parse_parentheses(parser, ret_node);
    case QUERY_TOKEN_WORD:
        return parse_word(parser, ret_node);
    case QUERY_TOKEN_STRING:
        TRY(parse_text(parser, token, ret_node));
        return advance(parser);
    case QUERY_TOKEN_OPERATOR:
        return query_parser_fault(parser, span, STR_NONE, "a field must stand before %.*s", (int)span.len,
                                  parser->tree->text.ptr + span.position);
    case QUERY_TOKEN_COMMA:
        return query_parser_fault(parser, span, STR_NONE,
                                  "commas stand in lists only: FIELD IN (a, b); as text it stands in quotes");
    case QUERY_TOKEN_CLOSE:
    case QUERY_TOKEN_END:
    case QUERY_TOKEN_REGEX:
        break;
    }
    return query_parser_fault(parser, span, STR_NONE, "a condition is missing here");
}

static struct err parse_not(struct query_parser *parser, struct query_node **ret_node)
{
    struct query_span span = query_parser_span(&parser->token);
    struct query_node *child;

    if (!is_keyword(&parser->token, STR("not")))
        return parse_primary(parser, ret_node);
    TRY(nest(parser));
    TRY(advance(parser));
    TRY(parse_not(parser, &child));
    parser->nesting--;
    span.len = child->position + child->len - span.position;
    return query_parser_not(parser, span, child, ret_node);
}

static bool ends_and(const struct query_token *token)
{
    return token->type == QUERY_TOKEN_END || token->type == QUERY_TOKEN_CLOSE || is_keyword(token, STR("or"));
}

static struct err parse_and(struct query_parser *parser, struct query_node **ret_node)
{
    struct query_group group = {0};

    do {
        struct query_node *node;

        if (group.count && is_keyword(&parser->token, STR("and")))
            TRY(advance(parser));
        TRY(parse_not(parser, &node));
        TRY(query_parser_add(parser, &group, node));
    } while (!ends_and(&parser->token));
    return query_parser_close(parser, QUERY_NODE_AND, &group, ret_node);
}

static struct err parse_or(struct query_parser *parser, struct query_node **ret_node)
{
    struct query_group group = {0};
    struct query_node *node;

    TRY(parse_and(parser, &node));
    TRY(query_parser_add(parser, &group, node));
    while (is_keyword(&parser->token, STR("or"))) {
        TRY(advance(parser));
        TRY(parse_and(parser, &node));
        TRY(query_parser_add(parser, &group, node));
    }
    return query_parser_close(parser, QUERY_NODE_OR, &group, ret_node);
}

static struct err parse_query(struct query_parser *parser)
{
    TRY(advance(parser));
    if (parser->token.type == QUERY_TOKEN_END)
        return OK;
    TRY(parse_or(parser, &parser->tree->root));
    if (parser->token.type != QUERY_TOKEN_END)
        return query_parser_fault(parser, query_parser_span(&parser->token), STR_NONE,
                                  "this parenthesis closes nothing");
    return OK;
}

static struct err prepare(struct query_parser *parser, struct str text)
{
    void *regexes;

    TRY(arena_copy(&parser->tree->arena, text, &parser->tree->text));
    parser->lexer.text = parser->tree->text;
    TRY(query_parser_alloc(parser, QUERY_PARSE_REGEXES_MAX * sizeof(struct query_regex *), &regexes));
    parser->tree->regexes = regexes;
    return OK;
}

struct err query_parse(struct str text, const struct query_parse_options *options, struct query_tree **ret_tree,
                       struct query_error *ret_error)
{
    struct query_tree *tree = calloc(1, sizeof(*tree));
    struct query_parser parser = {.tree = tree, .clock = {options->now_us, options->utc_offset_s}, .error = ret_error};
    struct err failure;

    CHECK(tree);
    arena_init(&tree->arena, TREE_BYTES_MAX);
    parser.lexer.arena = &tree->arena;
    if (text.len > QUERY_PARSE_TEXT_BYTES_MAX)
        failure = query_parser_limit(&parser, (struct query_span){0, 0}, "long", QUERY_PARSE_TEXT_BYTES_MAX);
    else if (!err_is(failure = prepare(&parser, text)))
        failure = parse_query(&parser);
    if (err_is(failure)) {
        query_tree_free(&tree);
        return failure;
    }
    *ret_tree = tree;
    return OK;
}
