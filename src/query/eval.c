#include "query/eval.h"

#include "base/buf.h"
#include "http/field.h"
#include "http/target.h"
#include "model/facts_url.h"
#include "query/fold.h"
#include "query/head.h"
#include "query/json.h"
#include "query/param.h"

enum { SCRATCH_BYTES_MAX = 64 * 1024 * 1024 };

/* UNDECIDED: it could not be found out; evaluation->failure says why. */
enum verdict {
    NO,
    YES,
    UNDECIDED,
};

struct evaluation {
    struct query_subject *subject;
    const struct query_regex_limits *limits;
    struct err failure; /* the first one */
    struct buf scratch; /* for a value that must be decoded or put together */
};

/* What is absent is no failure: the comparison is false. */
static enum verdict failed(struct evaluation *evaluation, struct err failure)
{
    if (failure.code == ERR_ABSENT)
        return NO;
    if (!err_is(evaluation->failure))
        evaluation->failure = failure;
    return UNDECIDED;
}

static enum verdict verdict_of(bool is_match) { return is_match ? YES : NO; }

/* The verdict of "a or b". */
static enum verdict either(enum verdict a, enum verdict b)
{
    if (a == YES || b == YES)
        return YES;
    return a == UNDECIDED || b == UNDECIDED ? UNDECIDED : NO;
}

static enum verdict in_order(enum query_op op, int order)
{
    switch (op) {
    case QUERY_OP_LESS:
        return verdict_of(order < 0);
    case QUERY_OP_LESS_EQUAL:
        return verdict_of(order <= 0);
    case QUERY_OP_GREATER:
        return verdict_of(order > 0);
    default:
        return verdict_of(order >= 0);
    }
}

static enum verdict text_equals(const struct query_node *node, struct str text)
{
    bool is_nocase = node->field->traits & QUERY_FIELD_NOCASE;

    for (size_t i = 0; i < node->value_count; i++) {
        const struct query_value *value = &node->values[i];

        if (is_nocase ? query_fold_equals(text, value->folded) : str_eq(text, value->text))
            return YES;
    }
    return NO;
}

static enum verdict test_text(struct evaluation *evaluation, const struct query_node *node, struct str text)
{
    bool is_match = false;
    struct err failure;

    switch (node->op) {
    case QUERY_OP_PRESENT:
        return YES;
    case QUERY_OP_EQUAL:
        return text_equals(node, text);
    case QUERY_OP_CONTAINS:
        return verdict_of(query_fold_contains(text, node->values->folded));
    case QUERY_OP_MATCHES:
        failure = query_regex_match(node->values->regex, text, evaluation->limits, &is_match);
        return err_is(failure) ? failed(evaluation, failure) : verdict_of(is_match);
    default:
        return in_order(node->op, str_compare(text, node->values->text));
    }
}

static enum verdict test_integer(const struct query_node *node, int64_t integer)
{
    bool is_time = node->field->type == QUERY_TIME;

    if (node->op == QUERY_OP_PRESENT)
        return YES;
    if (node->op != QUERY_OP_EQUAL)
        return in_order(node->op, (integer > node->values->integer) - (integer < node->values->integer));
    for (size_t i = 0; i < node->value_count; i++) {
        const struct query_value *value = &node->values[i];

        if (is_time ? integer >= value->integer && integer < value->until : integer == value->integer)
            return YES;
    }
    return NO;
}

/* Members of a comma list; empty ones are none. */
static enum verdict test_list(struct evaluation *evaluation, const struct query_node *node, struct str list)
{
    enum verdict verdict = NO;

    while (list.len && verdict != YES) {
        struct str member;

        str_cut(list, ',', &member, &list);
        if (member.len)
            verdict = either(verdict, test_text(evaluation, node, member));
    }
    return verdict;
}

/* Text of a fact: empty is absent. */
static enum verdict test_fact(struct evaluation *evaluation, const struct query_node *node, struct str text)
{
    if (text.len == 0)
        return NO;
    if (node->field->traits & QUERY_FIELD_LIST)
        return test_list(evaluation, node, text);
    return test_text(evaluation, node, text);
}

