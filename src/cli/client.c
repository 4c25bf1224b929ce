#include "cli/client.h"

#include "h1/decoder.h"
#include "os/loop.h"
#include "os/tcp.h"
#include "os/timer.h"

#define ARENA_BYTES_MAX ((size_t)1024 * 1024)
#define REQUEST_BYTES_MAX ((size_t)1024 * 1024)

struct call {
    struct os_loop *loop;
    struct os_tcp *tcp;
    struct os_timer *timer;
    struct h1_decoder *decoder;
    struct arena arena;
    struct buf request;
    struct buf *body;
    unsigned status;
    struct err err; /* of the whole call */
    bool is_over;
};

static void finish(struct call *call, struct err err)
{
    if (call->is_over)
        return;
    call->is_over = true;
    call->err = err;
    os_tcp_close(call->tcp);
}

static void on_closed(void *owner)
{
    struct call *call = owner;

    os_loop_stop(call->loop);
}

static void on_timeout(void *owner) { finish(owner, ERR(ERR_TIMEOUT, 0, "no answer in time")); }
static void on_error(void *owner, struct err err) { finish(owner, err); }

static void on_connected(void *owner, struct err err)
{
    struct call *call = owner;
    struct str request = buf_str(&call->request);

    if (err_is(err)) {
        finish(call, err);
        return;
    }
    os_tcp_write(call->tcp, &request, 1);
    os_tcp_read_start(call->tcp);
}

/* Interim responses are passed over. */
static void take_event(struct call *call, const struct h1_event *event)
{
    struct err err = OK;

    if (h1_decoder_is_interim(call->decoder)) {
        if (event->kind == H1_EVENT_END)
            h1_decoder_next(call->decoder, &call->arena);
        return;
    }
    if (event->kind == H1_EVENT_HEAD)
        call->status = h1_decoder_message(call->decoder)->status;
    else if (event->kind == H1_EVENT_BODY)
        err = buf_append(call->body, event->payload);
    else if (event->kind == H1_EVENT_END)
        finish(call, OK);
    if (err_is(err))
        finish(call, err);
}

static void on_bytes(void *owner, struct str bytes)
{
    struct call *call = owner;

    while (!call->is_over) {
        struct h1_event event;
        struct err err = h1_decoder_step(call->decoder, &bytes, &event);

        if (err.code == ERR_AGAIN)
            return;
        if (err_is(err))
            finish(call, err);
        else
            take_event(call, &event);
    }
}

static void on_eof(void *owner)
{
    struct call *call = owner;
    struct h1_event event;
    struct err err = h1_decoder_finish(call->decoder, &event);

    if (!err_is(err))
        take_event(call, &event);
    finish(call, err_is(err) ? err : OK);
}

static void on_drain(void *owner) { (void)owner; }

static struct err write_request(struct buf *out, const struct cli_client_request *request)
{
    char addr[OS_ADDR_TEXT_BYTES];

    TRY(buf_format(out, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n",
                   request->method, request->target, os_addr_format(&request->addr, addr), request->token));
    if (request->body.len)
        TRY(buf_format(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", request->body.len));
    TRY(buf_append(out, STR("\r\n")));
    return buf_append(out, request->body);
}

static struct err run(struct call *call, const struct cli_client_request *request)
{
    static const struct os_tcp_events events = {on_connected, on_bytes, on_eof, on_error, on_drain, on_closed};

    TRY(write_request(&call->request, request));
    TRY(os_timer_new(call->loop, on_timeout, call, &call->timer));
    TRY(os_tcp_connect(call->loop, &request->addr, &events, call, &call->tcp));
    os_timer_start(call->timer, request->timeout_ms);
    h1_decoder_next(call->decoder, &call->arena);
    h1_decoder_expect(call->decoder, str_from(request->method));
    os_loop_run(call->loop);
    return call->err;
}

struct err cli_client_call(const struct cli_client_request *request, struct buf *body, unsigned *ret_status)
{
    static const struct h1_limits limits = {0}; /* the usual ones */
    struct call call = {.body = body};
    struct err err;

    TRY(os_loop_new(&call.loop));
    arena_init(&call.arena, ARENA_BYTES_MAX);
    buf_init(&call.request, REQUEST_BYTES_MAX);
    call.decoder = h1_decoder_new(false, &limits);
    err = run(&call, request);
    os_timer_free(&call.timer);
    h1_decoder_free(&call.decoder);
    buf_deinit(&call.request);
    arena_deinit(&call.arena);
    os_loop_free(&call.loop);
    if (!err_is(err))
        *ret_status = call.status;
    return err;
}
