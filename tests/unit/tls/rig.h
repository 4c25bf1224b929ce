/* rig.h - what the tests of TLS layers stand on: a loop, a layer on one end of a loopback connection, and on the other
 * a peer of plain OpenSSL or plain sockets that runs in its own thread with blocking calls. */
#ifndef TESTS_UNIT_TLS_RIG_H
#define TESTS_UNIT_TLS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "net/socket.h"
#include "os/loop.h"
#include "os/timer.h"
#include "tls/layer.h"

#define RIG_LIMIT_MS 20000

struct rig {
    char folder[64];
    struct os_loop *loop;
    struct os_timer *watchdog;
    struct tls_ca *ca;
    struct tls_trust *trust;
    struct tls_keylog *keylog;
    struct tls_loop *tls;
    X509_STORE *roots; /* what the test's own clients trust: our CA */

    /* One connection. */
    struct net_layer *layer;
    struct err ready_err;
    struct err error;
    unsigned ready_count, eof_count, error_count, closed_count, bytes_count;
    struct buf received;
    struct tls_facts facts; /* at on_ready */
    bool closes_when_ready;
    bool reads_when_ready;
    bool closes_at_eof;
    bool echoes;
    void (*on_ready)(struct rig *rig);
    void (*on_bytes)(struct rig *rig, struct str bytes);

    /* The peer. */
    int peer_fd;
    void (*peer)(struct rig *rig, int fd);
    pthread_t thread;
    struct os_post peer_done;
    bool is_peer_done;
    int peer_result;     /* what the peer found out */
    char peer_text[256]; /* what it read */
};

static inline void rig_stop_when_over(struct rig *rig)
{
    if (rig->is_peer_done && (!rig->layer || rig->closed_count))
        os_loop_stop(rig->loop);
}

static inline void rig_close(struct rig *rig) { net_layer_close(rig->layer); }

static inline void rig_on_ready(void *owner, struct err err)
{
    struct rig *rig = owner;

    rig->ready_count++;
    rig->ready_err = err;
    tls_layer_facts(rig->layer, &rig->facts);
    if (rig->on_ready)
        rig->on_ready(rig);
    if (err_is(err) || rig->closes_when_ready)
        rig_close(rig);
    else if (rig->reads_when_ready)
        net_layer_read_start(rig->layer);
}

static inline void rig_on_bytes(void *owner, struct str bytes)
{
    struct rig *rig = owner;

    rig->bytes_count++;
    assert_false(err_is(buf_append(&rig->received, bytes)));
    if (rig->echoes)
        net_layer_write_one(rig->layer, bytes);
    if (rig->on_bytes)
        rig->on_bytes(rig, bytes);
}

static inline void rig_on_eof(void *owner)
{
    struct rig *rig = owner;

    rig->eof_count++;
    if (rig->closes_at_eof) {
        net_layer_shutdown(rig->layer);
        rig_close(rig);
    }
}

static inline void rig_on_error(void *owner, struct err err)
{
    struct rig *rig = owner;

    rig->error_count++;
    rig->error = err;
    rig_close(rig);
}

static inline void rig_on_drain(void *owner) { (void)owner; }

static inline void rig_on_closed(void *owner)
{
    struct rig *rig = owner;

    rig->closed_count++;
    rig_stop_when_over(rig);
}

static const struct net_layer_events rig_events = {rig_on_bytes, rig_on_eof, rig_on_error, rig_on_drain, rig_on_closed};

static inline void rig_on_peer_done(void *owner)
{
    struct rig *rig = owner;

    rig->is_peer_done = true;
    rig_stop_when_over(rig);
}

static inline void *rig_run_peer(void *owner)
{
    struct rig *rig = owner;

    rig->peer(rig, rig->peer_fd);
    close(rig->peer_fd);
    os_loop_post(rig->loop, &rig->peer_done);
    return NULL;
}

static inline void rig_on_watchdog(void *owner)
{
    (void)owner;
    fail_msg("the connection hangs");
}

static inline void rig_tcp_pair(int fds[2])
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(addr);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&addr, len), 0);
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    assert_true(fds[1] >= 0);
    close(listener);
}

/* A socket layer of ours whose other end is peer_fd. */
static inline struct net_layer *rig_connect(struct rig *rig)
{
    struct net_layer *lower;
    int fds[2];

    rig_tcp_pair(fds);
    rig->peer_fd = fds[0];
    assert_false(err_is(net_socket_adopt(rig->loop, fds[1], &lower)));
    return lower;
}

static inline struct tls_layer_owner rig_owner(struct rig *rig)
{
    return (struct tls_layer_owner){rig_on_ready, &rig_events, rig};
}

