#include "query/literals.h"

#include "query/fold.h"
#include "query/pattern.h"

struct search {
    struct arena *arena;
    size_t text_count, rows_count;
    bool in_heads, in_bodies; /* of the condition at hand */
};

static struct query_literals *new_group(struct search *search, enum query_literals_type type, size_t room)
{
    struct query_literals *node = arena_zalloc(search->arena, sizeof(*node));

    if (!node)
        return NULL;
    node->type = type;
    node->children = arena_alloc(search->arena, room * sizeof(*node->children));
    return node->children ? node : NULL;
}

static struct query_literals *text(struct search *search, struct str folded)
{
    struct query_literals *node;

    if (folded.len < QUERY_LITERALS_LEN_MIN || search->text_count == QUERY_LITERALS_MAX)
        return NULL;
    node = arena_zalloc(search->arena, sizeof(*node));
    if (!node)
        return NULL;
    search->text_count++;
    *node = (struct query_literals){.folded = folded, .in_heads = search->in_heads, .in_bodies = search->in_bodies};
    return node;
}

/* Both must hold; one that is not known asks for nothing. */
static struct query_literals *both(struct search *search, struct query_literals *a, struct query_literals *b)
{
    struct query_literals *node;

    if (!a || !b)
        return a ? a : b;
    node = new_group(search, QUERY_LITERALS_AND, 2);
    if (!node)
        return a;
    node->children[node->child_count++] = a;
    node->children[node->child_count++] = b;
    return node;
}

/* One of the values. */
static struct query_literals *of_values(struct search *search, const struct query_node *node)
{
    struct query_literals *group = new_group(search, QUERY_LITERALS_OR, node->value_count);

    for (size_t i = 0; group && i < node->value_count; i++) {
        struct query_literals *value = text(search, node->values[i].folded);

        if (!value)
            return NULL;
        group->children[group->child_count++] = value;
    }
    return group;
}

/* Says of texts from a pattern where they stand; false when they are too many. */
static bool place(struct search *search, struct query_literals *node)
{
    if (node->type == QUERY_LITERALS_TEXT) {
        node->in_heads = search->in_heads;
        node->in_bodies = search->in_bodies;
        return search->text_count++ < QUERY_LITERALS_MAX;
    }
    for (size_t i = 0; i < node->child_count; i++) {
        if (!place(search, node->children[i]))
            return false;
    }
    return true;
}

static struct query_literals *of_pattern(struct search *search, const struct query_value *value)
{
    struct query_literals *node = value->is_extended ? NULL : query_pattern_literals(value->text, search->arena);

    return node && place(search, node) ? node : NULL;
}

static struct query_literals *of_operands(struct search *search, const struct query_node *node)
{
    switch (node->op) {
    case QUERY_OP_EQUAL:
        return of_values(search, node);
    case QUERY_OP_CONTAINS:
        return text(search, node->values->folded);
    case QUERY_OP_MATCHES:
        return of_pattern(search, node->values);
    default:
        return NULL;
    }
}

/* A name in brackets stands in the head, too, in any case. */
static struct query_literals *of_name(struct search *search, struct str name)
{
    char *folded = arena_alloc(search->arena, query_fold_max_len(name.len));

    return folded ? text(search, (struct str){folded, query_fold(name, folded)}) : NULL;
}

static struct query_literals *of_comparison(struct search *search, const struct query_node *node)
{
    search->in_heads = search->in_bodies = false;
    switch (node->field->origin) {
    case QUERY_FROM_HEADER:
    case QUERY_FROM_COOKIE:
        search->in_heads = true;
        return both(search, of_operands(search, node), of_name(search, node->name));
    case QUERY_FROM_URL:
    case QUERY_FROM_HEADERS:
        search->in_heads = true;
        return of_operands(search, node);
    case QUERY_FROM_BODY:
        search->in_bodies = true;
        return of_operands(search, node);
    default:
        return NULL;
    }
}

static struct query_literals *of_node(struct search *search, const struct query_node *node);

static bool is_of_columns(const struct query_node *node)
{
    if (node->type == QUERY_NODE_COMPARE)
        return node->field->origin == QUERY_FROM_COLUMN && !node->is_original;
    for (size_t i = 0; i < node->child_count; i++) {
        if (!is_of_columns(node->children[i]))
            return false;
    }
    return node->child_count > 0;
}

static struct query_literals *rows(struct search *search, const struct query_node *node)
{
    struct query_literals *literals;

    if (!is_of_columns(node) || search->rows_count++ >= QUERY_LITERALS_ROWS_MAX)
        return NULL;
    literals = arena_zalloc(search->arena, sizeof(*literals));
    if (literals)
        *literals = (struct query_literals){.type = QUERY_LITERALS_ROWS, .node = node};
    return literals;
}

/* Rows alone are no news: the condition in SQL says them, too. */
static struct query_literals *of_or(struct search *search, const struct query_node *node)
{
    struct query_literals *group = new_group(search, QUERY_LITERALS_OR, node->child_count);
    bool has_text = false;

    for (size_t i = 0; group && i < node->child_count; i++) {
        struct query_literals *child = of_node(search, node->children[i]);

        has_text = has_text || child;
        if (!child)
            child = rows(search, node->children[i]);
        if (!child)
            return NULL;
        group->children[group->child_count++] = child;
    }
    return has_text ? group : NULL;
}

static struct query_literals *of_and(struct search *search, const struct query_node *node)
{
    struct query_literals *group = new_group(search, QUERY_LITERALS_AND, node->child_count);

    for (size_t i = 0; group && i < node->child_count; i++) {
        struct query_literals *child = of_node(search, node->children[i]);

        if (child)
            group->children[group->child_count++] = child;
    }
    return group && group->child_count ? group : NULL;
}

static struct query_literals *of_node(struct search *search, const struct query_node *node)
{
    switch (node->type) {
    case QUERY_NODE_AND:
        return of_and(search, node);
    case QUERY_NODE_OR:
        return of_or(search, node);
    case QUERY_NODE_COMPARE:
        return of_comparison(search, node);
    case QUERY_NODE_ANYWHERE:
        search->in_heads = search->in_bodies = true;
        return text(search, node->values->folded);
    default:
        return NULL;
    }
}

const struct query_literals *query_literals(const struct query_tree *tree, struct arena *arena)
{
    struct search search = {.arena = arena};

    return tree->root ? of_node(&search, tree->root) : NULL;
}