static struct query_part part_of(const struct query_node *node, enum exchange_side side)
{
    return (struct query_part){side, node->is_original ? QUERY_ORIGINAL : QUERY_SENT};
}

static struct err load_head(struct evaluation *evaluation, struct query_part part, struct str *ret_head)
{
    struct query_subject *subject = evaluation->subject;

    return subject->ops->head ? subject->ops->head(subject, part, ret_head) : ERR(ERR_ABSENT, 0, NULL);
}

static struct err load_body(struct evaluation *evaluation, struct query_part part, struct str *ret_text)
{
    struct query_subject *subject = evaluation->subject;

    return subject->ops->body_text ? subject->ops->body_text(subject, part, ret_text) : ERR(ERR_ABSENT, 0, NULL);
}

static struct str request_part(struct query_head_start start, enum query_column column)
{
    struct http_target target = {0};

    if (column == QUERY_COLUMN_METHOD)
        return start.method;
    if (column == QUERY_COLUMN_CLIENT_PROTO)
        return start.version;
    if (err_is(http_target_parse(start.method, start.target, &target)))
        return STR_NONE;
    if (column == QUERY_COLUMN_QUERY)
        return target.query;
    return column == QUERY_COLUMN_EXT ? http_target_extension(target.path) : target.path;
}

static enum verdict test_original_status(const struct query_node *node, struct query_head_start start)
{
    uint64_t status;

    if (!str_to_u64(start.status, &status) || status > 999)
        return NO;
    return test_integer(node, (int64_t)status);
}

/* orig.res.type: lower-case, as the column is. */
static enum verdict test_original_type(struct evaluation *evaluation, const struct query_node *node, struct str head)
{
    struct str fields = query_head_fields(head);
    struct str type;
    char *room;

    if (!query_head_find(&fields, STR("content-type"), &type))
        return NO;
    type = http_field_media_type(type);
    buf_clear(&evaluation->scratch);
    if (err_is(buf_reserve(&evaluation->scratch, type.len, &room)))
        return failed(evaluation, ERR(ERR_LIMIT, 0, "a media type is too long"));
    for (size_t i = 0; i < type.len; i++)
        room[i] = str_fold_char(type.ptr[i]);
    return test_fact(evaluation, node, (struct str){room, type.len});
}

/* A column with orig.: read from the head that was received. */
static enum verdict test_original(struct evaluation *evaluation, const struct query_node *node)
{
    enum query_column column = node->field->column;
    bool is_response = column == QUERY_COLUMN_STATUS || column == QUERY_COLUMN_REASON || column == QUERY_COLUMN_TYPE ||
                       column == QUERY_COLUMN_ORIGIN_PROTO;
    enum exchange_side side = is_response ? EXCHANGE_RESPONSE : EXCHANGE_REQUEST;
    struct query_head_start start;
    struct str head;
    struct err failure = load_head(evaluation, part_of(node, side), &head);

    if (err_is(failure))
        return failed(evaluation, failure);
    start = query_head_start(head, side);
    if (column == QUERY_COLUMN_STATUS)
        return test_original_status(node, start);
    if (column == QUERY_COLUMN_TYPE)
        return test_original_type(evaluation, node, head);
    if (!is_response)
        return test_fact(evaluation, node, request_part(start, column));
    return test_fact(evaluation, node, column == QUERY_COLUMN_REASON ? start.reason : start.version);
}

static enum verdict test_column(struct evaluation *evaluation, const struct query_node *node)
{
    struct query_column_value value;

    if (node->is_original)
        return test_original(evaluation, node);
    value = query_column_value(evaluation->subject->facts, node->field->column);
    if (!value.is_present)
        return NO;
    if (value.type == QUERY_COLUMN_INTEGER)
        return test_integer(node, value.integer);
    return test_fact(evaluation, node, value.text);
}

static enum verdict test_url(struct evaluation *evaluation, const struct query_node *node)
{
    struct err failure;