static inline void rig_forget(struct rig *rig)
{
    rig->ready_err = rig->error = OK;
    rig->ready_count = rig->eof_count = rig->error_count = rig->closed_count = rig->bytes_count = 0;
    buf_clear(&rig->received);
    rig->is_peer_done = false;
    rig->peer_result = 0;
    memset(rig->peer_text, 0, sizeof(rig->peer_text));
}

/* Runs the peer and the loop until the peer has returned and the layer is closed. */
static inline void rig_run(struct rig *rig, void (*peer)(struct rig *rig, int fd))
{
    rig->peer = peer;
    rig->peer_done = (struct os_post){.fn = rig_on_peer_done, .owner = rig};
    assert_int_equal(pthread_create(&rig->thread, NULL, rig_run_peer, rig), 0);
    os_timer_start(rig->watchdog, RIG_LIMIT_MS);
    os_loop_run(rig->loop);
    os_timer_stop(rig->watchdog);
    pthread_join(rig->thread, NULL);
    assert_true(rig->closed_count <= 1);
}

/* One connection with us as the server. */
static inline void rig_serve_with(struct rig *rig, struct tls_layer_client_options options,
                                  void (*peer)(struct rig *rig, int fd))
{
    struct net_layer *lower = rig_connect(rig);

    rig_forget(rig);
    options.above = rig_owner(rig);
    if (options.name.len == 0)
        options.name = STR("origin.test");
    assert_false(err_is(tls_layer_new_client_side(rig->tls, lower, &options, &rig->layer)));
    rig_run(rig, peer);
}

static inline void rig_serve(struct rig *rig, void (*peer)(struct rig *rig, int fd))
{
    rig_serve_with(rig, (struct tls_layer_client_options){.alpn = STR("http/1.1")}, peer);
}

/* One connection with us as the client. */
static inline void rig_visit_with(struct rig *rig, struct tls_layer_origin_options options,
                                  void (*peer)(struct rig *rig, int fd))
{
    struct net_layer *lower = rig_connect(rig);

    rig_forget(rig);
    options.above = rig_owner(rig);
    if (options.host.len == 0)
        options.host = STR("origin.test");
    if (options.port == 0)
        options.port = 443;
    assert_false(err_is(tls_layer_new_origin_side(rig->tls, lower, &options, &rig->layer)));
    rig_run(rig, peer);
}

static inline void rig_visit(struct rig *rig, void (*peer)(struct rig *rig, int fd))
{
    rig_visit_with(rig, (struct tls_layer_origin_options){.alpn = STR("http/1.1")}, peer);
}

/* Makes what all connections share; trust_file NULL: the system's roots. */
static inline void rig_open(struct rig *rig, const char *trust_file)
{
    struct tls_loop_options options;

    memset(rig, 0, sizeof(*rig));
    snprintf(rig->folder, sizeof(rig->folder), "/tmp/sekisho-tls-XXXXXX");
    assert_non_null(mkdtemp(rig->folder));
    assert_false(err_is(os_loop_new(&rig->loop)));
    assert_false(err_is(os_timer_new(rig->loop, rig_on_watchdog, rig, &rig->watchdog)));
    assert_false(err_is(tls_ca_open(rig->folder, &rig->ca)));
    assert_false(err_is(tls_trust_new(trust_file, &rig->trust)));
    options = (struct tls_loop_options){.loop = rig->loop, .ca = rig->ca, .trust = rig->trust};
    assert_false(err_is(tls_loop_new(&options, &rig->tls)));
    rig->roots = X509_STORE_new();
    X509_STORE_add_cert(rig->roots, tls_ca_cert(rig->ca));
    buf_init(&rig->received, (size_t)64 * 1024 * 1024);
}

static inline void rig_end(struct rig *rig)
{
    char path[96];

    tls_loop_free(&rig->tls);
    tls_trust_free(&rig->trust);
    tls_ca_free(&rig->ca);
    os_timer_free(&rig->watchdog);
    os_loop_free(&rig->loop);
    X509_STORE_free(rig->roots);
    buf_deinit(&rig->received);
    snprintf(path, sizeof(path), "%s/ca.key", rig->folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/ca.pem", rig->folder);
    unlink(path);
    rmdir(rig->folder);
}

/* A client that verifies origin.test against our CA; NULL after a failed handshake. */
static inline SSL *rig_client(struct rig *rig, int fd, SSL_CTX *client)
{
    SSL *ssl = SSL_new(client);

    SSL_CTX_set1_cert_store(client, rig->roots);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_set1_host(ssl, "origin.test");
    SSL_set_tlsext_host_name(ssl, "origin.test");
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) == 1)
        return ssl;
    SSL_free(ssl);
    return NULL;
}

#endif
