#include "query/compare.h"

#include "query/fold.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    struct str name;
    enum query_op op;
    bool is_negated, is_pattern;
} dotted[] = {
    {{"eq", 2}, QUERY_OP_EQUAL, false, false},      {{"ne", 2}, QUERY_OP_EQUAL, true, false},
    {{"lt", 2}, QUERY_OP_LESS, false, false},       {{"lte", 3}, QUERY_OP_LESS_EQUAL, false, false},
    {{"gt", 2}, QUERY_OP_GREATER, false, false},    {{"gte", 3}, QUERY_OP_GREATER_EQUAL, false, false},
    {{"cont", 4}, QUERY_OP_CONTAINS, false, false}, {{"ncont", 5}, QUERY_OP_CONTAINS, true, false},
    {{"regex", 5}, QUERY_OP_MATCHES, false, false}, {{"nregex", 6}, QUERY_OP_MATCHES, true, false},
    {{"like", 4}, QUERY_OP_MATCHES, false, true},   {{"nlike", 5}, QUERY_OP_MATCHES, true, true},
};

static const struct {
    enum query_op op;
    bool is_negated;
} plain[] = {
    [QUERY_IS_EQUAL] = {QUERY_OP_EQUAL, false},        [QUERY_IS_NOT_EQUAL] = {QUERY_OP_EQUAL, true},
    [QUERY_IS_LESS] = {QUERY_OP_LESS, false},          [QUERY_IS_LESS_EQUAL] = {QUERY_OP_LESS_EQUAL, false},
    [QUERY_IS_GREATER] = {QUERY_OP_GREATER, false},    [QUERY_IS_GREATER_EQUAL] = {QUERY_OP_GREATER_EQUAL, false},
    [QUERY_HAS] = {QUERY_OP_CONTAINS, false},          [QUERY_HAS_NOT] = {QUERY_OP_CONTAINS, true},
    [QUERY_IS_LIKE_REGEX] = {QUERY_OP_MATCHES, false}, [QUERY_IS_NOT_LIKE_REGEX] = {QUERY_OP_MATCHES, true},
};

/* Relative costs of getting a value, by where it comes from. */
static const unsigned costs[] = {
    [QUERY_FROM_COLUMN] = 1,  [QUERY_FROM_PROJECT] = 1,  [QUERY_FROM_URL] = 3,     [QUERY_FROM_MARKS] = 10,
    [QUERY_FROM_HEADER] = 20, [QUERY_FROM_HEADERS] = 25, [QUERY_FROM_COOKIE] = 25, [QUERY_FROM_PARAM] = 150,
    [QUERY_FROM_WS] = 200,    [QUERY_FROM_BODY] = 200,   [QUERY_FROM_RAW] = 200,
};

/* "method.eq" cut at its last dot, when what follows is an operator. */
static bool cut_dotted(struct str name, struct query_compare *compare, struct str *ret_field)
{
    size_t dot = str_find_last_char(name, '.');

    for (size_t i = 0; dot != STR_ABSENT && i < COUNT(dotted); i++) {
        if (!str_eq_nocase(str_skip(name, dot + 1), dotted[i].name))
            continue;
        compare->op = dotted[i].op;
        compare->is_negated = dotted[i].is_negated;
        compare->is_pattern = dotted[i].is_pattern;
        *ret_field = str_head(name, dot);
        return true;
    }
    return false;
}

static struct err unknown_field(struct query_parser *parser, const struct query_token *word, struct str name)
{
    struct query_span span = {word->position, name.len};
    struct query_shown shown = query_parser_shown(name);
    struct str nearest = query_field_nearest(name);
    struct query_field_match match;

    if (str_starts_nocase(name, STR("orig.")) && query_field_find(str_skip(name, 5), &match))
        return query_parser_fault(parser, span, str_skip(name, 5), "%s has no original form", shown.text + 5);
    if (nearest.len == 0)
        return query_parser_fault(parser, span, STR_NONE, "there is no field %s; to search for text, put it in quotes",
                                  shown.text);
    return query_parser_fault(parser, span, nearest, "there is no field %s; the nearest is %.*s", shown.text,
                              STR_ARG(nearest));
}

