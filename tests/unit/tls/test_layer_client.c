/* Covers tls/layer toward clients: OpenSSL's own client over loopback, and clients that misbehave at every step. */
#include "rig.h"

#define BULK_BYTES ((size_t)4 * 1024 * 1024)

static struct rig rig;

static int open_rig(void **state)
{
    (void)state;
    rig_open(&rig, NULL);
    return 0;
}

static int end_rig(void **state)
{
    (void)state;
    rig_end(&rig);
    return 0;
}

static SSL_CTX *client_of(int version)
{
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_min_proto_version(client, version);
    SSL_CTX_set_max_proto_version(client, version);
    if (version < TLS1_2_VERSION)
        SSL_CTX_set_cipher_list(client, "ALL:@SECLEVEL=0");
    SSL_CTX_set_alpn_protos(client, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    return client;
}

/* Says hello, reads the echo, ends properly. */
static void greet_with(struct rig *rig_, int fd, int version)
{
    SSL_CTX *client = client_of(version);
    SSL *ssl = rig_client(rig_, fd, client);

    if (ssl) {
        SSL_write(ssl, "hello", 5);
        rig_->peer_result = SSL_read(ssl, rig_->peer_text, sizeof(rig_->peer_text) - 1);
        SSL_shutdown(ssl);
        SSL_free(ssl);
    }
    SSL_CTX_free(client);
}

static void greet(struct rig *rig_, int fd) { greet_with(rig_, fd, TLS1_3_VERSION); }

static void greet_tls12(struct rig *rig_, int fd) { greet_with(rig_, fd, TLS1_2_VERSION); }

static void greet_tls10(struct rig *rig_, int fd) { greet_with(rig_, fd, TLS1_VERSION); }

static void echo(void) { rig.reads_when_ready = rig.echoes = rig.closes_at_eof = true; }

static void layer_serves_a_client(void **state)
{
    (void)state;
    echo();
    rig_serve_with(&rig, (struct tls_layer_client_options){.alpn = STR("http/1.1"), .ja4 = STR("t13x")}, greet);
    assert_int_equal(rig.ready_count, 1);
    assert_string_equal(rig.peer_text, "hello");
    assert_int_equal(rig.eof_count, 1);
    assert_int_equal(rig.facts.version, 0x0304);
    assert_string_equal(rig.facts.version_text, "TLSv1.3");
    assert_string_equal(rig.facts.cipher, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(rig.facts.alpn, "http/1.1");
    assert_string_equal(rig.facts.sni, "origin.test");
    assert_string_equal(rig.facts.ja4, "t13x");
    assert_false(rig.facts.is_resumed);
    assert_false(rig.facts.has_certificate);
}

static void layer_serves_tls12_and_older_only_when_told(void **state)
{
    (void)state;
    echo();
    rig_serve(&rig, greet_tls12);
    assert_string_equal(rig.peer_text, "hello");
    assert_string_equal(rig.facts.version_text, "TLSv1.2");
    rig_serve(&rig, greet_tls10);
    assert_int_equal(rig.ready_err.code, ERR_TLS);
    assert_string_equal(rig.peer_text, "");
    rig_serve_with(&rig, (struct tls_layer_client_options){.is_legacy = true}, greet_tls10);
    assert_string_equal(rig.peer_text, "hello");
    assert_string_equal(rig.facts.version_text, "TLSv1");
}

static void layer_goes_on_without_a_common_protocol(void **state)
{
    (void)state;
    echo();
    rig_serve_with(&rig, (struct tls_layer_client_options){.alpn = STR("spdy/1")}, greet);
    assert_string_equal(rig.peer_text, "hello");
    assert_string_equal(rig.facts.alpn, "");
    rig_serve_with(&rig, (struct tls_layer_client_options){.alpn = STR("http/1.1,h2")}, greet);
    assert_string_equal(rig.facts.alpn, "http/1.1");
    rig_serve_with(&rig, (struct tls_layer_client_options){.alpn = STR("h2,http/1.1")}, greet);
    assert_string_equal(rig.facts.alpn, "h2");
}

/* Sends and checks a lot in both directions; the reader is a thread of its own so that neither side waits. */
static void *read_bulk(void *owner)
{
    SSL *ssl = owner;
    static char bytes[16384];
    size_t total = 0;
    int len;

    while (total < BULK_BYTES && (len = SSL_read(ssl, bytes, sizeof(bytes))) > 0) {
        for (int i = 0; i < len; i++)
            if (bytes[i] != (char)((total + (size_t)i) * 7 % 251))
                return NULL;
        total += (size_t)len;
    }
    return total == BULK_BYTES ? owner : NULL;
}

static void send_bulk(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(TLS1_3_VERSION);
    SSL *ssl = rig_client(rig_, fd, client);
    char *bytes = malloc(BULK_BYTES);
    size_t sent = 0;

    for (size_t i = 0; i < BULK_BYTES; i++)
        bytes[i] = (char)(i * 7 % 251);
    /* In pieces, because the echo must be read in between. */
    while (ssl && sent < BULK_BYTES) {
        int len = SSL_write(ssl, bytes + sent, 16384);

        if (len <= 0)
            break;
        sent += (size_t)len;
    }
    if (ssl)
        rig_->peer_result = read_bulk(ssl) != NULL;
    if (ssl)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    SSL_CTX_free(client);
    free(bytes);
}

static void layer_carries_megabytes_unchanged(void **state)
{
    (void)state;
    echo();
    rig_serve(&rig, send_bulk);
    assert_int_equal(rig.peer_result, 1);
    assert_int_equal(rig.received.len, BULK_BYTES);
    /* Records are collected: far fewer calls than the 256 records. */
    assert_true(rig.bytes_count <= BULK_BYTES / 16384);
}

static void write_many_parts(struct rig *rig_)
{
    static char big[100000];
    struct str parts[64];

    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 % 251);
    for (size_t i = 0, at = 0; i < 64; i++) {
        size_t len = i == 63 ? sizeof(big) - at : i * 37 % 4000;

        parts[i] = (struct str){big + at, len};
        at += len;
    }
    net_layer_write(rig_->layer, parts, 64);
    net_layer_shutdown(rig_->layer);
}

static void read_parts(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(TLS1_3_VERSION);
    SSL *ssl = rig_client(rig_, fd, client);
    char bytes[5000];
    size_t total = 0;
    int len;

    while (ssl && (len = SSL_read(ssl, bytes, sizeof(bytes))) > 0) {
        for (int i = 0; i < len; i++)
            rig_->peer_result += bytes[i] != (char)((total + (size_t)i) * 7 % 251);
        total += (size_t)len;
    }
    if (ssl && SSL_get_error(ssl, 0) == SSL_ERROR_ZERO_RETURN && total == 100000)
        snprintf(rig_->peer_text, sizeof(rig_->peer_text), "whole");
    /* Our direction is still open: half-close. */
    if (ssl) {
        SSL_write(ssl, "after", 5);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void layer_gathers_parts_and_half_closes(void **state)
{
    (void)state;
    rig.reads_when_ready = rig.closes_at_eof = true;
    rig.on_ready = write_many_parts;
    rig_serve(&rig, read_parts);
    assert_int_equal(rig.peer_result, 0);
    assert_string_equal(rig.peer_text, "whole");
    assert_true(str_eq(buf_str(&rig.received), STR("after")));
}

static void leave_without_goodbye(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(TLS1_3_VERSION);
    SSL *ssl = rig_client(rig_, fd, client);

    if (ssl)
        SSL_write(ssl, "cut", 3);
    shutdown(fd, SHUT_WR);
    /* To the end: closing with something unread would reset the connection. */
    while (read(fd, rig_->peer_text, 100) > 0)
        ;
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static bool was_truncated;

static void note_truncation(void *owner)
{
    struct rig *rig_ = owner;

    rig_->eof_count++;
    was_truncated = net_layer_was_truncated(rig_->layer);
    net_layer_close(rig_->layer);
}

static void layer_tells_truncation_from_a_proper_end(void **state)
{
    static struct net_layer_events noting;
    struct tls_layer_client_options options = {.above = rig_owner(&rig), .name = STR("origin.test")};
    void (*const peers[])(struct rig * rig_, int fd) = {leave_without_goodbye, greet};

    (void)state;
    noting = rig_events;
    noting.on_eof = note_truncation;
    rig.reads_when_ready = rig.echoes = true;
    for (size_t i = 0; i < 2; i++) {
        struct net_layer *lower = rig_connect(&rig);

        rig_forget(&rig);
        options.above.events = &noting;
        assert_false(err_is(tls_layer_new_client_side(rig.tls, lower, &options, &rig.layer)));
        rig_run(&rig, peers[i]);
        assert_int_equal(rig.eof_count, 1);
        assert_int_equal(was_truncated, i == 0);
    }
}

/* A client that answers our certificate with a chosen verdict, which OpenSSL turns into an alert. */
static int verify_error;

static int refuse_certificate(X509_STORE_CTX *chain, void *owner)
{
    (void)owner;
    X509_STORE_CTX_set_error(chain, verify_error);
    return 0;
}

static void refuse_with(struct rig *rig_, int fd, int version)
{
    SSL_CTX *client = client_of(version);
    SSL *ssl;

    SSL_CTX_set_cert_verify_callback(client, refuse_certificate, NULL);
    ssl = rig_client(rig_, fd, client);
    rig_->peer_result = ssl != NULL;
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void refuse_tls13(struct rig *rig_, int fd) { refuse_with(rig_, fd, TLS1_3_VERSION); }

static void refuse_tls12(struct rig *rig_, int fd) { refuse_with(rig_, fd, TLS1_2_VERSION); }

static void layer_recognises_a_client_that_refuses_our_certificate(void **state)
{
    static const struct {
        int error;
        unsigned alert;
    } cases[] = {
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, SSL_AD_UNKNOWN_CA},
        {X509_V_ERR_HOSTNAME_MISMATCH, SSL_AD_BAD_CERTIFICATE},
        {9999, SSL_AD_CERTIFICATE_UNKNOWN} /* a reason of its own */,
        {X509_V_ERR_CERT_HAS_EXPIRED, SSL_AD_CERTIFICATE_EXPIRED},
        {X509_V_ERR_CERT_REVOKED, SSL_AD_CERTIFICATE_REVOKED},
        {X509_V_ERR_INVALID_PURPOSE, SSL_AD_UNSUPPORTED_CERTIFICATE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        verify_error = cases[i].error;
        for (int is_old = 0; is_old < 2; is_old++) {
            rig_serve(&rig, is_old ? refuse_tls12 : refuse_tls13);
            assert_int_equal(rig.ready_count, 1);
            assert_int_equal(rig.ready_err.code, ERR_VERIFY);
            assert_int_equal(rig.ready_err.wire, cases[i].alert);
            assert_true(tls_layer_is_refusal(rig.ready_err));
        }
    }
}

/* A client whose bytes the test can change on their way. */
struct bent {
    SSL_CTX *client;
    SSL *ssl;
    BIO *from_us, *to_us;
};

static void bend(struct bent *bent, struct rig *rig_)
{
    bent->client = client_of(TLS1_3_VERSION);
    bent->ssl = SSL_new(bent->client);
    SSL_CTX_set1_cert_store(bent->client, rig_->roots);
    bent->from_us = BIO_new(BIO_s_mem());
    bent->to_us = BIO_new(BIO_s_mem());
    SSL_set_bio(bent->ssl, bent->from_us, bent->to_us);
    SSL_set_tlsext_host_name(bent->ssl, "origin.test");
    SSL_set_connect_state(bent->ssl);
}

static void unbend(struct bent *bent)
{
    SSL_free(bent->ssl);
    SSL_CTX_free(bent->client);
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

static bool pull(struct bent *bent, int fd)
{
    char bytes[8192];
    ssize_t len = recv(fd, bytes, sizeof(bytes), 0);

    return len > 0 && BIO_write(bent->from_us, bytes, (int)len) == len;
}

/* RFC 8446, 5.1 lets a handshake message lie in records of one byte. */
static void hello_in_tiny_records(struct rig *rig_, int fd)
{
    struct bent bent;
    char *bytes;
    long len;

    bend(&bent, rig_);
    (void)SSL_do_handshake(bent.ssl);
    len = BIO_get_mem_data(bent.to_us, &bytes);
    for (long i = 5; i < len; i++) {
        const char record[6] = {22, 3, 1, 0, 1, bytes[i]};

        send_all(fd, record, sizeof(record));
    }
    (void)BIO_reset(bent.to_us);
    while (SSL_do_handshake(bent.ssl) != 1 && pull(&bent, fd))
        ;
    SSL_write(bent.ssl, "hello", 5);
    len = BIO_get_mem_data(bent.to_us, &bytes);
    send_all(fd, bytes, (size_t)len);
    (void)BIO_reset(bent.to_us);
    while ((rig_->peer_result = SSL_read(bent.ssl, rig_->peer_text, 100)) <= 0 && pull(&bent, fd))
        ;
    SSL_shutdown(bent.ssl);
    len = BIO_get_mem_data(bent.to_us, &bytes);
    send_all(fd, bytes, (size_t)len);
    unbend(&bent);
}

static void layer_takes_a_hello_in_tiny_records(void **state)
{
    (void)state;
    echo();
    rig_serve(&rig, hello_in_tiny_records);
    assert_string_equal(rig.peer_text, "hello");
}

static size_t bent_at;

/* One bit of what the client sends is wrong. */
static void send_bent(struct rig *rig_, int fd)
{
    struct bent bent;
    size_t sent = 0;
    int status;

    bend(&bent, rig_);
    /* Where a length grew, both sides wait. */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 50000}, sizeof(struct timeval));
    do {
        char *bytes;
        long len;

        status = SSL_do_handshake(bent.ssl);
        if (status == 1)
            SSL_write(bent.ssl, "hello", 5);
        len = BIO_get_mem_data(bent.to_us, &bytes);
        if (bent_at >= sent && bent_at < sent + (size_t)len)
            bytes[bent_at - sent] ^= 0x40;
        send_all(fd, bytes, (size_t)len);
        sent += (size_t)len;
        (void)BIO_reset(bent.to_us);
    } while (status != 1 && pull(&bent, fd));
    shutdown(fd, SHUT_WR);
    while (pull(&bent, fd))
        ;
    rig_->peer_result = (int)sent;
    unbend(&bent);
}

static void layer_survives_a_wrong_bit_anywhere(void **state)
{
    size_t total = 1;
    unsigned failures = 0;

    (void)state;
    rig.reads_when_ready = rig.closes_at_eof = true;
    for (bent_at = 0; bent_at < total; bent_at += 3) {
        rig_serve(&rig, send_bent);
        assert_int_equal(rig.ready_count, 1);
        assert_int_equal(rig.closed_count, 1);
        failures += err_is(rig.ready_err) || err_is(rig.error);
        if ((size_t)rig.peer_result > total)
            total = (size_t)rig.peer_result;
    }
    /* Some bits, as those of the session id or a padding, change nothing. */
    assert_true(total > 300);
    assert_true(failures > total / 3 / 4);
}

static struct str raw_bytes;
static bool waits_for_answer;

static void send_raw(struct rig *rig_, int fd)
{
    char answer[8192];

    send_all(fd, raw_bytes.ptr, raw_bytes.len);
    if (!waits_for_answer)
        shutdown(fd, SHUT_WR);
    rig_->peer_result = (int)recv(fd, answer, sizeof(answer), 0);
}

static void layer_refuses_what_is_not_tls(void **state)
{
    static const struct {
        struct str bytes;
        enum err_code code;
    } cases[] = {
        {STR_NONE, ERR_CLOSED},
        {STR("\x16"), ERR_CLOSED},
        {STR("\x16\x03\x01\x02\x00\x01\x00\x01"), ERR_CLOSED},
        {STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_TLS},
        {STR("\x15\x03\x01\x00\x02\x02\x28"), ERR_TLS}, /* an alert before anything */
        {STR("\x14\x03\x03\x00\x01\x01\x14\x03\x03\x00\x01\x01"), ERR_TLS},
        {STR("\x17\x03\x03\x00\x05hello"), ERR_TLS},
        {STR("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), ERR_TLS},            /* a ServerHello */
        {STR("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"), ERR_CLOSED}, /* the start of an SSL 2 hello */
    };

    (void)state;
    waits_for_answer = false;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        raw_bytes = cases[i].bytes;
        rig_serve(&rig, send_raw);
        assert_int_equal(rig.ready_count, 1);
        assert_int_equal(rig.ready_err.code, cases[i].code);
        assert_non_null(rig.ready_err.what);
        assert_false(tls_layer_is_refusal(rig.ready_err));
    }
}

/* Every alert there is, right after our flight; those about certificates are refusals. */
static int alert_number;

static void answer_with_alert(struct rig *rig_, int fd)
{
    const char record[7] = {21, 3, 3, 0, 2, 2, (char)alert_number};
    struct bent bent;
    char *bytes;
    long len;

    bend(&bent, rig_);
    SSL_set_min_proto_version(bent.ssl, TLS1_2_VERSION);
    SSL_set_max_proto_version(bent.ssl, TLS1_2_VERSION);
    (void)SSL_do_handshake(bent.ssl);
    len = BIO_get_mem_data(bent.to_us, &bytes);
    send_all(fd, bytes, (size_t)len);
    (void)pull(&bent, fd);
    if (alert_number)
        send_all(fd, record, sizeof(record));
    shutdown(fd, SHUT_WR);
    while (pull(&bent, fd))
        ;
    unbend(&bent);
}

static void layer_reports_the_alert_it_was_sent(void **state)
{
    static const struct {
        int alert;
        enum err_code code;
    } cases[] = {{0, ERR_VERIFY},  {20, ERR_TLS},    {40, ERR_TLS},    {42, ERR_VERIFY}, {43, ERR_VERIFY},
                 {44, ERR_VERIFY}, {45, ERR_VERIFY}, {46, ERR_VERIFY}, {47, ERR_TLS},    {48, ERR_VERIFY},
                 {50, ERR_TLS},    {70, ERR_TLS},    {80, ERR_TLS},    {112, ERR_TLS},   {255, ERR_TLS}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        alert_number = cases[i].alert;
        rig_serve(&rig, answer_with_alert);
        assert_int_equal(rig.ready_err.code, cases[i].code);
        assert_int_equal(rig.ready_err.wire, alert_number);
    }
}

static void layer_takes_what_was_peeked_at(void **state)
{
    struct tls_layer_client_options options = {.above = rig_owner(&rig), .name = STR("origin.test")};

    (void)state;
    echo();
    /* From one byte of the hello to all of it. */
    for (size_t peeked = 1; peeked < 300; peeked += 97) {
        char bytes[512];
        struct net_layer *lower;
        int fds[2];
        ssize_t len;

        rig_forget(&rig);
        rig_tcp_pair(fds);
        rig.peer_fd = fds[0];
        rig.peer = greet;
        rig.peer_done = (struct os_post){.fn = rig_on_peer_done, .owner = &rig};
        assert_int_equal(pthread_create(&rig.thread, NULL, rig_run_peer, &rig), 0);
        assert_int_equal(poll(&(struct pollfd){fds[1], POLLIN, 0}, 1, RIG_LIMIT_MS), 1);
        len = recv(fds[1], bytes, peeked, 0);
        assert_true(len > 0);
        assert_false(err_is(net_socket_adopt(rig.loop, fds[1], &lower)));
        options.first_bytes = (struct str){bytes, (size_t)len};
        assert_false(err_is(tls_layer_new_client_side(rig.tls, lower, &options, &rig.layer)));
        memset(bytes, 0, sizeof(bytes)); /* it was copied */
        os_loop_run(rig.loop);
        pthread_join(rig.thread, NULL);
        assert_string_equal(rig.peer_text, "hello");
    }
}

/* Reads one piece, then only every 20 ms. */
static struct os_timer *pause_timer;

static void read_on(void *owner) { net_layer_read_start(((struct rig *)owner)->layer); }

static void pause_reading(struct rig *rig_, struct str bytes)
{
    (void)bytes;
    net_layer_read_stop(rig_->layer);
    os_timer_start(pause_timer, 1);
}

static void send_only(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(TLS1_3_VERSION);
    SSL *ssl = rig_client(rig_, fd, client);
    static char bytes[16384];

    for (size_t sent = 0; ssl && sent < BULK_BYTES; sent += sizeof(bytes))
        rig_->peer_result += SSL_write(ssl, bytes, sizeof(bytes));
    /* Closing with unread tickets would reset the connection. */
    if (ssl && SSL_shutdown(ssl) == 0)
        SSL_read(ssl, bytes, sizeof(bytes));
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void layer_stops_reading_at_once_when_told(void **state)
{
    (void)state;
    assert_false(err_is(os_timer_new(rig.loop, read_on, &rig, &pause_timer)));
    rig.reads_when_ready = rig.closes_at_eof = true;
    rig.on_bytes = pause_reading;
    rig_serve(&rig, send_only);
    os_timer_free(&pause_timer);
    assert_int_equal(rig.peer_result, BULK_BYTES);
    assert_int_equal(rig.received.len, BULK_BYTES);
    assert_int_equal(rig.eof_count, 1);
}

static void flood_with_key_updates(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(TLS1_3_VERSION);
    SSL *ssl = rig_client(rig_, fd, client);

    for (int i = 0; ssl && i < rig_->peer_result; i++) {
        SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        if (SSL_do_handshake(ssl) != 1)
            break;
    }
    if (ssl && SSL_write(ssl, "hello", 5) == 5)
        SSL_read(ssl, rig_->peer_text, 100);
    if (ssl)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void update_keys_now_and_then(struct rig *rig_, int fd)
{
    rig_->peer_result = 30;
    flood_with_key_updates(rig_, fd);
}

static void update_keys_without_end(struct rig *rig_, int fd)
{
    rig_->peer_result = 200;
    flood_with_key_updates(rig_, fd);
}

static void layer_bounds_key_updates(void **state)
{
    (void)state;
    echo();
    rig_serve(&rig, update_keys_now_and_then);
    assert_int_equal(rig.error_count, 0);
    assert_string_equal(rig.peer_text, "hello");
    rig_serve(&rig, update_keys_without_end);
    assert_int_equal(rig.error.code, ERR_LIMIT);
}

static void renegotiate(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(TLS1_2_VERSION);
    SSL *ssl = rig_client(rig_, fd, client);

    if (ssl && SSL_renegotiate(ssl)) {
        rig_->peer_result = SSL_do_handshake(ssl);
        rig_->peer_result = SSL_read(ssl, rig_->peer_text, 100);
    }
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void layer_does_not_renegotiate(void **state)
{
    (void)state;
    echo();
    rig_serve(&rig, renegotiate);
    assert_int_equal(rig.ready_count, 1);
    assert_false(err_is(rig.ready_err));
    assert_true(rig.peer_result <= 0);
}

static SSL_SESSION *kept_session;

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept_session);
    kept_session = session;
    return 1;
}

static void visit_again(struct rig *rig_, int fd)
{
    SSL_CTX *client = client_of(rig_->peer_result ? rig_->peer_result : TLS1_3_VERSION);
    SSL *ssl = SSL_new(client);

    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, keep_session);
    SSL_set_tlsext_host_name(ssl, "origin.test");
    SSL_set_fd(ssl, fd);
    if (kept_session)
        SSL_set_session(ssl, kept_session);
    if (SSL_connect(ssl) == 1) {
        SSL_write(ssl, "hello", 5);
        SSL_read(ssl, rig_->peer_text, 100);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(client);
}

static void layer_resumes_sessions_also_of_another_loop(void **state)
{
    struct tls_loop_options options = {.loop = rig.loop, .ca = rig.ca, .trust = rig.trust};
    struct tls_loop *other, *first = rig.tls;

    (void)state;
    echo();
    rig_serve(&rig, visit_again);
    assert_false(rig.facts.is_resumed);
    assert_non_null(kept_session);
    rig_serve(&rig, visit_again);
    assert_true(rig.facts.is_resumed);
    assert_false(err_is(tls_loop_new(&options, &other)));
    rig.tls = other;
    rig_serve(&rig, visit_again);
    assert_true(rig.facts.is_resumed);
    rig.tls = first;
    tls_loop_free(&other);
    SSL_SESSION_free(kept_session);
    kept_session = NULL;
}

static void wait_for_end(struct rig *rig_, int fd)
{
    rig_->peer_result = (int)recv(fd, rig_->peer_text, sizeof(rig_->peer_text), 0);
}

static void layer_closed_before_it_is_ready_never_is(void **state)
{
    struct tls_layer_client_options options = {.above = rig_owner(&rig), .name = STR("origin.test")};

    (void)state;
    for (int with_reset = 0; with_reset < 2; with_reset++) {
        struct net_layer *lower = rig_connect(&rig);

        rig_forget(&rig);
        assert_false(err_is(tls_layer_new_client_side(rig.tls, lower, &options, &rig.layer)));
        if (with_reset)
            net_layer_reset(rig.layer);
        else
            net_layer_close(rig.layer);
        rig_run(&rig, wait_for_end);
        assert_int_equal(rig.ready_count, 0);
        assert_int_equal(rig.closed_count, 1);
        assert_int_equal(rig.peer_result, with_reset ? -1 : 0);
    }
}

static void layer_without_a_name_leaves_the_socket_alone(void **state)
{
    struct tls_layer_client_options options = {.above = rig_owner(&rig), .name = STR("..")};
    struct net_layer *lower = rig_connect(&rig);

    (void)state;
    rig_forget(&rig);
    assert_int_equal(tls_layer_new_client_side(rig.tls, lower, &options, &rig.layer).code, ERR_SYNTAX);
    rig.layer = lower;
    net_layer_set_owner(lower, &rig_events, &rig);
    net_layer_close(lower);
    rig_run(&rig, wait_for_end);
    assert_int_equal(rig.closed_count, 1);
}

#define RIGGED(test) cmocka_unit_test_setup_teardown(test, open_rig, end_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIGGED(layer_serves_a_client),
        RIGGED(layer_serves_tls12_and_older_only_when_told),
        RIGGED(layer_goes_on_without_a_common_protocol),
        RIGGED(layer_carries_megabytes_unchanged),
        RIGGED(layer_gathers_parts_and_half_closes),
        RIGGED(layer_tells_truncation_from_a_proper_end),
        RIGGED(layer_recognises_a_client_that_refuses_our_certificate),
        RIGGED(layer_takes_a_hello_in_tiny_records),
        RIGGED(layer_survives_a_wrong_bit_anywhere),
        RIGGED(layer_refuses_what_is_not_tls),
        RIGGED(layer_reports_the_alert_it_was_sent),
        RIGGED(layer_takes_what_was_peeked_at),
        RIGGED(layer_stops_reading_at_once_when_told),
        RIGGED(layer_bounds_key_updates),
        RIGGED(layer_does_not_renegotiate),
        RIGGED(layer_resumes_sessions_also_of_another_loop),
        RIGGED(layer_closed_before_it_is_ready_never_is),
        RIGGED(layer_without_a_name_leaves_the_socket_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
