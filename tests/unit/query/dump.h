/* dump.h - a query's tree as one line of text, for tests to compare. */
#ifndef TESTS_UNIT_QUERY_DUMP_H
#define TESTS_UNIT_QUERY_DUMP_H

#include "base/buf.h"
#include "query/tree.h"

static void dump_node(struct buf *out, const struct query_node *node);

static void dump_text(struct buf *out, const char *text) { IGNORE(buf_append(out, str_from(text))); }

static void dump_bytes(struct buf *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];

        IGNORE(c < 0x20 ? buf_format(out, "\\x%02X", c) : buf_append_char(out, (char)c));
    }
}

static void dump_value(struct buf *out, const struct query_node *node, const struct query_value *value)
{
    if (node->field->type == QUERY_TIME && node->op == QUERY_OP_EQUAL) {
        IGNORE(buf_format(out, "%lld..%lld", (long long)value->integer, (long long)value->until));
    } else if (node->field->type != QUERY_TEXT) {
        IGNORE(buf_format(out, "%lld", (long long)value->integer));
    } else {
        dump_text(out, node->op == QUERY_OP_MATCHES ? "/" : "'");
        dump_bytes(out, node->op == QUERY_OP_CONTAINS ? value->folded : value->text);
        dump_text(out, node->op == QUERY_OP_MATCHES ? "/" : "'");
    }
}

static void dump_comparison(struct buf *out, const struct query_node *node)
{
    static const char *const ops[] = {
        [QUERY_OP_PRESENT] = "?",     [QUERY_OP_EQUAL] = "=",    [QUERY_OP_LESS] = "<",
        [QUERY_OP_LESS_EQUAL] = "<=", [QUERY_OP_GREATER] = ">",  [QUERY_OP_GREATER_EQUAL] = ">=",
        [QUERY_OP_CONTAINS] = ":",    [QUERY_OP_MATCHES] = "=~",
    };

    dump_text(out, node->is_original ? "orig." : "");
    dump_text(out, node->field->name);
    if (node->name.len) {
        dump_text(out, "[");
        dump_bytes(out, node->name);
        dump_text(out, "]");
    }
    dump_text(out, ops[node->op]);
    for (size_t i = 0; i < node->value_count; i++) {
        dump_text(out, i ? "," : "");
        dump_value(out, node, &node->values[i]);
    }
}

static void dump_group(struct buf *out, const struct query_node *node, const char *name)
{
    dump_text(out, name);
    for (size_t i = 0; i < node->child_count; i++) {
        dump_text(out, i ? " " : "(");
        dump_node(out, node->children[i]);
    }
    dump_text(out, ")");
}

static void dump_node(struct buf *out, const struct query_node *node)
{
    switch (node->type) {
    case QUERY_NODE_AND:
        dump_group(out, node, "and");
        break;
    case QUERY_NODE_OR:
        dump_group(out, node, "or");
        break;
    case QUERY_NODE_NOT:
        dump_group(out, node, "not");
        break;
    case QUERY_NODE_COMPARE:
        dump_comparison(out, node);
        break;
    case QUERY_NODE_ANYWHERE:
        dump_text(out, "\"");
        dump_bytes(out, node->values->folded);
        dump_text(out, "\"");
        break;
    case QUERY_NODE_IN_SCOPE:
        dump_text(out, "scope");
        break;
    }
}

#endif
