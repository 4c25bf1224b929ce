#include "query/sql.h"

#include "base/buf.h"
#include "query/column.h"

/* SQLite's parser has a stack of 100 entries; what the statement around the condition and one comparison need is left
 * free.  A group takes up to three entries while its members are read. */
enum { STACK_MAX = 55, STACK_PER_GROUP = 3 };
/* SQLite bounds the depth of an expression (1000), and "a AND b AND c ..." is as deep as it is long. */
enum { RUN_MAX = 128 };

struct writer {
    struct arena *arena;
    struct buf text;
    struct query_sql_param *params;
    size_t param_count, param_size;
    size_t condition_count;
    bool is_exact;
};

/* The same text as facts_url_write() makes.  NULL without a host.  Made of operators alone, since the index's readers
 * allow no functions but those that sql.h names. */
static const char URL[] = "CASE WHEN host IS NOT NULL THEN "
                          "CASE WHEN scheme IS NULL THEN '' ELSE scheme END || '://'"
                          " || CASE WHEN query_contains(host, ':') THEN '[' || host || ']' ELSE host END"
                          " || CASE WHEN port IS NULL OR (port = 80 AND scheme IN ('http', 'ws'))"
                          " OR (port = 443 AND scheme IN ('https', 'wss')) THEN '' ELSE ':' || port END"
                          " || CASE WHEN path IS NULL OR path = '*' THEN '' ELSE path END"
                          " || CASE WHEN query IS NULL THEN '' ELSE '?' || query END END";

static struct err put(struct writer *writer, const char *text) { return buf_append(&writer->text, str_from(text)); }

/* Whether a comparison with that many values would pass the bounds. */
static bool is_full(const struct writer *writer, size_t value_count)
{
    enum { COMPARISON_BYTES_MAX = 4096, VALUE_BYTES_MAX = 128 };
    size_t bytes = COMPARISON_BYTES_MAX + value_count * VALUE_BYTES_MAX;

    return writer->text.len + bytes > QUERY_SQL_BYTES_MAX ||
           writer->param_count + 2 * value_count > QUERY_SQL_PARAMS_MAX ||
           writer->condition_count >= QUERY_SQL_CONDITIONS_MAX;
}

/* Writes "?n". */
static struct err put_param(struct writer *writer, struct query_sql_param param)
{
    if (writer->param_count == writer->param_size) {
        size_t size = writer->param_size ? writer->param_size * 2 : 16;
        struct query_sql_param *params = arena_alloc(writer->arena, size * sizeof(*params));

        if (!params)
            return ERR(ERR_LIMIT, 0, "no room for parameters");
        if (writer->param_count)
            memcpy(params, writer->params, writer->param_count * sizeof(*params));
        writer->params = params;
        writer->param_size = size;
    }
    writer->params[writer->param_count++] = param;
    return buf_format(&writer->text, "?%zu", writer->param_count);
}

static struct err put_integer(struct writer *writer, int64_t integer)
{
    return put_param(writer, (struct query_sql_param){.type = QUERY_SQL_INTEGER, .integer = integer});
}

static struct err put_blob(struct writer *writer, struct str bytes)
{
    return put_param(writer, (struct query_sql_param){.type = QUERY_SQL_BLOB, .text = bytes});
}

/* By the rule that columns are stored by. */
static struct err put_text(struct writer *writer, struct str text)
{
    enum query_sql_param_type type = query_column_is_text(text) ? QUERY_SQL_TEXT : QUERY_SQL_BLOB;

    return put_param(writer, (struct query_sql_param){.type = type, .text = text});
}

static const char *expression_of(const struct query_node *node)
{
    return node->field->origin == QUERY_FROM_URL ? URL : query_column_name(node->field->column);
}

/* Whether SQL can say something about the condition. */
static bool is_expressible_leaf(const struct query_node *node)
{
    bool is_list;

    if (node->type != QUERY_NODE_COMPARE || node->is_original)
        return false;
    if (node->field->origin != QUERY_FROM_COLUMN && node->field->origin != QUERY_FROM_URL)
        return false;
    is_list = node->field->traits & QUERY_FIELD_LIST;
    return !is_list || node->op == QUERY_OP_PRESENT || node->op == QUERY_OP_EQUAL || node->op == QUERY_OP_CONTAINS;
}

/* For AND one expressible child is enough, for OR all must be; under NOT the two change places. */
static bool is_expressible(const struct query_node *node, bool is_negated)
{
    bool wants_one = (node->type == QUERY_NODE_AND) != is_negated;

    if (node->type == QUERY_NODE_NOT)
        return is_expressible(node->children[0], !is_negated);
    if (node->type != QUERY_NODE_AND && node->type != QUERY_NODE_OR)
        return is_expressible_leaf(node);
    for (size_t i = 0; i < node->child_count; i++) {
        if (is_expressible(node->children[i], is_negated) == wants_one)
            return wants_one;
    }
    return !wants_one;
}

