#include "proxy/socks.h"

#include <stdlib.h>

#include "base/buf.h"
#include "os/tcp.h"
#include "proxy/peek.h"

/* The longest message: user name and password of 255 bytes each. */
#define MESSAGE_BYTES_MAX ((size_t)1024)

enum socks_reply {
    SOCKS_SUCCEEDED = 0,
    SOCKS_COMMAND_UNSUPPORTED = 7,
    SOCKS_ADDRESS_UNSUPPORTED = 8,
};

enum socks_state {
    SOCKS_METHODS,
    SOCKS_AUTH,
    SOCKS_REQUEST,
};

struct socks {
    enum socks_state state;
    struct buf bytes;
};

bool proxy_socks_is_first_byte(char byte) { return byte == 5 || byte == 4; }

static void reply(struct proxy_conn *conn, const char *bytes, size_t len)
{
    proxy_conn_write(conn, &(struct str){bytes, len}, 1);
}

/* RFC 1928, 6: VER REP RSV ATYP BND.ADDR BND.PORT; no address of ours is told. */
static void reply_request(struct proxy_conn *conn, enum socks_reply code)
{
    const char bytes[10] = {5, (char)code, 0, 1, 0, 0, 0, 0, 0, 0};

    reply(conn, bytes, sizeof(bytes));
}

/* The answer is read before the connection goes. */
static void refuse(struct proxy_conn *conn)
{
    net_layer_shutdown(conn->client);
    proxy_conn_close(conn, false);
}

/* --- the three messages; each says whether it was complete --- */

static bool offers(struct str methods, char method) { return str_find_char(methods, method) != STR_ABSENT; }

static bool take_methods(struct proxy_conn *conn, struct str bytes)
{
    struct socks *socks = conn->handler_state;
    bool asks = conn->worker->options->proxy_auth.len > 0;
    size_t count;

    if (bytes.len < 2)
        return false;
    count = (unsigned char)bytes.ptr[1];
    if (bytes.len < 2 + count)
        return false;
    if (!offers((struct str){bytes.ptr + 2, count}, asks ? 2 : 0)) {
        reply(conn, "\5\xff", 2);
        refuse(conn);
        return false;
    }
    reply(conn, asks ? "\5\2" : "\5\0", 2);
    socks->state = asks ? SOCKS_AUTH : SOCKS_REQUEST;
    buf_take(&socks->bytes, 2 + count);
    return true;
}

static bool is_password(const struct proxy_conn *conn, struct str user, struct str password)
{
    struct str expected = conn->worker->options->proxy_auth;
    unsigned difference = expected.len != user.len + 1 + password.len;

    if (difference)
        return false;
    /* In constant time, so that the answer's time tells nothing of the password. */
    for (size_t i = 0; i < expected.len; i++) {
        char given = i < user.len ? user.ptr[i] : i == user.len ? ':' : password.ptr[i - user.len - 1];

        difference |= (unsigned)(unsigned char)given ^ (unsigned char)expected.ptr[i];
    }
    return difference == 0;
}

/* RFC 1929, 2: VER ULEN UNAME PLEN PASSWD. */
static bool take_auth(struct proxy_conn *conn, struct str bytes)
{
    struct socks *socks = conn->handler_state;
    struct str user, password;

    if (bytes.len < 2 || bytes.len < 3 + (size_t)(unsigned char)bytes.ptr[1])
        return false;
    user = (struct str){bytes.ptr + 2, (unsigned char)bytes.ptr[1]};
    password = (struct str){bytes.ptr + 3 + user.len, (unsigned char)bytes.ptr[2 + user.len]};
    if (bytes.len < 3 + user.len + password.len)
        return false;
    if (bytes.ptr[0] != 1 || !is_password(conn, user, password)) {
        reply(conn, "\1\1", 2);
        refuse(conn);
        return false;
    }
    reply(conn, "\1\0", 2);
    socks->state = SOCKS_REQUEST;
    buf_take(&socks->bytes, 3 + user.len + password.len);
    return true;
}

static void free_socks(struct proxy_conn *conn)
{
    struct socks *socks = conn->handler_state;

    if (!socks)
        return;
    buf_deinit(&socks->bytes);
    free(socks);
}

static void go_on_to(struct proxy_conn *conn, struct str host, uint16_t port, size_t used)
{
    struct socks *socks = conn->handler_state;
    struct str rest = STR_NONE;

    buf_take(&socks->bytes, used);
    CHECK(!err_is(arena_copy(os_loop_scratch(conn->worker->loop), buf_str(&socks->bytes), &rest)));
    reply_request(conn, SOCKS_SUCCEEDED);
    if (err_is(proxy_conn_enter(conn, host, port))) {
        proxy_conn_close(conn, false);
        return;
    }
    proxy_conn_wait_end(conn);
    free_socks(conn);
    conn->handler_state = NULL;
    proxy_peek_again(conn, rest);
}

