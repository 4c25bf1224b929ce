#include "tls/layer.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "os/tcp.h"
#include "tls/bio.h"
#include "tls/hello.h"
#include "tls/layer_parts.h"
#include "tls/loop_parts.h"

/* What lower delivers in one call, and what was peeked at before; reading lower stops with the first byte held. */
#define HELD_MAX (OS_TCP_READ_BYTES + TLS_HELLO_RAW_MAX)
/* Messages after the handshake that a connection may have, and one more for each MiB it brings: a key update is due
 * every 2^24 records, a server sends a few tickets. */
#define LATE_MESSAGES_MAX 32
#define LATE_MESSAGE_PER_BYTES ((uint64_t)1 << 20)

/*   SHAKING ---> OPEN ---> FAILED
 *      |           |          |
 *      +-----------+----------+---> CLOSING
 *      +------------------------> FAILED
 */
enum {
    SHAKING,
    OPEN,
    FAILED,
    CLOSING,
};

static struct tls_layer *from_base(const struct net_layer *base) { return (struct tls_layer *)(uintptr_t)base; }

static bool is_refusal_alert(unsigned alert)
{
    return alert == SSL_AD_BAD_CERTIFICATE || alert == SSL_AD_UNSUPPORTED_CERTIFICATE ||
           alert == SSL_AD_CERTIFICATE_REVOKED || alert == SSL_AD_CERTIFICATE_EXPIRED ||
           alert == SSL_AD_CERTIFICATE_UNKNOWN || alert == SSL_AD_UNKNOWN_CA;
}

bool tls_layer_is_refusal(struct err err) { return err.code == ERR_VERIFY; }

/* What the end of an SSL call means; ERR_AGAIN when it only wants more bytes. */
static struct err error_of(struct tls_layer *layer, int status)
{
    unsigned long reason = ERR_peek_error();
    const char *text = reason ? ERR_reason_error_string(reason) : NULL;

    switch (SSL_get_error(layer->ssl, status)) {
    case SSL_ERROR_WANT_READ:
        return ERR(ERR_AGAIN, 0, "needs more bytes");
    case SSL_ERROR_ZERO_RETURN:
        return ERR(ERR_CLOSED, 0, "the peer ended the TLS connection");
    default:
        break;
    }
    if (layer->side == TLS_LAYER_CLIENT_SIDE && is_refusal_alert(layer->alert_received))
        return ERR(ERR_VERIFY, layer->alert_received, SSL_alert_desc_string_long((int)layer->alert_received));
    if (layer->alert_received)
        return ERR(ERR_TLS, layer->alert_received, SSL_alert_desc_string_long((int)layer->alert_received));
    if (layer->verdict.outcome == TLS_TRUST_REFUSED)
        return ERR(ERR_VERIFY, layer->alert_sent,
                   layer->verdict.first_text ? layer->verdict.first_text : "certificate refused");
    return ERR(ERR_TLS, 0, text ? text : "TLS failed");
}

/* The far end is gone before the handshake was over. */
static struct err error_of_hang_up(const struct tls_layer *layer, struct err otherwise)
{
    if (layer->side == TLS_LAYER_CLIENT_SIDE && layer->has_sent_certificate)
        return ERR(ERR_VERIFY, 0, "the client hung up when it saw our certificate");
    return otherwise;
}

static bool wants_lower(const struct tls_layer *layer)
{
    if (layer->is_lower_ended || layer->is_eof_told || layer->held.len || err_is(layer->read_result))
        return false;
    return layer->fsm.state == SHAKING || (layer->fsm.state == OPEN && layer->is_reading);
}

static void set_lower_reading(struct tls_layer *layer)
{
    bool is_wanted = wants_lower(layer);

    if (is_wanted == layer->is_lower_reading || layer->fsm.state == CLOSING)
        return;
    layer->is_lower_reading = is_wanted;
    if (is_wanted)
        net_layer_read_start(layer->lower);
    else
        net_layer_read_stop(layer->lower);
}

/* Tells the owner, who may only close from now on. */
static void fail(struct tls_layer *layer, struct err err)
{
    bool was_shaking = layer->fsm.state == SHAKING;

    tls_bio_flush(layer);
    fsm_move(&layer->fsm, FAILED);
    if (was_shaking) {
        net_layer_shutdown(layer->lower);
        layer->on_ready(layer->base.owner, err);
    } else {
        layer->base.events->on_error(layer->base.owner, err);
    }
}