static const char *order_sign(enum query_op op)
{
    switch (op) {
    case QUERY_OP_LESS:
        return "<";
    case QUERY_OP_LESS_EQUAL:
        return "<=";
    case QUERY_OP_GREATER:
        return ">";
    default:
        return ">=";
    }
}

/* "column = ?" or "column IN (?, ?)" with one parameter a value, as `put_value` writes it. */
static struct err put_one_of(struct writer *writer, const struct query_node *node, const char *expression,
                             struct err (*put_value)(struct writer *, const struct query_value *))
{
    TRY(put(writer, expression));
    TRY(put(writer, node->value_count == 1 ? " = " : " IN ("));
    for (size_t i = 0; i < node->value_count; i++) {
        TRY(put(writer, i ? ", " : ""));
        TRY(put_value(writer, &node->values[i]));
    }
    return put(writer, node->value_count == 1 ? "" : ")");
}

static struct err put_text_value(struct writer *writer, const struct query_value *value)
{
    return put_text(writer, value->text);
}

static struct err put_folded_value(struct writer *writer, const struct query_value *value)
{
    return put_text(writer, value->folded);
}

static struct err put_blob_value(struct writer *writer, const struct query_value *value)
{
    return put_blob(writer, value->text);
}

static struct err put_integer_value(struct writer *writer, const struct query_value *value)
{
    return put_integer(writer, value->integer);
}

/* Times are compared with the whole of what is meant. */
static struct err write_time_equal(struct writer *writer, const struct query_node *node, const char *column)
{
    TRY(put(writer, "("));
    for (size_t i = 0; i < node->value_count; i++) {
        TRY(put(writer, i ? " OR " : ""));
        TRY(buf_format(&writer->text, "%s >= ", column));
        TRY(put_integer(writer, node->values[i].integer));
        TRY(buf_format(&writer->text, " AND %s < ", column));
        TRY(put_integer(writer, node->values[i].until));
    }
    return put(writer, ")");
}

/* A member of a comma list, looked for with a comma on both sides.  Members are lower-case names of ASCII, so that
 * looking in any case finds the same. */
static struct err write_list_equal(struct writer *writer, const struct query_node *node, const char *column)
{
    TRY(put(writer, "("));
    for (size_t i = 0; i < node->value_count; i++) {
        struct str name = node->values[i].text;
        struct str wrapped;

        TRY(put(writer, i ? " OR " : ""));
        if (name.len == 0 || str_find_char(name, ',') != STR_ABSENT || !str_eq(name, node->values[i].folded) ||
            !query_column_is_text(name)) {
            TRY(put(writer, "0"));
            continue;
        }
        TRY(arena_format(writer->arena, &wrapped, ",%.*s,", STR_ARG(name)));
        TRY(buf_format(&writer->text, "query_contains(',' || %s || ',', ", column));
        TRY(put_text(writer, wrapped));
        TRY(put(writer, ")"));
    }
    return put(writer, ")");
}

static struct err write_equal(struct writer *writer, const struct query_node *node)
{
    const char *expression = expression_of(node);
    char wrapped[sizeof(URL) + 32];

    if (node->field->type == QUERY_TIME)
        return write_time_equal(writer, node, expression);
    if (node->field->type != QUERY_TEXT)
        return put_one_of(writer, node, expression, put_integer_value);
    if (node->field->traits & QUERY_FIELD_LIST)
        return write_list_equal(writer, node, expression);
    if (node->field->traits & QUERY_FIELD_NOCASE) {
        snprintf(wrapped, sizeof(wrapped), "query_fold(%s)", expression);
        return put_one_of(writer, node, wrapped, put_folded_value);
    }
    if (node->field->origin != QUERY_FROM_URL)
        return put_one_of(writer, node, expression, put_text_value);
    /* An expression is always TEXT, whatever its bytes are. */
    snprintf(wrapped, sizeof(wrapped), "CAST(%s AS BLOB)", expression);
    return put_one_of(writer, node, wrapped, put_blob_value);
}

static struct err write_order(struct writer *writer, const struct query_node *node)
{
    bool is_text = node->field->type == QUERY_TEXT;

    TRY(buf_format(&writer->text, is_text ? "CAST(%s AS BLOB) %s " : "%s %s ", expression_of(node),
                   order_sign(node->op)));
    return is_text ? put_blob(writer, node->values->text) : put_integer(writer, node->values->integer);
}

static struct err write_contains(struct writer *writer, const struct query_node *node)
{
    struct str folded = node->values->folded;