/* The address of the request; false when it is not complete.  *ret_host is text in `text`, empty for what is none. */
static bool take_address(struct str bytes, char text[OS_ADDR_TEXT_BYTES + 256], struct str *ret_host, size_t *ret_used)
{
    char kind = bytes.ptr[3];
    size_t len = kind == 1 ? 4u : kind == 4 ? 16u : (unsigned char)bytes.ptr[4];
    size_t at = kind == 3 ? 5 : 4;
    struct os_addr addr = {.family = kind == 1 ? OS_FAMILY_IP4 : OS_FAMILY_IP6};

    *ret_used = at + len + 2;
    if (bytes.len < *ret_used)
        return false;
    if (kind == 3) {
        *ret_host = str_to_c((struct str){bytes.ptr + at, len}, text, 256) ? str_from(text) : STR_NONE;
    } else {
        memcpy(addr.ip, bytes.ptr + at, len);
        *ret_host = str_from(os_addr_format_ip(&addr, text));
    }
    return true;
}

static void refuse_request(struct proxy_conn *conn, enum socks_reply code)
{
    reply_request(conn, code);
    refuse(conn);
}

/* RFC 1928, 4: VER CMD RSV ATYP DST.ADDR DST.PORT. */
static bool take_request(struct proxy_conn *conn, struct str bytes)
{
    char text[OS_ADDR_TEXT_BYTES + 256];
    struct str host;
    uint16_t port;
    size_t used;

    if (bytes.len < 5)
        return false;
    if (bytes.ptr[0] != 5 || bytes.ptr[1] != 1) {
        refuse_request(conn, SOCKS_COMMAND_UNSUPPORTED);
        return false;
    }
    if (bytes.ptr[3] != 1 && bytes.ptr[3] != 3 && bytes.ptr[3] != 4) {
        refuse_request(conn, SOCKS_ADDRESS_UNSUPPORTED);
        return false;
    }
    if (!take_address(bytes, text, &host, &used))
        return false;
    port = (uint16_t)((unsigned char)bytes.ptr[used - 2] << 8 | (unsigned char)bytes.ptr[used - 1]);
    if (host.len == 0 || port == 0)
        refuse_request(conn, SOCKS_ADDRESS_UNSUPPORTED);
    else
        go_on_to(conn, host, port, used);
    return false;
}

/* Takes messages until one is incomplete or the connection has gone on. */
static void step(struct proxy_conn *conn)
{
    static bool (*const takes[])(struct proxy_conn *, struct str) = {
        [SOCKS_METHODS] = take_methods, [SOCKS_AUTH] = take_auth, [SOCKS_REQUEST] = take_request};
    struct socks *socks = conn->handler_state;

    /* SOCKS4: its reply says "rejected" (91). */
    if (socks->bytes.len && buf_str(&socks->bytes).ptr[0] == 4) {
        reply(conn, "\0\x5b\0\0\0\0\0\0", 8);
        refuse(conn);
        return;
    }
    while (takes[socks->state](conn, buf_str(&socks->bytes)))
        ;
}

/* --- events --- */

static void on_bytes(struct proxy_conn *conn, struct str bytes)
{
    struct socks *socks = conn->handler_state;

    if (err_is(buf_append(&socks->bytes, bytes)))
        proxy_conn_close(conn, true);
    else
        step(conn);
}

static void update_reading(struct proxy_conn *conn) { proxy_conn_read(conn, proxy_worker_may_read(conn->worker)); }
static void on_eof(struct proxy_conn *conn) { proxy_conn_close(conn, false); }
static void on_drain(struct proxy_conn *conn) { (void)conn; }
static void on_timeout(struct proxy_conn *conn) { proxy_conn_close(conn, false); }
static void stop(struct proxy_conn *conn) { (void)conn; }

static void on_error(struct proxy_conn *conn, struct err err)
{
    (void)err;
    proxy_conn_close(conn, false);
}

static const struct proxy_handler handler = {
    .name = "socks",
    .on_bytes = on_bytes,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_drain = on_drain,
    .on_timeout = on_timeout,
    .update_reading = update_reading,
    .stop = stop,
    .free = free_socks,
};

void proxy_socks_start(struct proxy_conn *conn, struct str first_bytes)
{
    struct socks *socks = calloc(1, sizeof(*socks));

    CHECK(socks);
    /* What follows the request may come with it: a ClientHello, or a request with a body. */
    buf_init(&socks->bytes, MESSAGE_BYTES_MAX + (size_t)OS_TCP_READ_BYTES * 2);
    proxy_conn_hand(conn, &handler, socks);
    proxy_conn_wait(conn, conn->worker->options->timeouts.client_head_ms);
    update_reading(conn);
    on_bytes(conn, first_bytes);
}