static enum fsm_next step_shaking(void *owner)
{
    struct tls_layer *layer = owner;
    struct err err;
    int status;

    ERR_clear_error();
    status = SSL_do_handshake(layer->ssl);
    if (status == 1) {
        tls_bio_flush(layer);
        layer->late_count = 0;
        /* SSL_MODE_RELEASE_BUFFERS leaves the one that the handshake wrote with. */
        (void)SSL_free_buffers(layer->ssl);
        fsm_move(&layer->fsm, OPEN);
        layer->on_ready(layer->base.owner, OK);
        return FSM_MORE;
    }
    err = error_of(layer, status);
    if (err.code != ERR_AGAIN)
        fail(layer, err);
    else if (layer->is_lower_ended)
        fail(layer, error_of_hang_up(layer, ERR(ERR_CLOSED, 0, "the peer hung up during the TLS handshake")));
    else
        tls_bio_flush(layer);
    return FSM_WAIT;
}

/* Reads until the buffer is full or the input used up; read_result says why it ended. */
static size_t read_plaintext(struct tls_layer *layer)
{
    char *bytes = layer->tls->plaintext;
    size_t len = 0, got;

    while (len < TLS_LOOP_PLAINTEXT_BYTES && !err_is(layer->read_result)) {
        int status;

        /* Asking once more is spared, but for when nothing came: then OpenSSL gives its buffers back. */
        if (len && layer->input.len == 0 && !SSL_has_pending(layer->ssl))
            break;
        ERR_clear_error();
        status = SSL_read_ex(layer->ssl, bytes + len, TLS_LOOP_PLAINTEXT_BYTES - len, &got);
        if (status == 1) {
            len += got;
            continue;
        }
        layer->read_result = error_of(layer, status);
        if (layer->read_result.code == ERR_AGAIN) {
            layer->read_result = OK;
            break;
        }
    }
    layer->read_bytes += len;
    if (layer->late_count > LATE_MESSAGES_MAX + layer->read_bytes / LATE_MESSAGE_PER_BYTES)
        layer->read_result = ERR(ERR_LIMIT, 0, "the peer changes its keys without end");
    return len;
}

static enum fsm_next tell_read_result(struct tls_layer *layer)
{
    if (layer->is_eof_told)
        return FSM_WAIT;
    if (err_is(layer->read_result) && layer->read_result.code != ERR_CLOSED) {
        fail(layer, layer->read_result);
        return FSM_WAIT;
    }
    if (!err_is(layer->read_result) && !layer->is_lower_ended)
        return FSM_WAIT;
    layer->base.was_truncated = !err_is(layer->read_result);
    layer->is_eof_told = true;
    layer->base.events->on_eof(layer->base.owner);
    return FSM_WAIT;
}

/* Whether another step could find something to do; asking OpenSSL in vain costs. */
static bool has_more(const struct tls_layer *layer)
{
    return layer->input.len || layer->is_lower_ended || err_is(layer->read_result) || err_is(layer->write_error) ||
           SSL_has_pending(layer->ssl);
}

static enum fsm_next step_open(void *owner)
{
    struct tls_layer *layer = owner;
    size_t len;

    if (err_is(layer->write_error)) {
        fail(layer, layer->write_error);
        return FSM_WAIT;
    }
    if (!layer->is_reading)
        return FSM_WAIT;
    len = layer->is_eof_told ? 0 : read_plaintext(layer);
    tls_bio_flush(layer);
    if (len == 0)
        return tell_read_result(layer);
    layer->base.events->on_bytes(layer->base.owner, (struct str){layer->tls->plaintext, len});
    return has_more(layer) ? FSM_MORE : FSM_WAIT;
}

static enum fsm_next step_nothing(void *owner)
{
    (void)owner;
    return FSM_WAIT;
}

static const struct fsm_state states[] = {
    [SHAKING] = {"shaking", FSM_TO(OPEN) | FSM_TO(FAILED) | FSM_TO(CLOSING), step_shaking},
    [OPEN] = {"open", FSM_TO(FAILED) | FSM_TO(CLOSING), step_open},
    [FAILED] = {"failed", FSM_TO(CLOSING), step_nothing},
    [CLOSING] = {"closing", 0, step_nothing},
};

