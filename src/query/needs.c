#include "query/needs.h"

#include <stdio.h>

static struct query_needs of_comparison(const struct query_node *node)
{
    enum query_origin origin = node->field->origin;
    bool is_body = origin == QUERY_FROM_BODY || origin == QUERY_FROM_RAW || origin == QUERY_FROM_PARAM;
    struct query_needs needs = {.phase = node->field->phase};

    needs.request_body = is_body && node->field->side == EXCHANGE_REQUEST;
    needs.response_body = is_body && node->field->side == EXCHANGE_RESPONSE;
    needs.head = origin == QUERY_FROM_HEADER || origin == QUERY_FROM_HEADERS || origin == QUERY_FROM_COOKIE ||
                 origin == QUERY_FROM_PARAM || node->is_original;
    needs.marks = origin == QUERY_FROM_MARKS;
    return needs;
}

/* What a node needs apart from its children. */
static struct query_needs of_node(const struct query_node *node)
{
    switch (node->type) {
    case QUERY_NODE_COMPARE:
        return of_comparison(node);
    case QUERY_NODE_ANYWHERE:
        return (struct query_needs){.phase = QUERY_AT_END, .request_body = true, .response_body = true, .head = true};
    case QUERY_NODE_IN_SCOPE:
        return (struct query_needs){.phase = QUERY_AT_REQUEST_HEAD, .scope = true};
    default:
        return (struct query_needs){0};
    }
}

static void add(struct query_needs *sum, struct query_needs more)
{
    sum->phase = more.phase > sum->phase ? more.phase : sum->phase;
    sum->request_body |= more.request_body;
    sum->response_body |= more.response_body;
    sum->head |= more.head;
    sum->marks |= more.marks;
    sum->scope |= more.scope;
}

static void add_all(struct query_needs *sum, const struct query_node *node)
{
    add(sum, of_node(node));
    for (size_t i = 0; i < node->child_count; i++)
        add_all(sum, node->children[i]);
}

struct query_needs query_needs(const struct query_tree *tree)
{
    struct query_needs needs = {.phase = QUERY_AT_BEGIN};

    if (tree->root)
        add_all(&needs, tree->root);
    return needs;
}

/* The first condition in the text that needs a later phase; NULL when there is none. */
static const struct query_node *first_too_late(const struct query_node *node, enum query_phase phase)
{
    const struct query_node *first = of_node(node).phase > phase ? node : NULL;

    for (size_t i = 0; i < node->child_count; i++) {
        const struct query_node *found = first_too_late(node->children[i], phase);

        if (found && (!first || found->position < first->position))
            first = found;
    }
    return first;
}

static const char *phase_text(enum query_phase phase)
{
    static const char *const texts[] = {[QUERY_AT_BEGIN] = "at the connection",
                                        [QUERY_AT_REQUEST_HEAD] = "with the request's head",
                                        [QUERY_AT_REQUEST_END] = "at the request's end",
                                        [QUERY_AT_RESPONSE_HEAD] = "with the response's head",
                                        [QUERY_AT_RESPONSE_END] = "at the response's end",
                                        [QUERY_AT_END] = "after the exchange"};

    return texts[phase];
}

struct err query_needs_check(const struct query_tree *tree, enum query_phase phase, struct query_error *ret_error)
{
    const struct query_node *node = tree->root ? first_too_late(tree->root, phase) : NULL;
    const char *name;

    if (!node)
        return OK;
    name = node->type == QUERY_NODE_COMPARE ? node->field->name : "text anywhere";
    query_parse_place(tree->text, node->position, node->len, ret_error);
    snprintf(ret_error->message, sizeof(ret_error->message), "%s is known %s, and this is asked %s", name,
             phase_text(of_node(node).phase), phase_text(phase));
    return ERR(ERR_DENIED, 0, "query needs what is not known yet");
}
