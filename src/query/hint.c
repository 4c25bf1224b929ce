#include "query/hint.h"

#include "base/arena.h"
#include "query/field.h"
#include "query/lexer.h"
#include "query/predicate.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What may stand at a place of the text. */
enum place {
    PLACE_CONDITION,
    PLACE_AFTER_FIELD, /* behind a field's name and a blank */
    PLACE_AFTER_CONDITION,
    PLACE_VALUE,
    PLACE_PREDICATE, /* behind "is:" */
    PLACE_NOWHERE,   /* inside a string, or where nothing is known to fit */
};

struct cursor {
    struct query_lexer lexer;
    enum place place;
    struct str word;  /* the word before an operator */
    struct str typed; /* what is typed of the word at the cursor */
    struct query_hints *hints;
};

static const struct {
    const char *field;
    struct str values[8];
} field_values[] = {
    {"source", {{"proxy", 5}, {"sender", 6}, {"import", 6}}},
    {"kind", {{"http", 4}, {"websocket", 9}, {"tunnel", 6}, {"handshake", 9}}},
    {"req.scheme", {{"https", 5}, {"http", 4}, {"tcp", 3}, {"tls", 3}}},
    {"req.method", {{"GET", 3}, {"POST", 4}, {"PUT", 3}, {"DELETE", 6}, {"PATCH", 5}, {"HEAD", 4}, {"OPTIONS", 7}}},
    {"req.proto", {{"HTTP/1.1", 8}, {"HTTP/2", 6}, {"HTTP/1.0", 8}}},
    {"res.proto", {{"HTTP/1.1", 8}, {"HTTP/2", 6}, {"HTTP/1.0", 8}}},
};

static const struct str type_values[][4] = {
    [QUERY_TEXT] = {{NULL, 0}},
    [QUERY_INTEGER] = {{NULL, 0}},
    [QUERY_SIZE] = {{"1kb", 3}, {"100kb", 5}, {"1mb", 3}},
    [QUERY_DURATION] = {{"100ms", 5}, {"1s", 2}, {"10s", 3}},
    [QUERY_TIME] = {{"today", 5}, {"yesterday", 9}, {"-1h", 3}, {"-10m", 4}},
    [QUERY_BOOLEAN] = {{"true", 4}, {"false", 5}},
};

static const struct {
    struct str text;
    bool text_only, ordered_only;
    const char *about;
} operators[] = {
    {{"=", 1}, false, false, "equal"},
    {{"!=", 2}, false, false, "not equal, or absent"},
    {{":", 1}, true, false, "contains, in any case"},
    {{"!:", 2}, true, false, "does not contain"},
    {{"=~", 2}, true, false, "matches a regular expression"},
    {{"!~", 2}, true, false, "does not match"},
    {{">", 1}, false, true, "greater"},
    {{">=", 2}, false, true, "greater or equal"},
    {{"<", 1}, false, true, "less"},
    {{"<=", 2}, false, true, "less or equal"},
    {{"IN (", 4}, false, false, "one of a list"},
};

static void add(struct cursor *cursor, enum query_hint_kind kind, struct str text, const char *about)
{
    struct query_hints *hints = cursor->hints;

    if (hints->count < COUNT(hints->hints) && str_starts_nocase(text, cursor->typed))
        hints->hints[hints->count++] = (struct query_hint){kind, text, str_from(about)};
}

static void add_predicates(struct cursor *cursor)
{
    struct str word, value, about;

    for (size_t i = 0; query_predicate_at(i, &word, &value, &about); i++) {
        if (str_eq_nocase(word, cursor->word))
            add(cursor, QUERY_HINT_PREDICATE, value, about.ptr);
    }
}

static void add_fields(struct cursor *cursor)
{
    static const struct str words[] = {{"is:", 3}, {"has:", 4}, {"from:", 5}, {"in:", 3}};

    for (size_t i = 0; i < query_field_count(); i++) {
        const struct query_field *field = query_field_at(i);
        struct str alias, rest;

        add(cursor, QUERY_HINT_FIELD, str_from(field->name), field->about);
        /* "ho" means host before it means anything else. */
        str_cut(str_from(field->aliases), ' ', &alias, &rest);
        if (alias.len && cursor->typed.len && str_find_char(alias, '.') == STR_ABSENT)
            add(cursor, QUERY_HINT_FIELD, alias, field->about);
    }
    for (size_t i = 0; i < COUNT(words); i++)
        add(cursor, QUERY_HINT_PREDICATE, words[i], "");
    add(cursor, QUERY_HINT_KEYWORD, STR("NOT"), "");
}

static void add_operators(struct cursor *cursor, struct str word)
{
    struct query_field_match match;
    enum query_type type;

    if (!query_field_find(word, &match))
        return;
    type = match.fields[0]->type;
    for (size_t i = 0; i < COUNT(operators); i++) {
        bool fits = !(operators[i].text_only && type != QUERY_TEXT) &&
                    !(operators[i].ordered_only && (type == QUERY_TEXT || type == QUERY_BOOLEAN));

        if (fits)
            add(cursor, QUERY_HINT_OPERATOR, operators[i].text, operators[i].about);
    }
}