/* Goes on with what is held and with what just came. */
static void run(struct tls_layer *layer, struct str arrived)
{
    bool is_from_held = layer->held.len > 0;

    if (is_from_held && err_is(buf_append(&layer->held, arrived))) {
        if (layer->fsm.state != CLOSING && layer->fsm.state != FAILED)
            fail(layer, ERR(ERR_LIMIT, 0, "more ciphertext than the layer below may deliver"));
        return;
    }
    layer->input = is_from_held ? buf_str(&layer->held) : arrived;
    layer->is_in_turn = true;
    (void)fsm_run(&layer->fsm);
    layer->is_in_turn = false;
    if (layer->fsm.state == FAILED || layer->fsm.state == CLOSING || layer->is_eof_told)
        layer->input = STR_NONE;
    if (is_from_held)
        buf_take(&layer->held, layer->held.len - layer->input.len);
    else if (layer->input.len)
        CHECK(!err_is(buf_append(&layer->held, layer->input)));
    layer->input = STR_NONE;
    set_lower_reading(layer);
}

static void free_layer(struct tls_layer *layer)
{
    /* The owner may have what it reads facts from until now. */
    layer->base.events->on_closed(layer->base.owner);
    SSL_set_app_data(layer->ssl, NULL);
    SSL_free(layer->ssl);
    X509_free(layer->shown);
    buf_deinit(&layer->held);
    free(layer->session_key);
    free(layer);
}

static void on_turn(void *owner)
{
    struct tls_layer *layer = owner;

    layer->is_turn_posted = false;
    if (layer->is_lower_closed)
        free_layer(layer);
    else if (layer->fsm.state != CLOSING)
        run(layer, STR_NONE);
}

static void post_turn(struct tls_layer *layer)
{
    if (layer->is_turn_posted || layer->is_in_turn)
        return;
    layer->is_turn_posted = true;
    os_loop_defer(layer->base.loop, &layer->turn);
}

static void on_lower_bytes(void *owner, struct str bytes) { run(owner, bytes); }

static void on_lower_eof(void *owner)
{
    struct tls_layer *layer = owner;

    layer->is_lower_ended = true;
    run(layer, STR_NONE);
}

static void on_lower_error(void *owner, struct err err)
{
    struct tls_layer *layer = owner;

    if (layer->fsm.state == SHAKING)
        fail(layer, err.code == ERR_RESET ? error_of_hang_up(layer, err) : err);
    else if (layer->fsm.state == OPEN)
        fail(layer, err);
}

static void on_lower_drain(void *owner)
{
    struct tls_layer *layer = owner;

    if (layer->fsm.state == OPEN)
        layer->base.events->on_drain(layer->base.owner);
}

static void on_lower_closed(void *owner)
{
    struct tls_layer *layer = owner;

    layer->is_lower_closed = true;
    if (!layer->is_turn_posted)
        free_layer(layer);
}

static const struct net_layer_events lower_events = {
    .on_bytes = on_lower_bytes,
    .on_eof = on_lower_eof,
    .on_error = on_lower_error,
    .on_drain = on_lower_drain,
    .on_closed = on_lower_closed,
};

static void write_plaintext(struct tls_layer *layer, struct str bytes)
{
    size_t written;
    int status;

    if (bytes.len == 0 || err_is(layer->write_error))
        return;
    ERR_clear_error();
    status = SSL_write_ex(layer->ssl, bytes.ptr, bytes.len, &written);
    if (status == 1)
        return;
    layer->write_error = error_of(layer, status);
    if (layer->write_error.code == ERR_AGAIN || layer->write_error.code == ERR_CLOSED)
        layer->write_error = ERR(ERR_TLS, 0, "TLS cannot write");
    post_turn(layer);
}

/* Small parts, as a head and the start of a body, share records; large ones are not copied. */
static void write_parts(struct net_layer *base, const struct str *parts, size_t part_count)
{
    struct tls_layer *layer = from_base(base);
    char *gathered = layer->tls->gathered;
    size_t len = 0;

    CHECK(layer->fsm.state != SHAKING);
    if (layer->fsm.state != OPEN || layer->is_shut_down)
        return;
    for (size_t i = 0; i < part_count; i++) {
        for (struct str rest = parts[i]; rest.len;) {
            struct str piece = str_head(rest, TLS_LOOP_GATHER_BYTES - len);

            if (piece.len == TLS_LOOP_GATHER_BYTES) {
                write_plaintext(layer, piece);
            } else {
                memcpy(gathered + len, piece.ptr, piece.len);
                len += piece.len;
            }
            rest = str_skip(rest, piece.len);
            if (len == TLS_LOOP_GATHER_BYTES) {
                write_plaintext(layer, (struct str){gathered, len});
                len = 0;
            }
        }
    }
    write_plaintext(layer, (struct str){gathered, len});
    tls_bio_flush(layer);
}