/* That a field which needs a [name] has one, and no other. */
static struct err check_index(struct query_parser *parser, const struct query_token *word,
                              const struct query_compare *compare)
{
    const struct query_field *field = compare->match.fields[0];
    bool is_named = field->traits & QUERY_FIELD_NAMED;
    struct query_span span = query_parser_span(word);
    char example[128];

    snprintf(example, sizeof(example), "%.*s[name]", (int)str_head(word->base, 64).len, word->base.ptr);
    if (is_named && !word->has_index)
        return query_parser_fault(parser, span, str_from(example), "%s needs a name in brackets: %s", field->name,
                                  example);
    if (is_named && word->index.len == 0)
        return query_parser_fault(parser, span, str_from(example), "the name in the brackets is empty");
    if (!is_named && word->has_index)
        return query_parser_fault(parser, span, str_from(field->name), "%s takes no name in brackets", field->name);
    return OK;
}

struct err query_compare_name(struct query_parser *parser, const struct query_token *word,
                              const struct query_token *next, struct query_compare *ret_compare, bool *ret_has_op)
{
    bool may_be_dotted = next->type == QUERY_TOKEN_OPERATOR && next->op == QUERY_HAS;
    struct query_compare compare = {.span = query_parser_span(word), .name = word->index};
    struct str name = word->base;
    struct str tail = word->tail;
    struct str empty;

    *ret_has_op = false;
    if (word->has_index && tail.len) {
        *ret_has_op = may_be_dotted && cut_dotted(tail, &compare, &empty) && empty.len == 0;
        if (!*ret_has_op)
            return query_parser_fault(parser, (struct query_span){word->position + word->len - tail.len, tail.len},
                                      STR_NONE,
                                      "only a dotted operator with a colon may follow the brackets, as in .cont:\"x\"");
    }
    if (!query_field_find(name, &compare.match)) {
        *ret_has_op = *ret_has_op || (may_be_dotted && !word->has_index && cut_dotted(name, &compare, &name));
        if (!*ret_has_op || !query_field_find(name, &compare.match))
            return unknown_field(parser, word, name);
    }
    TRY(check_index(parser, word, &compare));
    *ret_compare = compare;
    return OK;
}

/* The operators that types other than text have. */
static struct err check_op(struct query_parser *parser, struct query_span span, struct query_compare *compare)
{
    const struct query_field *field = compare->match.fields[0];
    bool is_order = compare->op >= QUERY_OP_LESS && compare->op <= QUERY_OP_GREATER_EQUAL;

    if (field->type == QUERY_TEXT)
        return OK;
    if (compare->op == QUERY_OP_CONTAINS)
        compare->op = QUERY_OP_EQUAL;
    if (compare->op == QUERY_OP_MATCHES)
        return query_parser_fault(parser, span, STR("="), "%s is %s; only text can match a pattern", field->name,
                                  query_field_type_name(field->type));
    if (is_order && field->type == QUERY_BOOLEAN)
        return query_parser_fault(parser, span, STR("="), "%s is true or false; it has no order", field->name);
    return OK;
}

struct err query_compare_op(struct query_parser *parser, const struct query_token *token, struct query_compare *compare)
{
    /* A dotted operator is complete; its colon says nothing more. */
    if (compare->op == QUERY_OP_PRESENT) {
        compare->op = plain[token->op].op;
        compare->is_negated = plain[token->op].is_negated;
    }
    return check_op(parser, query_parser_span(token), compare);
}

static struct err wrong_type(struct query_parser *parser, const struct query_compare *compare,
                             const struct query_token *token)
{
    static const char *const examples[] = {
        [QUERY_TEXT] = "\"text\"",  [QUERY_INTEGER] = "200",     [QUERY_SIZE] = "10kb",
        [QUERY_DURATION] = "500ms", [QUERY_TIME] = "2026-01-31", [QUERY_BOOLEAN] = "true"};
    const struct query_field *field = compare->match.fields[0];
    struct query_shown shown = query_parser_shown(token->text);

    return query_parser_fault(parser, query_parser_span(token), str_from(examples[field->type]),
                              "%s is %s, and %s is not", field->name, query_field_type_name(field->type), shown.text);
}

