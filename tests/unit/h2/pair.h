/* pair.h - a client session and a server session that speak with each other through memory, in pieces of any size. */
#ifndef TESTS_H2_PAIR_H
#define TESTS_H2_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "h2/session.h"

#define PAIR_STREAM_MAX 512

/* What one side has seen. */
struct side {
    struct h2_session *session;
    struct arena arena;
    struct err err;    /* the first of h2_session_read() */
    struct buf body;   /* of all streams */
    struct buf fields; /* "name=value;" of all sections, '|' after each */
    size_t section_count, end_count, closed_count, sent_bytes;
    uint32_t last_code;
    int32_t last_stream;
    uint32_t goaway_code;
    bool has_goaway;
    bool consumes; /* gives the window back at once */
};

struct pair {
    struct side client, server;
    size_t piece_len; /* bytes per read */
};

static void side_on_section(void *owner, int32_t stream, const struct h2_section *section)
{
    struct side *side = owner;

    side->section_count++;
    side->last_stream = stream;
    h2_session_set_stream_owner(side->session, stream, side);
    for (size_t i = 0; i < section->count; i++)
        assert_false(err_is(buf_format(&side->fields, "%.*s=%.*s;", STR_ARG(section->fields[i].name),
                                       STR_ARG(section->fields[i].value))));
    assert_false(err_is(buf_append(&side->fields, section->is_too_large ? STR("!|") : STR("|"))));
}

static void side_on_bytes(void *owner, int32_t stream, struct str bytes)
{
    struct side *side = owner;

    assert_false(err_is(buf_append(&side->body, bytes)));
    if (side->consumes)
        h2_session_consume(side->session, stream, bytes.len);
}

static void side_on_end(void *owner, int32_t stream)
{
    struct side *side = owner;

    side->end_count++;
    side->last_stream = stream;
}

static void side_on_closed(void *owner, int32_t stream, uint32_t code)
{
    struct side *side = owner;

    /* The owner's pointer is good until now. */
    if (stream == side->last_stream)
        assert_ptr_equal(h2_session_stream_owner(side->session, stream), side);
    side->closed_count++;
    side->last_code = code;
}

static void side_on_sent(void *owner, int32_t stream, size_t count)
{
    struct side *side = owner;

    (void)stream;
    side->sent_bytes += count;
}

static void side_on_goaway(void *owner, int32_t last, uint32_t code)
{
    struct side *side = owner;

    (void)last;
    side->has_goaway = true;
    side->goaway_code = code;
}

static const struct h2_session_events side_events = {
    .on_section = side_on_section,
    .on_bytes = side_on_bytes,
    .on_end = side_on_end,
    .on_closed = side_on_closed,
    .on_sent = side_on_sent,
    .on_goaway = side_on_goaway,
};

static void side_open(struct side *side, enum h2_session_role role)
{
    struct h2_session_options options = {.role = role, .events = &side_events, .owner = side};

    *side = (struct side){.consumes = true};
    arena_init(&side->arena, 1 << 20);
    buf_init(&side->body, 64u << 20);
    buf_init(&side->fields, 64u << 20);
    assert_false(err_is(h2_session_new(&options, &side->session)));
}

static void side_close(struct side *side)
{
    h2_session_free(&side->session);
    arena_deinit(&side->arena);
    buf_deinit(&side->body);
    buf_deinit(&side->fields);
}

static void pair_open(struct pair *pair, size_t piece_len)
{
    side_open(&pair->client, H2_SESSION_CLIENT);
    side_open(&pair->server, H2_SESSION_SERVER);
    pair->piece_len = piece_len;
}

static void pair_close(struct pair *pair)
{
    side_close(&pair->client);
    side_close(&pair->server);
}

static void side_read(struct side *side, struct str bytes, size_t piece_len)
{
    while (bytes.len && !err_is(side->err)) {
        side->err = h2_session_read(side->session, str_head(bytes, piece_len));
        bytes = str_skip(bytes, piece_len);
    }
}

/* Moves what one side has to say.  False: nothing. */
static bool pair_move(struct pair *pair, struct side *from, struct side *to)
{
    struct buf wire;
    bool has_moved;

    buf_init(&wire, 64u << 20);
    assert_false(err_is(h2_session_write(from->session, 100000, &wire)));
    has_moved = wire.len > 0;
    side_read(to, buf_str(&wire), pair->piece_len);
    buf_deinit(&wire);
    return has_moved;
}

/* Until both are silent. */
static void pair_run(struct pair *pair)
{
    bool has_moved = true;

    while (has_moved) {
        has_moved = pair_move(pair, &pair->client, &pair->server);
        has_moved = pair_move(pair, &pair->server, &pair->client) || has_moved;
    }
}

#define FIELD(n, v)                                                                                                    \
    {                                                                                                                  \
        .name = STR_INIT(n), .value = STR_INIT(v)                                                                      \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