static size_t queued(const struct net_layer *base) { return net_layer_queued(from_base(base)->lower); }

static void shutdown_(struct net_layer *base)
{
    struct tls_layer *layer = from_base(base);

    if (layer->fsm.state != OPEN || layer->is_shut_down)
        return;
    layer->is_shut_down = true;
    ERR_clear_error();
    (void)SSL_shutdown(layer->ssl);
    tls_bio_flush(layer);
    net_layer_shutdown(layer->lower);
}

static void read_start(struct net_layer *base)
{
    struct tls_layer *layer = from_base(base);

    if (layer->is_reading || layer->fsm.state != OPEN)
        return;
    layer->is_reading = true;
    if (layer->is_in_turn)
        return;
    if (layer->held.len || layer->is_lower_ended || err_is(layer->read_result) || SSL_has_pending(layer->ssl))
        post_turn(layer);
    else
        set_lower_reading(layer);
}

static void read_stop(struct net_layer *base)
{
    struct tls_layer *layer = from_base(base);

    layer->is_reading = false;
    if (!layer->is_in_turn)
        set_lower_reading(layer);
}

static void close_(struct net_layer *base, bool with_reset)
{
    struct tls_layer *layer = from_base(base);

    if (layer->fsm.state == CLOSING)
        return;
    fsm_move(&layer->fsm, CLOSING);
    if (with_reset)
        net_layer_reset(layer->lower);
    else
        net_layer_close(layer->lower);
}

static const struct net_layer_ops ops = {
    .name = "tls",
    .write = write_parts,
    .queued = queued,
    .shutdown = shutdown_,
    .read_start = read_start,
    .read_stop = read_stop,
    .close = close_,
};

/* "h2,http/1.1" as ALPN writes it; false when it does not fit. */
static bool set_protocols(struct tls_layer *layer, struct str list)
{
    struct str protocol;

    while (list.len) {
        (void)str_cut(list, ',', &protocol, &list);
        if (protocol.len == 0 || layer->alpn_len + 1 + protocol.len > TLS_LAYER_ALPN_BYTES)
            return false;
        layer->alpn[layer->alpn_len] = (unsigned char)protocol.len;
        memcpy(layer->alpn + layer->alpn_len + 1, protocol.ptr, protocol.len);
        layer->alpn_len += 1 + (unsigned)protocol.len;
    }
    return true;
}

static struct err new_layer(struct tls_loop *tls, const struct tls_layer_owner *above, SSL_CTX *side,
                            struct tls_layer **ret_layer)
{
    struct tls_layer *layer = calloc(1, sizeof(*layer));
    BIO *bio;

    CHECK(layer);
    layer->ssl = SSL_new(side);
    if (!layer->ssl) {
        free(layer);
        return ERR(ERR_TLS, 0, "OpenSSL cannot make a connection");
    }
    bio = tls_bio_new(tls->bio_method, layer);
    SSL_set_bio(layer->ssl, bio, bio);
    SSL_set_app_data(layer->ssl, layer);
    layer->tls = tls;
    layer->on_ready = above->on_ready;
    layer->base = (struct net_layer){.ops = &ops, .events = above->events, .owner = above->owner, .loop = tls->loop};
    layer->turn = (struct os_post){.fn = on_turn, .owner = layer};
    buf_init(&layer->held, HELD_MAX);
    fsm_init(&layer->fsm, states, SHAKING, layer);
    *ret_layer = layer;
    return OK;
}

static void drop_layer(struct tls_layer *layer)
{
    SSL_free(layer->ssl);
    buf_deinit(&layer->held);
    free(layer->session_key);
    free(layer);
}

/* From here on lower is the layer's. */
static void start(struct tls_layer *layer, struct net_layer *lower, struct net_layer **ret_layer)
{
    layer->lower = lower;
    layer->base.local_addr = lower->local_addr;
    layer->base.remote_addr = lower->remote_addr;
    net_layer_set_owner(lower, &lower_events, layer);
    net_layer_read_stop(lower);
    post_turn(layer);
    *ret_layer = &layer->base;
}

static struct err set_up_client_side(struct tls_layer *layer, const struct tls_layer_client_options *options)
{
    X509 *cert;

