#include "query/parser.h"

#include "base/log.h"
#include "base/utf8.h"
#include "query/fold.h"

#include <stdarg.h>
#include <stdio.h>

/* Copies as many whole code points as fit. */
static void copy_clipped(struct str text, char *copy, size_t size)
{
    size_t len = 0;

    while (len < text.len) {
        uint32_t point;
        size_t sequence_len = utf8_decode(str_skip(text, len), &point);

        if (sequence_len == 0 || point < 0x20 || len + sequence_len >= size)
            break;
        len += sequence_len;
    }
    if (len)
        memcpy(copy, text.ptr, len);
    copy[len] = '\0';
}

struct err query_parser_fault(struct query_parser *parser, struct query_span span, struct str suggestion,
                              const char *format, ...)
{
    char message[2 * sizeof(parser->error->message)];
    va_list arguments;

    query_parse_place(parser->tree->text, span.position, span.len, parser->error);
    copy_clipped(suggestion, parser->error->suggestion, sizeof(parser->error->suggestion));
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    copy_clipped(str_from(message), parser->error->message, sizeof(parser->error->message));
    return ERR(ERR_SYNTAX, 0, "query is not valid");
}

struct err query_parser_limit(struct query_parser *parser, struct query_span span, const char *what, unsigned max)
{
    IGNORE(query_parser_fault(parser, span, STR_NONE, "too %s: at most %u", what, max)); /* Only to fill it. */
    return ERR(ERR_LIMIT, 0, "query too large");
}

struct query_shown query_parser_shown(struct str text)
{
    struct query_shown shown;

    log_safe(text, shown.text, sizeof(shown.text));
    return shown;
}

struct err query_parser_next(struct query_parser *parser, enum query_lexer_place place_of_token,
                             struct query_token *ret_token)
{
    struct query_lexer_fault fault = {0};
    struct err failure = query_lexer_next(&parser->lexer, place_of_token, ret_token, &fault);

    if (failure.code == ERR_SYNTAX)
        return query_parser_fault(parser, (struct query_span){fault.position, fault.len}, str_from(fault.instead), "%s",
                                  fault.what);
    if (err_is(failure))
        return query_parser_limit(parser, (struct query_span){0, 0}, "many bytes of memory",
                                  (unsigned)parser->tree->arena.max_bytes);
    return OK;
}

struct err query_parser_alloc(struct query_parser *parser, size_t size, void **ret_memory)
{
    *ret_memory = arena_zalloc(&parser->tree->arena, size);
    if (!*ret_memory)
        return query_parser_limit(parser, (struct query_span){0, 0}, "many bytes of memory",
                                  (unsigned)parser->tree->arena.max_bytes);
    return OK;
}

struct err query_parser_node(struct query_parser *parser, enum query_node_type type, struct query_span span,
                             struct query_node **ret_node)
{
    void *memory;

    if (parser->tree->node_count >= QUERY_PARSE_NODES_MAX)
        return query_parser_limit(parser, span, "many conditions", QUERY_PARSE_NODES_MAX);
    TRY(query_parser_alloc(parser, sizeof(**ret_node), &memory));
    parser->tree->node_count++;
    *ret_node = memory;
    (*ret_node)->type = type;
    (*ret_node)->position = span.position;
    (*ret_node)->len = span.len;
    return OK;
}

struct err query_parser_not(struct query_parser *parser, struct query_span span, struct query_node *child,
                            struct query_node **ret_node)
{
    void *memory;

    TRY(query_parser_node(parser, QUERY_NODE_NOT, span, ret_node));
    TRY(query_parser_alloc(parser, sizeof(*(*ret_node)->children), &memory));
    (*ret_node)->children = memory;
    (*ret_node)->children[0] = child;
    (*ret_node)->child_count = 1;
    (*ret_node)->cost = child->cost;
    return OK;
}

struct err query_parser_add(struct query_parser *parser, struct query_group *group, struct query_node *node)
{
    if (group->count == group->size) {
        size_t size = group->size ? group->size * 2 : 4;
        void *memory;

        TRY(query_parser_alloc(parser, size * sizeof(struct query_node *), &memory));
        if (group->count)
            memcpy(memory, group->nodes, group->count * sizeof(struct query_node *));
        group->nodes = memory;
        group->size = size;
    }
    group->nodes[group->count++] = node;
    return OK;
}

/* By cost, and as written among equals. */
static int compare_cost(const void *left, const void *right)
{
    const struct query_node *a = *(struct query_node *const *)left;
    const struct query_node *b = *(struct query_node *const *)right;

    if (a->cost != b->cost)
        return a->cost < b->cost ? -1 : 1;
    return (a->position > b->position) - (a->position < b->position);
}

struct err query_parser_close(struct query_parser *parser, enum query_node_type type, struct query_group *group,
                              struct query_node **ret_node)
{
    struct query_node *node;
    const struct query_node *last = group->nodes[group->count - 1];
    size_t start = group->nodes[0]->position;

    if (group->count == 1) {
        *ret_node = group->nodes[0];
        return OK;
    }
    TRY(query_parser_node(parser, type, (struct query_span){start, last->position + last->len - start}, &node));
    node->children = group->nodes;
    node->child_count = group->count;
    for (size_t i = 0; i < group->count; i++)
        node->cost += group->nodes[i]->cost;
    qsort(node->children, node->child_count, sizeof(struct query_node *), compare_cost);
    *ret_node = node;
    return OK;
}

struct err query_parser_fold(struct query_parser *parser, struct str text, struct str *ret_folded)
{
    void *memory;

    TRY(query_parser_alloc(parser, query_fold_max_len(text.len), &memory));
    *ret_folded = (struct str){memory, query_fold(text, memory)};
    return OK;
}