    /* No member of a list holds a comma. */
    if ((node->field->traits & QUERY_FIELD_LIST) && str_find_char(folded, ',') != STR_ABSENT)
        return put(writer, "0");
    TRY(buf_format(&writer->text, "query_contains(%s, ", expression_of(node)));
    TRY(put_text(writer, folded));
    return put(writer, ")");
}

/* NULL, a limit reached, is "perhaps" either way. */
static struct err write_matches(struct writer *writer, const struct query_node *node, bool is_negated)
{
    writer->is_exact = false;
    TRY(put(writer, "query_matches("));
    TRY(put_param(writer, (struct query_sql_param){.type = QUERY_SQL_REGEX, .regex = node->values->regex}));
    return buf_format(&writer->text, ", %s) IS NOT %d", expression_of(node), is_negated ? 1 : 0);
}

static struct err write_leaf(struct writer *writer, const struct query_node *node, bool is_negated)
{
    writer->condition_count++;
    if (node->op == QUERY_OP_MATCHES)
        return write_matches(writer, node, is_negated);
    if (node->op == QUERY_OP_PRESENT)
        return buf_format(&writer->text, "(%s) IS %s", expression_of(node), is_negated ? "NULL" : "NOT NULL");
    TRY(put(writer, is_negated ? "(" : ""));
    if (node->op == QUERY_OP_EQUAL)
        TRY(write_equal(writer, node));
    else if (node->op == QUERY_OP_CONTAINS)
        TRY(write_contains(writer, node));
    else
        TRY(write_order(writer, node));
    /* Absence makes a comparison NULL, and NOT of it true. */
    return put(writer, is_negated ? ") IS NOT TRUE" : "");
}

static struct err write_node(struct writer *writer, const struct query_node *node, bool is_negated, unsigned stack);

/* How one group's members are joined. */
struct run {
    const struct query_node **nodes;
    size_t count;
    const char *joint; /* " AND " or " OR " */
    bool is_negated;
    unsigned stack;
};

/* Long runs are split into runs of runs, so that none is too deep. */
static struct err write_run(struct writer *writer, struct run run)
{
    size_t step = run.count > RUN_MAX ? RUN_MAX : 1;

    TRY(put(writer, "("));
    for (size_t start = 0; start < run.count; start += step) {
        struct run inner = run;

        inner.nodes = run.nodes + start;
        inner.count = run.count - start < step ? run.count - start : step;
        inner.stack += STACK_PER_GROUP;
        TRY(put(writer, start ? run.joint : ""));
        if (step > 1)
            TRY(write_run(writer, inner));
        else
            TRY(write_node(writer, *inner.nodes, run.is_negated, inner.stack));
    }
    return put(writer, ")");
}

static struct err write_group(struct writer *writer, const struct query_node *node, bool is_negated, unsigned stack)
{
    bool is_and = (node->type == QUERY_NODE_AND) != is_negated;
    struct run run = {.joint = is_and ? " AND " : " OR ", .is_negated = is_negated, .stack = stack};

    run.nodes = arena_alloc(writer->arena, node->child_count * sizeof(*run.nodes));
    if (!run.nodes)
        return ERR(ERR_LIMIT, 0, "no room for conditions");
    for (size_t i = 0; i < node->child_count; i++) {
        if (is_expressible(node->children[i], is_negated))
            run.nodes[run.count++] = node->children[i];
        else
            writer->is_exact = false;
    }
    return write_run(writer, run);
}

/* Writes a condition that no row fails which the node, negated or not, accepts. */
static struct err write_node(struct writer *writer, const struct query_node *node, bool is_negated, unsigned stack)
{
    if (!is_expressible(node, is_negated) || is_full(writer, node->value_count) || stack > STACK_MAX) {
        writer->is_exact = false;
        return put(writer, "1");
    }
    if (node->type == QUERY_NODE_NOT)
        return write_node(writer, node->children[0], !is_negated, stack);
    if (node->type == QUERY_NODE_COMPARE)
        return write_leaf(writer, node, is_negated);
    return write_group(writer, node, is_negated, stack);
}

struct err query_sql(const struct query_tree *tree, struct arena *arena, struct query_sql *ret_sql)
{
    struct writer writer = {.arena = arena, .is_exact = true};
    struct str where;
    struct err failure;

    /* Comparisons stop before the bound; what is left is for the signs between them. */
    buf_init(&writer.text, (size_t)2 * QUERY_SQL_BYTES_MAX);
    failure = tree->root ? write_node(&writer, tree->root, false, 0) : put(&writer, "1");
    if (!err_is(failure))
        failure = arena_copy(arena, buf_str(&writer.text), &where);
    buf_deinit(&writer.text);
    TRY(failure);
    *ret_sql = (struct query_sql){where, writer.params, writer.param_count, writer.is_exact};
    return OK;
}