static void add_values(struct cursor *cursor)
{
    struct query_field_match match;
    const struct query_field *field;

    if (!query_field_find(cursor->word, &match))
        return;
    field = match.fields[0];
    cursor->hints->field = str_from(field->name);
    for (size_t i = 0; i < COUNT(type_values[0]) && type_values[field->type][i].ptr; i++)
        add(cursor, QUERY_HINT_VALUE, type_values[field->type][i], "");
    for (size_t i = 0; i < COUNT(field_values); i++) {
        bool is_it = strcmp(field_values[i].field, field->name) == 0;

        for (size_t j = 0; is_it && j < COUNT(field_values[i].values) && field_values[i].values[j].ptr; j++)
            add(cursor, QUERY_HINT_VALUE, field_values[i].values[j], "");
    }
}

static void add_all(struct cursor *cursor)
{
    switch (cursor->place) {
    case PLACE_CONDITION:
        add_fields(cursor);
        break;
    case PLACE_AFTER_FIELD:
        add_operators(cursor, cursor->word);
        add(cursor, QUERY_HINT_KEYWORD, STR("AND"), "");
        add(cursor, QUERY_HINT_KEYWORD, STR("OR"), "");
        break;
    case PLACE_AFTER_CONDITION:
        add(cursor, QUERY_HINT_KEYWORD, STR("AND"), "");
        add(cursor, QUERY_HINT_KEYWORD, STR("OR"), "");
        add_fields(cursor);
        break;
    case PLACE_VALUE:
        add_values(cursor);
        break;
    case PLACE_PREDICATE:
        add_predicates(cursor);
        break;
    case PLACE_NOWHERE:
        break;
    }
}

static bool is_at_end(const struct cursor *cursor) { return cursor->lexer.at >= cursor->lexer.text.len; }

static bool is_keyword(struct str word)
{
    return str_eq_nocase(word, STR("and")) || str_eq_nocase(word, STR("or")) || str_eq_nocase(word, STR("not"));
}

/* Takes the next token as it would be read; a word that ends at the cursor is what is being typed.  False when there is
 * nothing more to read. */
static bool take(struct cursor *cursor, enum query_lexer_place place, struct query_token *token)
{
    struct query_lexer_fault fault;

    if (err_is(query_lexer_next(&cursor->lexer, place, token, &fault))) {
        cursor->place = PLACE_NOWHERE;
        return false;
    }
    if (token->type == QUERY_TOKEN_END)
        return false;
    if (token->type == QUERY_TOKEN_WORD && is_at_end(cursor)) {
        cursor->typed = token->text;
        return false;
    }
    return true;
}

static bool read_value(struct cursor *cursor, enum query_operator op)
{
    bool is_pattern = op == QUERY_IS_LIKE_REGEX || op == QUERY_IS_NOT_LIKE_REGEX;
    bool is_predicate = op == QUERY_HAS && query_predicate_is(cursor->word);
    struct query_token token;

    cursor->place = is_predicate ? PLACE_PREDICATE : PLACE_VALUE;
    if (!take(cursor, is_pattern ? QUERY_LEXER_PATTERN : QUERY_LEXER_VALUE, &token))
        return false;
    cursor->place = PLACE_AFTER_CONDITION;
    return true;
}

static bool read_list(struct cursor *cursor)
{
    struct query_token token;

    do {
        cursor->place = PLACE_VALUE;
        if (!take(cursor, QUERY_LEXER_LIST, &token))
            return false;
    } while (token.type != QUERY_TOKEN_CLOSE);
    cursor->place = PLACE_AFTER_CONDITION;
    return true;
}

/* One token and what belongs to it.  False at the cursor. */
static bool read_on(struct cursor *cursor)
{
    struct query_token token;
    struct query_token op;

    if (!take(cursor, QUERY_LEXER_OPERAND, &token))
        return false;
    if (token.type == QUERY_TOKEN_WORD && is_keyword(token.text)) {
        cursor->place = PLACE_CONDITION;
        return true;
    }
    if (token.type != QUERY_TOKEN_WORD) {
        cursor->place = token.type == QUERY_TOKEN_CLOSE || token.type == QUERY_TOKEN_STRING ? PLACE_AFTER_CONDITION
                                                                                            : PLACE_CONDITION;
        return true;
    }
    cursor->word = token.base;
    if (query_lexer_in(&cursor->lexer))
        return read_list(cursor);
    if (query_lexer_operator(&cursor->lexer, &op))
        return read_value(cursor, op.op);
    cursor->place = PLACE_AFTER_FIELD;
    return true;
}

void query_hint(struct str text, size_t position, struct query_hints *ret_hints)
{
    enum { ARENA_BYTES_MAX = 1024 * 1024 };
    struct arena arena;
    struct cursor cursor = {.place = PLACE_CONDITION, .hints = ret_hints};

    *ret_hints = (struct query_hints){0};
    arena_init(&arena, ARENA_BYTES_MAX);
    cursor.lexer = (struct query_lexer){.text = str_head(text, position), .arena = &arena};
    while (read_on(&cursor)) {
        /* Up to the cursor. */
    }
    ret_hints->start = cursor.lexer.text.len - cursor.typed.len;
    ret_hints->len = cursor.typed.len;
    add_all(&cursor);
    arena_deinit(&arena);
}
