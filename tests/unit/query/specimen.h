/* specimen.h - an exchange held in memory that queries are tried on, and which counts what was asked of it. */
#ifndef TESTS_UNIT_QUERY_SPECIMEN_H
#define TESTS_UNIT_QUERY_SPECIMEN_H

#include "query/subject.h"

/* Text that is not there has ptr NULL. */
struct specimen_message {
    struct str head, body, wire;
};

struct specimen {
    struct query_subject subject; /* first */
    struct exchange_facts facts;
    struct specimen_message sent[2];
    struct specimen_message original[2]; /* where head.ptr is NULL: the same as sent */
    struct facts_marks marks;
    struct str ws_text;
    uint64_t ws_count;
    bool is_in_scope;
    struct err body_failure; /* instead of a body */
    unsigned head_loads, body_loads, marks_loads;
};

static struct specimen *specimen_of(struct query_subject *subject) { return (struct specimen *)(void *)subject; }

static struct err specimen_give(struct str text, struct str *ret_text)
{
    if (!text.ptr)
        return ERR(ERR_ABSENT, 0, "absent");
    *ret_text = text;
    return OK;
}

static const struct specimen_message *specimen_message(struct specimen *specimen, struct query_part part)
{
    const struct specimen_message *original = &specimen->original[part.side];

    return part.version == QUERY_ORIGINAL && original->head.ptr ? original : &specimen->sent[part.side];
}

static struct err specimen_head(struct query_subject *subject, struct query_part part, struct str *ret_head)
{
    specimen_of(subject)->head_loads++;
    return specimen_give(specimen_message(specimen_of(subject), part)->head, ret_head);
}

static struct err specimen_body(struct query_subject *subject, struct query_part part, struct str *ret_text)
{
    specimen_of(subject)->body_loads++;
    if (err_is(specimen_of(subject)->body_failure))
        return specimen_of(subject)->body_failure;
    return specimen_give(specimen_message(specimen_of(subject), part)->body, ret_text);
}

static struct err specimen_wire(struct query_subject *subject, struct query_part part, struct str *ret_bytes)
{
    return specimen_give(specimen_message(specimen_of(subject), part)->wire, ret_bytes);
}

static struct err specimen_marks(struct query_subject *subject, struct facts_marks *ret_marks)
{
    specimen_of(subject)->marks_loads++;
    *ret_marks = specimen_of(subject)->marks;
    return OK;
}

static struct err specimen_in_scope(struct query_subject *subject, bool *ret_is_in)
{
    *ret_is_in = specimen_of(subject)->is_in_scope;
    return OK;
}

static struct err specimen_ws_text(struct query_subject *subject, struct str *ret_text)
{
    return specimen_give(specimen_of(subject)->ws_text, ret_text);
}

static struct err specimen_ws_count(struct query_subject *subject, uint64_t *ret_count)
{
    if (!specimen_of(subject)->ws_text.ptr)
        return ERR(ERR_ABSENT, 0, "absent");
    *ret_count = specimen_of(subject)->ws_count;
    return OK;
}

static const struct query_subject_ops specimen_ops = {
    .head = specimen_head,
    .body_text = specimen_body,
    .wire = specimen_wire,
    .marks = specimen_marks,
    .in_scope = specimen_in_scope,
    .ws_text = specimen_ws_text,
    .ws_count = specimen_ws_count,
};

/* Nothing is known of it yet. */
static void specimen_init(struct specimen *specimen)
{
    *specimen = (struct specimen){.subject.ops = &specimen_ops};
    specimen->subject.facts = &specimen->facts;
    specimen->facts.time_us = specimen->facts.first_byte_us = FACTS_UNKNOWN_US;
    specimen->facts.dns_us = specimen->facts.connect_us = specimen->facts.tls_us = FACTS_UNKNOWN_US;
}

#endif