    layer->side = TLS_LAYER_CLIENT_SIDE;
    TRY(tls_leaf_for(layer->tls->leaves, options->name, &cert));
    if (!set_protocols(layer, options->alpn))
        return ERR(ERR_LIMIT, 0, "too many protocols for ALPN");
    TRY(buf_append(&layer->held, options->first_bytes));
    (void)str_to_c(str_head(options->ja4, TLS_LAYER_JA4_BYTES - 1), layer->ja4, sizeof(layer->ja4));
    if (SSL_use_certificate(layer->ssl, cert) != 1)
        return ERR(ERR_TLS, 0, "OpenSSL does not take our certificate");
    SSL_set_accept_state(layer->ssl);
    return OK;
}

struct err tls_layer_new_client_side(struct tls_loop *tls, struct net_layer *lower,
                                     const struct tls_layer_client_options *options, struct net_layer **ret_layer)
{
    struct tls_layer *layer;
    SSL_CTX *side;
    struct err err;

    TRY(tls_loop_side(tls, TLS_LAYER_CLIENT_SIDE, options->is_legacy, &side));
    TRY(new_layer(tls, &options->above, side, &layer));
    err = set_up_client_side(layer, options);
    if (err_is(err))
        drop_layer(layer);
    else
        start(layer, lower, ret_layer);
    return err;
}

/* RFC 6066, 3: a host_name, without the trailing dot, and never an address. */
static bool set_sni(struct tls_layer *layer, struct str name)
{
    char text[TLS_LAYER_HOST_BYTES];
    struct os_addr addr;

    if (name.len && name.ptr[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || !err_is(os_addr_parse(name, 0, &addr)))
        return true;
    return str_to_c(name, text, sizeof(text)) && SSL_set_tlsext_host_name(layer->ssl, text);
}

/* Sessions are shared by connections that would verify and offer the same. */
static void resume(struct tls_layer *layer, const struct tls_layer_origin_options *options)
{
    char key[2 * TLS_LAYER_HOST_BYTES + 64];
    struct tls_trust_verdict verdict;
    SSL_SESSION *session;
    int len = snprintf(key, sizeof(key), "%s:%u/%.*s/%d%d/%p", layer->host, options->port,
                       (int)str_head(options->sni, TLS_LAYER_HOST_BYTES).len, options->sni.len ? options->sni.ptr : "",
                       options->trust_mode, options->is_legacy, (const void *)options->identity);

    if (len < 0 || (size_t)len >= sizeof(key))
        return;
    layer->session_key = strdup(key);
    CHECK(layer->session_key);
    if (tls_loop_session_get(layer->tls, str_from(key), &session, &verdict) && SSL_set_session(layer->ssl, session))
        layer->verdict = verdict;
}

static struct err set_up_origin_side(struct tls_layer *layer, const struct tls_layer_origin_options *options)
{
    layer->side = TLS_LAYER_ORIGIN_SIDE;
    layer->port = options->port;
    layer->trust_mode = options->trust_mode;
    if (options->host.len == 0 || !str_to_c(options->host, layer->host, sizeof(layer->host)))
        return ERR(ERR_SYNTAX, 0, "not a host name or address");
    if (!set_protocols(layer, options->alpn))
        return ERR(ERR_LIMIT, 0, "too many protocols for ALPN");
    if (!set_sni(layer, tls_leaf_is_name(options->sni) ? options->sni : options->host))
        return ERR(ERR_SYNTAX, 0, "not a name for SNI");
    if (layer->alpn_len && SSL_set_alpn_protos(layer->ssl, layer->alpn, layer->alpn_len))
        return ERR(ERR_SYNTAX, 0, "not protocols for ALPN");
    if (options->identity)
        TRY(tls_identity_use(options->identity, layer->ssl));
    resume(layer, options);
    SSL_set_connect_state(layer->ssl);
    return OK;
}

struct err tls_layer_new_origin_side(struct tls_loop *tls, struct net_layer *lower,
                                     const struct tls_layer_origin_options *options, struct net_layer **ret_layer)
{
    struct tls_layer *layer;
    SSL_CTX *side;
    struct err err;

    TRY(tls_loop_side(tls, TLS_LAYER_ORIGIN_SIDE, options->is_legacy, &side));
    TRY(new_layer(tls, &options->above, side, &layer));
    err = set_up_origin_side(layer, options);
    if (err_is(err))
        drop_layer(layer);
    else
        start(layer, lower, ret_layer);
    return err;
}
