/* A peer's bytes on an HTTP/2 connection, in either role, with answers given as they come.  The first byte chooses the
 * role and how the rest is split. */
#include <stdlib.h>

#include "h2/session.h"

#define OUT_BYTES_MAX ((size_t)(8 * 1024 * 1024))

struct peer {
    struct h2_session *session;
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct h2_field response[] = {{.name = STR_INIT(":status"), .value = STR_INIT("200")}};
static const struct h2_field request[] = {{.name = STR_INIT(":method"), .value = STR_INIT("GET")},
                                          {.name = STR_INIT(":scheme"), .value = STR_INIT("https")},
                                          {.name = STR_INIT(":path"), .value = STR_INIT("/")}};

static void on_section(void *owner, int32_t stream, const struct h2_section *section)
{
    struct peer *peer = owner;

    for (size_t i = 0; i < section->count; i++)
        CHECK(section->fields[i].name.len + section->fields[i].value.len < 256 * 1024);
    h2_session_set_stream_owner(peer->session, stream, peer);
    if (section->is_too_large)
        h2_session_reset(peer->session, stream, H2_SESSION_CANCEL);
    else
        IGNORE(h2_session_section(peer->session, stream, response, 1, section->ends_stream));
}

static void on_bytes(void *owner, int32_t stream, struct str bytes)
{
    struct peer *peer = owner;

    IGNORE(h2_session_send(peer->session, stream, bytes, false));
    h2_session_consume(peer->session, stream, bytes.len);
}

static void on_end(void *owner, int32_t stream)
{
    struct peer *peer = owner;

    IGNORE(h2_session_send(peer->session, stream, STR_NONE, true));
    h2_session_reset_later(peer->session, stream, H2_SESSION_NO_ERROR);
}

static void on_closed(void *owner, int32_t stream, uint32_t code)
{
    (void)owner;
    (void)stream;
    CHECK(h2_session_code_name(code));
}

static void on_sent(void *owner, int32_t stream, size_t count)
{
    (void)owner;
    (void)stream;
    CHECK(count > 0);
}

static void on_goaway(void *owner, int32_t last, uint32_t code)
{
    (void)owner;
    (void)last;
    (void)code;
}

static const struct h2_session_events events = {.on_section = on_section,
                                                .on_bytes = on_bytes,
                                                .on_end = on_end,
                                                .on_closed = on_closed,
                                                .on_sent = on_sent,
                                                .on_goaway = on_goaway};

static void write_out(struct peer *peer)
{
    struct buf out;

    buf_init(&out, OUT_BYTES_MAX);
    IGNORE(h2_session_write(peer->session, 64 * 1024, &out));
    buf_deinit(&out);
}

static void read_all(struct peer *peer, struct str bytes, size_t piece_len)
{
    while (bytes.len) {
        if (err_is(h2_session_read(peer->session, str_head(bytes, piece_len))))
            break;
        write_out(peer);
        bytes = str_skip(bytes, piece_len);
    }
    write_out(peer);
    CHECK(h2_session_stream_count(peer->session) <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct peer peer = {0};
    struct h2_session_options options = {.events = &events, .owner = &peer};
    int32_t stream;

    if (len == 0)
        return 0;
    options.role = bytes[0] & 1 ? H2_SESSION_CLIENT : H2_SESSION_SERVER;
    CHECK(!err_is(h2_session_new(&options, &peer.session)));
    if (options.role == H2_SESSION_SERVER)
        IGNORE(h2_session_read(peer.session, STR(H2_SESSION_PREFACE)));
    else
        CHECK(!err_is(h2_session_request(peer.session, request, 3, bytes[0] & 2, &stream)));
    read_all(&peer, (struct str){(const char *)bytes + 1, len - 1}, (size_t)(bytes[0] >> 2) + 1);
    h2_session_free(&peer.session);
    return 0;
}