static struct err number_value(struct query_parser *parser, const struct query_compare *compare,
                               const struct query_token *token, struct query_value *value)
{
    enum query_type type = compare->match.fields[0]->type;
    bool is_word = token->type == QUERY_TOKEN_WORD;
    bool has_unit;
    bool truth;
    bool is_good = false;

    if (type == QUERY_TIME)
        is_good = query_literal_time(token->text, &parser->clock, &value->integer, &value->until);
    else if (type == QUERY_INTEGER)
        is_good = is_word && query_literal_integer(token->text, &value->integer);
    else if (type == QUERY_SIZE)
        is_good = is_word && query_literal_size(token->text, &value->integer, &has_unit);
    else if (type == QUERY_DURATION)
        is_good = is_word && query_literal_duration(token->text, &value->integer);
    else if (is_word && query_literal_boolean(token->text, &truth))
        is_good = (value->integer = truth, true);
    return is_good ? OK : wrong_type(parser, compare, token);
}

/* "10kb" and "5s" without quotes are a size and a duration, not text. */
static bool is_measure(const struct query_token *token)
{
    int64_t value;
    bool has_unit = false;

    if (token->type != QUERY_TOKEN_WORD)
        return false;
    return (query_literal_size(token->text, &value, &has_unit) && has_unit) ||
           query_literal_duration(token->text, &value);
}

static struct err take_flags(struct query_parser *parser, const struct query_token *token,
                             struct query_regex_options *options)
{
    size_t start = token->position + token->len - token->flags.len;

    for (size_t i = 0; i < token->flags.len; i++) {
        switch (token->flags.ptr[i]) {
        case 'i':
            options->is_nocase = true;
            break;
        case 'm':
            options->is_multiline = true;
            break;
        case 's':
            options->is_dotall = true;
            break;
        case 'x':
            options->is_extended = true;
            break;
        default:
            return query_parser_fault(parser, (struct query_span){start + i, 1}, STR_NONE,
                                      "a regular expression has the flags i, m, s and x");
        }
    }
    return OK;
}

/* Where byte `offset` of a pattern stands in the query.  Escaped quotes before it are not counted. */
static struct query_span pattern_span(const struct query_token *token, size_t offset)
{
    size_t quote_len = token->type == QUERY_TOKEN_WORD ? 0 : 1;
    size_t position = token->position + quote_len + offset;
    size_t end = token->position + token->len;

    return (struct query_span){position < end ? position : end, position < end ? 1 : 0};
}

static struct err regex_value(struct query_parser *parser, const struct query_compare *compare,
                              const struct query_token *token, struct query_value *value)
{
    struct query_regex_options options = {.is_bytes = compare->match.fields[0]->traits & QUERY_FIELD_BYTES};
    struct query_regex_fault fault;
    struct query_tree *tree = parser->tree;

    if (tree->regex_count >= QUERY_PARSE_REGEXES_MAX)
        return query_parser_limit(parser, query_parser_span(token), "many regular expressions",
                                  QUERY_PARSE_REGEXES_MAX);
    TRY(take_flags(parser, token, &options));
    if (err_is(query_regex_new(token->text, options, &value->regex, &fault)))
        return query_parser_fault(parser, pattern_span(token, fault.offset), STR_NONE, "regular expression: %s",
                                  fault.message);
    tree->regexes[tree->regex_count++] = value->regex;
    value->text = token->text;
    value->is_extended = options.is_extended;
    return OK;
}