    buf_clear(&evaluation->scratch);
    failure = facts_url_write(evaluation->subject->facts, &evaluation->scratch);
    if (err_is(failure))
        return failed(evaluation, failure);
    return test_fact(evaluation, node, buf_str(&evaluation->scratch));
}

static enum verdict test_marks(struct evaluation *evaluation, const struct query_node *node)
{
    struct query_subject *subject = evaluation->subject;
    struct facts_marks marks;
    struct err failure = subject->ops->marks ? subject->ops->marks(subject, &marks) : ERR(ERR_ABSENT, 0, NULL);
    struct str name = str_from(node->field->name);

    if (err_is(failure))
        return failed(evaluation, failure);
    if (str_eq(name, STR("note")))
        return test_fact(evaluation, node, marks.note);
    return test_fact(evaluation, node, str_eq(name, STR("tag")) ? marks.tags : marks.color);
}

/* The values of a named field, or all lines. */
static enum verdict test_fields(struct evaluation *evaluation, const struct query_node *node)
{
    bool is_named = node->field->traits & QUERY_FIELD_NAMED;
    struct query_head_line line;
    enum verdict verdict = NO;
    struct str head;
    struct err failure = load_head(evaluation, part_of(node, node->field->side), &head);
    struct str rest;

    if (err_is(failure))
        return failed(evaluation, failure);
    rest = query_head_fields(head);
    while (verdict != YES && query_head_next(&rest, &line)) {
        if (!is_named)
            verdict = either(verdict, test_text(evaluation, node, line.line));
        else if (line.name.len && str_eq_nocase(line.name, node->name))
            verdict = either(verdict, test_text(evaluation, node, line.value));
    }
    return verdict;
}

/* What a visitor of named values carries. */
struct visit {
    struct evaluation *evaluation;
    const struct query_node *node;
    enum verdict verdict;
};

static bool on_value(void *owner, struct str value)
{
    struct visit *visit = owner;

    visit->verdict = either(visit->verdict, test_text(visit->evaluation, visit->node, value));
    return visit->verdict == YES;
}

static enum verdict test_cookies(struct evaluation *evaluation, const struct query_node *node)
{
    bool is_request = node->field->side == EXCHANGE_REQUEST;
    struct visit visit = {evaluation, node, NO};
    struct query_param_visitor visitor = {node->name, on_value, &visit, &evaluation->scratch};
    struct str head, value;
    struct err failure = load_head(evaluation, part_of(node, node->field->side), &head);
    struct str rest;
    bool is_over = false;

    if (err_is(failure))
        return failed(evaluation, failure);
    rest = query_head_fields(head);
    while (!is_over && query_head_find(&rest, is_request ? STR("cookie") : STR("set-cookie"), &value)) {
        struct str attributes;

        /* Set-Cookie holds one cookie and its attributes (RFC 6265, 4.1). */
        if (!is_request)
            str_cut(value, ';', &value, &attributes);
        failure = query_param_cookies(&visitor, value, &is_over);
        if (err_is(failure))
            return failed(evaluation, failure);
    }
    return visit.verdict;
}

/* Parameters in the body: a form when its type says so; JSON when it looks like it, whatever its type says. */
static struct err visit_body(const struct query_param_visitor *visitor, struct str type, struct str body, bool *is_over)
{
    struct str media_type = http_field_media_type(type);
    struct str boundary;
    size_t blanks = 0;

    if (str_eq_nocase(media_type, STR("application/x-www-form-urlencoded")))
        return query_param_urlencoded(visitor, body, is_over);
    if (str_eq_nocase(media_type, STR("multipart/form-data")) && http_field_parameter(type, STR("boundary"), &boundary))
        return query_param_multipart(visitor, body, boundary, is_over);
    while (blanks < body.len && memchr(" \t\r\n", body.ptr[blanks], 4))
        blanks++;
    if (blanks < body.len && (body.ptr[blanks] == '{' || body.ptr[blanks] == '['))
        return query_json_leaves(visitor, body, is_over);
    return OK;
}

static struct str original_query(struct str head)
{
    return request_part(query_head_start(head, EXCHANGE_REQUEST), QUERY_COLUMN_QUERY);
}

