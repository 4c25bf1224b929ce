#include "proxy/upstream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "http/message.h"
#include "proxy/loopmark.h"

#define HOST_BYTES 256

enum talk_state {
    TALK_HTTP_REPLY,   /* CONNECT was sent */
    TALK_SOCKS_METHOD, /* the methods were offered */
    TALK_SOCKS_AUTH,   /* user and password were sent */
    TALK_SOCKS_REPLY,  /* the request was sent */
    TALK_DEAD,         /* on_done has run or will never; waits for on_closed */
};

struct proxy_upstream_talk {
    struct net_layer *layer;
    struct proxy_upstream_request request;
    enum talk_state state;
    char host[HOST_BYTES];
    struct buf reply;
};

bool proxy_upstream_base64(struct str bytes, char *text, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;

    if ((bytes.len + 2) / 3 * 4 >= size)
        return false;
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;

        if (i + 1 < bytes.len)
            group |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
        if (i + 2 < bytes.len)
            group |= (unsigned char)bytes.ptr[i + 2];
        text[at++] = digits[group >> 18 & 63];
        text[at++] = digits[group >> 12 & 63];
        text[at++] = i + 1 < bytes.len ? digits[group >> 6 & 63] : '=';
        text[at++] = i + 2 < bytes.len ? digits[group & 63] : '=';
    }
    text[at] = '\0';
    return true;
}

bool proxy_upstream_credentials(const struct proxy_upstream *upstream, char *text, size_t size)
{
    char pair[512];
    int len = snprintf(pair, sizeof(pair), "%.*s:%.*s", STR_ARG(upstream->user), STR_ARG(upstream->password));

    if (len < 0 || (size_t)len >= sizeof(pair) || size < 7)
        return false;
    memcpy(text, "Basic ", 6);
    return proxy_upstream_base64((struct str){pair, (size_t)len}, text + 6, size - 6);
}

/* Ends the talk with an error; memory goes with the layer's on_closed. */
static void fail(struct proxy_upstream_talk *talk, struct err err)
{
    if (talk->state == TALK_DEAD)
        return;
    talk->state = TALK_DEAD;
    net_layer_close(talk->layer);
    talk->request.on_done(talk->request.owner, err, NULL, STR_NONE);
}

static void succeed(struct proxy_upstream_talk *talk, size_t used)
{
    struct net_layer *layer = talk->layer;

    buf_take(&talk->reply, used);
    net_layer_read_stop(layer);
    talk->request.on_done(talk->request.owner, OK, layer, buf_str(&talk->reply));
    buf_deinit(&talk->reply);
    free(talk);
}

static void send_connect(struct proxy_upstream_talk *talk)
{
    const struct proxy_upstream *upstream = talk->request.upstream;
    bool is_ip6 = str_find_char(str_from(talk->host), ':') != STR_ABSENT;
    struct str mark = talk->request.loopmark;
    char credentials[768], line[4096];
    int len;

    if (!upstream->user.len || !proxy_upstream_credentials(upstream, credentials, sizeof(credentials)))
        credentials[0] = '\0';
    len = snprintf(line, sizeof(line), "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n%s%s%s%s%.*s%s\r\n",
                   is_ip6 ? "[" : "", talk->host, is_ip6 ? "]" : "", talk->request.port, is_ip6 ? "[" : "", talk->host,
                   is_ip6 ? "]" : "", talk->request.port, credentials[0] ? "Proxy-Authorization: " : "", credentials,
                   credentials[0] ? "\r\n" : "", mark.len ? PROXY_LOOPMARK_FIELD ": " : "", STR_ARG(mark),
                   mark.len ? "\r\n" : "");
    CHECK(len > 0 && (size_t)len < sizeof(line));
    net_layer_write_one(talk->layer, (struct str){line, (size_t)len});
}

/* RFC 9110, 9.3.6: any 2xx to CONNECT makes the tunnel. */
static void step_http(struct proxy_upstream_talk *talk)
{
    struct str reply = buf_str(&talk->reply);
    size_t end = str_find(reply, STR("\r\n\r\n"));
    uint64_t status;

    if (end == STR_ABSENT)
        return;
    if (reply.len < 12 || !str_starts(reply, STR("HTTP/1.")) || !str_to_u64(str_head(str_skip(reply, 9), 3), &status))
        fail(talk, ERR(ERR_SYNTAX, 502, "the upstream proxy did not answer with HTTP"));
    else if (status / 100 != 2)
        fail(talk, ERR(ERR_DENIED, (unsigned)status, "the upstream proxy refused the tunnel"));
    else
        succeed(talk, end + 4);
}

static void send_socks_request(struct proxy_upstream_talk *talk)
{
    struct os_addr addr;
    char request[HOST_BYTES + 8] = {5, 1, 0};
    size_t len = 3;

    if (!err_is(os_addr_parse(str_from(talk->host), talk->request.port, &addr))) {
        size_t ip_len = addr.family == OS_FAMILY_IP4 ? 4 : 16;

        request[len++] = addr.family == OS_FAMILY_IP4 ? 1 : 4;
        memcpy(request + len, addr.ip, ip_len);
        len += ip_len;
    } else {
        size_t host_len = strlen(talk->host);

        request[len++] = 3;
        request[len++] = (char)(unsigned char)host_len;
        memcpy(request + len, talk->host, host_len);
        len += host_len;
    }
    request[len++] = (char)(unsigned char)(talk->request.port >> 8);
    request[len++] = (char)(unsigned char)(talk->request.port & 255);
    talk->state = TALK_SOCKS_REPLY;
    net_layer_write_one(talk->layer, (struct str){request, len});
}