static bool is_word_char(char c)
{
    char lower = str_fold_char(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* SQL's LIKE as a regex: % is any run, _ any one character, all else itself; the whole value, in any case. */
static struct err like_value(struct query_parser *parser, const struct query_compare *compare,
                             const struct query_token *token, struct query_value *value)
{
    static const struct str START = {"(?si)\\A", 7};
    struct query_token pattern = *token;
    void *memory;
    char *bytes;
    size_t len = START.len;

    TRY(query_parser_alloc(parser, START.len + 2 * token->text.len + 2, &memory));
    bytes = memory;
    memcpy(bytes, START.ptr, START.len);
    for (size_t i = 0; i < token->text.len; i++) {
        char c = token->text.ptr[i];

        if (c == '%')
            bytes[len++] = '.';
        else if (c != '_' && !is_word_char(c))
            bytes[len++] = '\\';
        bytes[len++] = c == '%' ? '*' : c == '_' ? '.' : c;
    }
    memcpy(bytes + len, "\\z", 2);
    pattern.text = (struct str){bytes, len + 2};
    pattern.flags = STR_NONE;
    return regex_value(parser, compare, &pattern, value);
}

static struct err text_value(struct query_parser *parser, const struct query_compare *compare,
                             const struct query_token *token, struct query_value *value)
{
    unsigned traits = compare->match.fields[0]->traits;
    void *memory;
    char *lowered;

    if (is_measure(token)) {
        char quoted[80];

        snprintf(quoted, sizeof(quoted), "\"%.*s\"", (int)str_head(token->text, 70).len, token->text.ptr);
        return query_parser_fault(parser, query_parser_span(token), str_from(quoted),
                                  "%s is text, and %.*s is a measure; as text it stands in quotes",
                                  compare->match.fields[0]->name, (int)str_head(token->text, 40).len, token->text.ptr);
    }
    value->text = token->text;
    TRY(query_parser_fold(parser, token->text, &value->folded));
    if (!(traits & QUERY_FIELD_LOWER) || token->text.len == 0)
        return OK;
    TRY(query_parser_alloc(parser, token->text.len, &memory));
    lowered = memory;
    for (size_t i = 0; i < token->text.len; i++)
        lowered[i] = str_fold_char(token->text.ptr[i]);
    value->text.ptr = lowered;
    return OK;
}

struct err query_compare_value(struct query_parser *parser, const struct query_compare *compare,
                               const struct query_token *token, struct query_value *ret_value)
{
    struct query_value value = {0};

    if (token->type != QUERY_TOKEN_WORD && token->type != QUERY_TOKEN_STRING && token->type != QUERY_TOKEN_REGEX)
        return query_parser_fault(parser, query_parser_span(token), STR_NONE, "a value is missing here");
    if (compare->is_pattern)
        TRY(like_value(parser, compare, token, &value));
    else if (compare->op == QUERY_OP_MATCHES)
        TRY(regex_value(parser, compare, token, &value));
    else if (compare->match.fields[0]->type != QUERY_TEXT)
        TRY(number_value(parser, compare, token, &value));
    else
        TRY(text_value(parser, compare, token, &value));
    *ret_value = value;
    return OK;
}

struct err query_compare_node(struct query_parser *parser, const struct query_compare *compare,
                              struct query_value *values, size_t value_count, struct query_node **ret_node)
{
    struct query_group group = {0};
    struct query_node *node;

    for (size_t i = 0; i < compare->match.count; i++) {
        const struct query_field *field = compare->match.fields[i];

        TRY(query_parser_node(parser, QUERY_NODE_COMPARE, compare->span, &node));
        node->field = field;
        node->is_original = compare->match.is_original;
        node->name = compare->name;
        node->op = compare->op;
        node->values = values;
        node->value_count = value_count;
        node->cost = costs[field->origin] + (node->is_original && field->origin == QUERY_FROM_COLUMN ? 20 : 0);
        node->cost *= compare->op == QUERY_OP_MATCHES ? 2 : 1;
        TRY(query_parser_add(parser, &group, node));
    }
    TRY(query_parser_close(parser, QUERY_NODE_OR, &group, &node));
    if (compare->is_negated)
        TRY(query_parser_not(parser, compare->span, node, &node));
    *ret_node = node;
    return OK;
}