static enum verdict test_params(struct evaluation *evaluation, const struct query_node *node)
{
    struct visit visit = {evaluation, node, NO};
    struct query_param_visitor visitor = {node->name, on_value, &visit, &evaluation->scratch};
    struct query_part part = part_of(node, EXCHANGE_REQUEST);
    struct str query = evaluation->subject->facts->query;
    struct str head = STR_NONE;
    struct str type = STR_NONE;
    struct str body, fields;
    bool is_over = false;
    struct err failure = load_head(evaluation, part, &head);

    if (err_is(failure) && failure.code != ERR_ABSENT)
        return failed(evaluation, failure);
    if (node->is_original)
        query = original_query(head);
    failure = query_param_urlencoded(&visitor, query, &is_over);
    if (err_is(failure))
        visit.verdict = either(visit.verdict, failed(evaluation, failure));
    if (is_over)
        return visit.verdict;
    fields = query_head_fields(head);
    query_head_find(&fields, STR("content-type"), &type);
    failure = load_body(evaluation, part, &body);
    if (!err_is(failure))
        failure = visit_body(&visitor, type, body, &is_over);
    if (err_is(failure))
        visit.verdict = either(visit.verdict, failed(evaluation, failure));
    return visit.verdict;
}

static enum verdict test_ws(struct evaluation *evaluation, const struct query_node *node)
{
    struct query_subject *subject = evaluation->subject;
    struct err failure = ERR(ERR_ABSENT, 0, NULL);
    struct str text;
    uint64_t count = 0;

    if (node->field->type == QUERY_INTEGER) {
        if (subject->ops->ws_count)
            failure = subject->ops->ws_count(subject, &count);
        if (err_is(failure))
            return failed(evaluation, failure);
        return test_integer(node, count > INT64_MAX ? INT64_MAX : (int64_t)count);
    }
    if (subject->ops->ws_text)
        failure = subject->ops->ws_text(subject, &text);
    return err_is(failure) ? failed(evaluation, failure) : test_text(evaluation, node, text);
}

static enum verdict test_body(struct evaluation *evaluation, const struct query_node *node)
{
    struct str text;
    struct err failure = load_body(evaluation, part_of(node, node->field->side), &text);

    return err_is(failure) ? failed(evaluation, failure) : test_text(evaluation, node, text);
}

static enum verdict test_raw(struct evaluation *evaluation, const struct query_node *node)
{
    struct query_subject *subject = evaluation->subject;
    struct err failure = ERR(ERR_ABSENT, 0, NULL);
    struct str bytes;

    if (subject->ops->wire)
        failure = subject->ops->wire(subject, part_of(node, node->field->side), &bytes);
    return err_is(failure) ? failed(evaluation, failure) : test_text(evaluation, node, bytes);
}

static enum verdict test_project(struct evaluation *evaluation, const struct query_node *node)
{
    return test_fact(evaluation, node, evaluation->subject->project);
}

static enum verdict compare(struct evaluation *evaluation, const struct query_node *node)
{
    static enum verdict (*const tests[])(struct evaluation *, const struct query_node *) = {
        [QUERY_FROM_COLUMN] = test_column,  [QUERY_FROM_PROJECT] = test_project, [QUERY_FROM_URL] = test_url,
        [QUERY_FROM_MARKS] = test_marks,    [QUERY_FROM_HEADER] = test_fields,   [QUERY_FROM_HEADERS] = test_fields,
        [QUERY_FROM_COOKIE] = test_cookies, [QUERY_FROM_PARAM] = test_params,    [QUERY_FROM_WS] = test_ws,
        [QUERY_FROM_BODY] = test_body,      [QUERY_FROM_RAW] = test_raw};

    return tests[node->field->origin](evaluation, node);
}

/* One loaded text of "anywhere"; what is absent holds nothing. */
static enum verdict holds(struct evaluation *evaluation, struct err failure, struct str text, struct str folded)
{
    return err_is(failure) ? failed(evaluation, failure) : verdict_of(query_fold_contains(text, folded));
}