/* RFC 1929. */
static void send_socks_auth(struct proxy_upstream_talk *talk)
{
    const struct proxy_upstream *upstream = talk->request.upstream;
    char lens[3] = {1, (char)(unsigned char)upstream->user.len, (char)(unsigned char)upstream->password.len};
    struct str parts[] = {{lens, 2}, upstream->user, {lens + 2, 1}, upstream->password};

    if (upstream->user.len > 255 || upstream->password.len > 255) {
        fail(talk, ERR(ERR_LIMIT, 0, "SOCKS5 takes at most 255 bytes of user name and of password"));
        return;
    }
    talk->state = TALK_SOCKS_AUTH;
    net_layer_write(talk->layer, parts, 4);
}

static void step_socks_method(struct proxy_upstream_talk *talk)
{
    struct str reply = buf_str(&talk->reply);
    char method;

    if (reply.len < 2)
        return;
    method = reply.ptr[1];
    if (reply.ptr[0] != 5 || (method != 0 && method != 2)) {
        fail(talk, ERR(ERR_DENIED, 0, "the upstream SOCKS proxy offers no way to sign in that we know"));
        return;
    }
    buf_take(&talk->reply, 2);
    if (method == 2)
        send_socks_auth(talk);
    else
        send_socks_request(talk);
}

static void step_socks_auth(struct proxy_upstream_talk *talk)
{
    struct str reply = buf_str(&talk->reply);

    if (reply.len < 2)
        return;
    if (reply.ptr[1] != 0) {
        fail(talk, ERR(ERR_DENIED, 407, "the upstream SOCKS proxy refused user name and password"));
        return;
    }
    buf_take(&talk->reply, 2);
    send_socks_request(talk);
}

static void step_socks_reply(struct proxy_upstream_talk *talk)
{
    struct str reply = buf_str(&talk->reply);
    size_t need;

    if (reply.len < 5)
        return;
    /* VER REP RSV ATYP ADDR PORT; the address is 4, 16, or 1 + n bytes. */
    need = 6 + (reply.ptr[3] == 1 ? 4u : reply.ptr[3] == 4 ? 16u : 1u + (unsigned char)reply.ptr[4]);
    if (reply.ptr[1] != 0)
        fail(talk, ERR(ERR_DENIED, (unsigned char)reply.ptr[1], "the upstream SOCKS proxy refused the connection"));
    else if (reply.len >= need)
        succeed(talk, need);
}

static void step(struct proxy_upstream_talk *talk)
{
    static void (*const steps[])(struct proxy_upstream_talk *) = {
        [TALK_HTTP_REPLY] = step_http,
        [TALK_SOCKS_METHOD] = step_socks_method,
        [TALK_SOCKS_AUTH] = step_socks_auth,
        [TALK_SOCKS_REPLY] = step_socks_reply,
    };

    if (talk->state != TALK_DEAD)
        steps[talk->state](talk);
}

static void on_bytes(void *owner, struct str bytes)
{
    struct proxy_upstream_talk *talk = owner;

    if (err_is(buf_append(&talk->reply, bytes)))
        fail(talk, ERR(ERR_LIMIT, 0, "the upstream proxy's answer is too long"));
    else
        step(talk);
}

static void on_eof(void *owner) { fail(owner, ERR(ERR_CLOSED, 0, "the upstream proxy closed the connection")); }
static void on_error(void *owner, struct err err) { fail(owner, err); }
static void on_drain(void *owner) { (void)owner; }

static void on_closed(void *owner)
{
    struct proxy_upstream_talk *talk = owner;

    buf_deinit(&talk->reply);
    free(talk);
}

static const struct net_layer_events layer_events = {
    .on_bytes = on_bytes, .on_eof = on_eof, .on_error = on_error, .on_drain = on_drain, .on_closed = on_closed};

struct proxy_upstream_talk *proxy_upstream_start(struct net_layer *layer, const struct proxy_upstream_request *request)
{
    struct proxy_upstream_talk *talk = calloc(1, sizeof(*talk));

    CHECK(talk);
    talk->layer = layer;
    talk->request = *request;
    buf_init(&talk->reply, PROXY_UPSTREAM_REPLY_MAX + 65536);
    CHECK(str_to_c(request->host, talk->host, sizeof(talk->host)));
    net_layer_set_owner(layer, &layer_events, talk);
    if (request->upstream->kind == PROXY_UPSTREAM_HTTP) {
        talk->state = TALK_HTTP_REPLY;
        send_connect(talk);
    } else {
        bool has_user = request->upstream->user.len > 0;

        talk->state = TALK_SOCKS_METHOD;
        net_layer_write_one(layer, has_user ? STR("\5\2\0\2") : STR("\5\1\0"));
    }
    net_layer_read_start(layer);
    return talk;
}

void proxy_upstream_cancel(struct proxy_upstream_talk **talk)
{
    (*talk)->state = TALK_DEAD;
    net_layer_close((*talk)->layer);
    *talk = NULL;
}