/* Both sides, as sent and, where that differs, as received. */
static enum verdict any_part_holds(struct evaluation *evaluation,
                                   struct err (*load)(struct evaluation *, struct query_part, struct str *),
                                   struct str folded)
{
    enum verdict verdict = NO;

    for (int side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE && verdict != YES; side++) {
        struct query_part part = {(enum exchange_side)side, QUERY_SENT};
        struct str sent = STR_NONE;
        struct str original = STR_NONE;
        struct err failure = load(evaluation, part, &sent);

        verdict = either(verdict, holds(evaluation, failure, sent, folded));
        part.version = QUERY_ORIGINAL;
        failure = load(evaluation, part, &original);
        if (verdict != YES && !(original.ptr == sent.ptr && original.len == sent.len))
            verdict = either(verdict, holds(evaluation, failure, original, folded));
    }
    return verdict;
}

static enum verdict anywhere(struct evaluation *evaluation, const struct query_node *node)
{
    struct query_subject *subject = evaluation->subject;
    struct str folded = node->values->folded;
    struct str text = STR_NONE;
    struct err failure;
    enum verdict verdict;

    buf_clear(&evaluation->scratch);
    failure = facts_url_write(subject->facts, &evaluation->scratch);
    verdict = holds(evaluation, failure, buf_str(&evaluation->scratch), folded);
    if (verdict != YES)
        verdict = either(verdict, any_part_holds(evaluation, load_head, folded));
    if (verdict != YES)
        verdict = either(verdict, any_part_holds(evaluation, load_body, folded));
    if (verdict != YES && subject->ops->ws_text) {
        failure = subject->ops->ws_text(subject, &text);
        verdict = either(verdict, holds(evaluation, failure, text, folded));
    }
    return verdict;
}

static enum verdict in_scope(struct evaluation *evaluation)
{
    struct query_subject *subject = evaluation->subject;
    bool is_in = false;
    struct err failure = subject->ops->in_scope ? subject->ops->in_scope(subject, &is_in) : ERR(ERR_ABSENT, 0, NULL);

    return err_is(failure) ? failed(evaluation, failure) : verdict_of(is_in);
}

static enum verdict decide(struct evaluation *evaluation, const struct query_node *node);

/* AND is over at the first NO, OR at the first YES; an undecided child matters only when no other decides. */
static enum verdict decide_children(struct evaluation *evaluation, const struct query_node *node)
{
    enum verdict final = node->type == QUERY_NODE_AND ? NO : YES;
    enum verdict verdict = node->type == QUERY_NODE_AND ? YES : NO;

    for (size_t i = 0; i < node->child_count; i++) {
        enum verdict child = decide(evaluation, node->children[i]);

        if (child == final)
            return final;
        if (child == UNDECIDED)
            verdict = UNDECIDED;
    }
    return verdict;
}

static enum verdict decide(struct evaluation *evaluation, const struct query_node *node)
{
    enum verdict child;

    switch (node->type) {
    case QUERY_NODE_AND:
    case QUERY_NODE_OR:
        return decide_children(evaluation, node);
    case QUERY_NODE_NOT:
        child = decide(evaluation, node->children[0]);
        return child == UNDECIDED ? UNDECIDED : child == YES ? NO : YES;
    case QUERY_NODE_COMPARE:
        return compare(evaluation, node);
    case QUERY_NODE_ANYWHERE:
        return anywhere(evaluation, node);
    case QUERY_NODE_IN_SCOPE:
        break;
    }
    return in_scope(evaluation);
}

struct err query_eval(const struct query_tree *tree, struct query_subject *subject,
                      const struct query_regex_limits *limits, bool *ret_is_match)
{
    struct evaluation evaluation = {.subject = subject, .limits = limits};
    enum verdict verdict;

    if (!tree->root) {
        *ret_is_match = true;
        return OK;
    }
    buf_init(&evaluation.scratch, SCRATCH_BYTES_MAX);
    verdict = decide(&evaluation, tree->root);
    buf_deinit(&evaluation.scratch);
    if (verdict == UNDECIDED)
        return evaluation.failure;
    *ret_is_match = verdict == YES;
    return OK;
}
