#include "admin/connection.h"

#include "admin/route.h"
#include "base/fsm.h"
#include "base/log.h"
#include "os/tcp.h"
#include "os/timer.h"

#define HEAD_MS 10000
#define BODY_MS 30000
#define IDLE_MS 60000
#define STALL_MS 30000
#define HEARTBEAT_MS 15000
/* How long a call may go on after its client has ended its direction: it may only have said all it has to say. */
#define HALF_CLOSED_MS 1000
#define LINGER_MS 2000

#define PENDING_MAX ((size_t)4 * OS_TCP_READ_BYTES)
#define PENDING_HIGH ((size_t)2 * OS_TCP_READ_BYTES)
#define QUEUE_LOW ((size_t)64 * 1024)
#define EVENTS_AT_ONCE ((size_t)256 * 1024)

enum state {
    READ,
    CALL,
    SEND,
    LINGER,
    CLOSED,
};

struct admin_connection {
    struct fsm fsm;
    struct admin_home *home;
    struct os_tcp *tcp;     /* NULL once closed */
    struct os_timer *timer; /* what it means depends on the state */
    struct os_addr local;
    struct admin_intake intake;
    struct buf pending; /* received, not yet taken */
    struct admin_call call;
    const struct admin_route *route;
    struct admin_worker_job job;
    bool is_job_running;
    bool has_sent_head;
    enum admin_reply_framing framing;
    bool will_close;   /* after this answer */
    bool has_ended;    /* the client's direction */
    bool has_deadline; /* of the request being read */
    void (*on_gone)(void *owner);
    void *owner;
    struct os_post gone_post;
};

static enum fsm_next step_read(void *owner);
static enum fsm_next step_call(void *owner);
static enum fsm_next step_send(void *owner);
static enum fsm_next step_linger(void *owner);
static enum fsm_next step_closed(void *owner);

static const struct fsm_state states[] = {
    [READ] = {"read", FSM_TO(CALL) | FSM_TO(SEND) | FSM_TO(LINGER) | FSM_TO(CLOSED), step_read},
    [CALL] = {"call", FSM_TO(SEND) | FSM_TO(CLOSED), step_call},
    [SEND] = {"send", FSM_TO(READ) | FSM_TO(CALL) | FSM_TO(LINGER) | FSM_TO(CLOSED), step_send},
    [LINGER] = {"linger", FSM_TO(CLOSED), step_linger},
    [CLOSED] = {"closed", 0, step_closed},
};

static bool is_state(const struct admin_connection *connection, enum state state)
{
    return connection->fsm.state == (unsigned)state;
}

/* --- the end --- */

static void on_gone_post(void *owner)
{
    struct admin_connection *connection = owner;

    connection->on_gone(connection->owner);
}

static void tell_when_gone(struct admin_connection *connection)
{
    if (connection->tcp || connection->is_job_running)
        return;
    connection->gone_post = (struct os_post){.fn = on_gone_post, .owner = connection};
    os_loop_post(connection->home->options.loop, &connection->gone_post);
}

static void on_closed(void *owner)
{
    struct admin_connection *connection = owner;

    connection->tcp = NULL;
    tell_when_gone(connection);
}

static void move_to_closed(struct admin_connection *connection)
{
    atomic_store(&connection->call.is_cancelled, true);
    admin_feed_unsubscribe(&connection->call.feed_reader);
    os_timer_stop(connection->timer);
    fsm_move(&connection->fsm, CLOSED);
}

void admin_connection_close(struct admin_connection *connection)
{
    if (is_state(connection, CLOSED))
        return;
    move_to_closed(connection);
    os_tcp_close(connection->tcp);
}

/* So that the client cannot take what it has for the whole answer. */
static void break_off(struct admin_connection *connection)
{
    move_to_closed(connection);
    os_tcp_reset(connection->tcp);
}

static enum fsm_next step_closed(void *owner)
{
    (void)owner;
    return FSM_DONE;
}

/* --- reading a request --- */

static void begin_answer(struct admin_connection *connection)
{
    connection->has_sent_head = false;
    fsm_move(&connection->fsm, SEND);
}

static enum fsm_next refuse(struct admin_connection *connection, unsigned status, const char *detail)
{
    struct admin_reply *reply = &connection->call.reply;

    admin_problem_reply(reply, status, detail);
    if (status == 401)
        admin_reply_field(reply, "WWW-Authenticate", STR("Bearer realm=\"sekisho\""));
    if (status == 429)
        admin_reply_field(reply, "Retry-After", STR("10"));
    connection->will_close = true;
    begin_answer(connection);
    return FSM_MORE;
}

static void wait_for_input(struct admin_connection *connection)
{
    bool is_idle = admin_intake_is_idle(&connection->intake) && !connection->intake.request.message;

    if (is_idle)
        os_timer_start(connection->timer, IDLE_MS);
    else if (!connection->has_deadline)
        os_timer_start(connection->timer, HEAD_MS);
    connection->has_deadline = !is_idle;
    os_tcp_read_start(connection->tcp);
}

static enum fsm_next take_head(struct admin_connection *connection)
{
    const struct admin_request *request = &connection->intake.request;
    struct admin_auth_verdict verdict = admin_auth_check(&connection->home->auth, request->message, &connection->local,
                                                         os_loop_now_ms(connection->home->options.loop));

    connection->home->request_count++;
    if (verdict.status)
        return refuse(connection, verdict.status, verdict.detail);
    if (request->expects_continue)
        os_tcp_write(connection->tcp, &STR("HTTP/1.1 100 Continue\r\n\r\n"), 1);
    os_timer_start(connection->timer, BODY_MS);
    connection->has_deadline = true;
    return FSM_MORE;
}

static enum fsm_next find_route(struct admin_connection *connection)
{
    struct admin_call *call = &connection->call;
    char allow[64];
    char path[128];

    call->request = &connection->intake.request;
    call->arena = &connection->intake.arena;
    connection->will_close = !call->request->keeps_alive;
    connection->has_sent_head = false;
    log_write(LOG_DEBUG, "admin: %.*s %s", STR_ARG(str_head(call->request->message->method, 16)),
              log_safe(call->request->path, path, sizeof(path)));
    connection->route =
        admin_route_find(call->request->message->method, call->request->path, call->args, allow, sizeof(allow));
    if (connection->route) {
        fsm_move(&connection->fsm, CALL);
        return FSM_MORE;
    }
    if (allow[0] == '\0') {
        admin_problem_reply(&call->reply, 404, "There is nothing of that name here.");
    } else {
        admin_problem_reply(&call->reply, 405, "This path has other methods; Allow lists them.");
        admin_reply_field(&call->reply, "Allow", str_from(allow));
    }
    fsm_move(&connection->fsm, SEND);
    return FSM_MORE;
}

static enum fsm_next step_read(void *owner)
{
    struct admin_connection *connection = owner;
    struct str input = buf_str(&connection->pending);
    size_t had_len = input.len;
    enum admin_intake_event event;
    struct err err = admin_intake_step(&connection->intake, &input, &event);

    buf_take(&connection->pending, had_len - input.len);
    if (err_is(err))
        return refuse(connection, err.wire ? err.wire : 400, err.what);
    switch (event) {
    case ADMIN_INTAKE_HEAD:
        return take_head(connection);
    case ADMIN_INTAKE_END:
        return find_route(connection);
    case ADMIN_INTAKE_AGAIN:
        break;
    }
    if (connection->has_ended) {
        fsm_move(&connection->fsm, LINGER);
        return FSM_MORE;
    }
    wait_for_input(connection);
    return FSM_WAIT;
}

/* --- calling the handler --- */

static void on_feed_ready(void *owner)
{
    struct admin_connection *connection = owner;

    /* Else the drain goes on. */
    if (is_state(connection, SEND) && os_tcp_queued(connection->tcp) <= QUEUE_LOW)
        fsm_run(&connection->fsm);
}

static void run_job(struct admin_worker_job *job)
{
    struct admin_connection *connection = LIST_OWNER(job, struct admin_connection, job);

    connection->call.reply.has_more = false;
    connection->call.job = job;
    connection->route->on_worker(&connection->call);
    connection->call.job = NULL;
}

static void on_job_done(struct admin_worker_job *job, bool was_run)
{
    struct admin_connection *connection = LIST_OWNER(job, struct admin_connection, job);

    connection->is_job_running = false;
    if (is_state(connection, CLOSED)) {
        tell_when_gone(connection);
        return;
    }
    if (!was_run)
        admin_problem_reply(&connection->call.reply, 503, "The program is about to end.");
    fsm_move(&connection->fsm, SEND);
    fsm_run(&connection->fsm);
}

/* The handler has answered on the loop. */
static enum fsm_next take_answer(struct admin_connection *connection)
{
    struct admin_call *call = &connection->call;

    if (call->reply.type && call->reply.status == 200 && str_eq(str_from(call->reply.type), STR(ADMIN_REPLY_EVENTS))) {
        const struct http_field *last = http_message_field(call->request->message, STR("last-event-id"));

        call->reply.has_more = true;
        admin_feed_subscribe(connection->home->feed, &call->feed_reader, last ? last->value : STR_NONE, on_feed_ready,
                             connection);
    }
    fsm_move(&connection->fsm, SEND);
    return FSM_MORE;
}

static enum fsm_next step_call(void *owner)
{
    struct admin_connection *connection = owner;

    if (connection->is_job_running)
        return FSM_WAIT;
    if (connection->route->on_loop && connection->call.reply.status == 0)
        connection->route->on_loop(&connection->call);
    if (!connection->route->on_worker || (connection->call.reply.status && !connection->has_sent_head))
        return take_answer(connection);
    os_timer_stop(connection->timer);
    if (connection->has_ended)
        os_timer_start(connection->timer, HALF_CLOSED_MS);
    connection->job = (struct admin_worker_job){.run = run_job, .on_done = on_job_done};
    if (err_is(admin_worker_submit(connection->home->worker, &connection->job))) {
        admin_problem_reply(&connection->call.reply, 503, "Too many requests wait for an answer; try again soon.");
        connection->call.reply.is_cut = connection->has_sent_head;
        fsm_move(&connection->fsm, SEND);
        return FSM_MORE;
    }
    connection->is_job_running = true;
    return FSM_WAIT;
}

/* --- sending the answer --- */

static void send_head(struct admin_connection *connection)
{
    const struct admin_reply *reply = &connection->call.reply;
    const struct admin_request *request = &connection->intake.request;
    bool is_old = !request->message || request->message->version != HTTP_VERSION_11;
    struct buf head;
    struct str text;

    connection->framing = !reply->has_more ? ADMIN_REPLY_WHOLE : is_old ? ADMIN_REPLY_CLOSE : ADMIN_REPLY_CHUNKED;
    connection->will_close = connection->will_close || connection->framing == ADMIN_REPLY_CLOSE;
    buf_init(&head, ADMIN_REPLY_FIELDS_MAX + 4096);
    CHECK(!err_is(admin_reply_write_head(reply, connection->framing, !connection->will_close, &head)));
    text = buf_str(&head);
    os_tcp_write(connection->tcp, &text, 1);
    buf_deinit(&head);
    connection->has_sent_head = true;
}

static void send_part(struct admin_connection *connection)
{
    struct buf *body = &connection->call.reply.body;
    bool is_chunked = connection->framing == ADMIN_REPLY_CHUNKED;
    char line[24];
    struct str parts[3] = {STR_NONE, buf_str(body), STR_NONE};

    if (body->len && !connection->intake.request.is_head) {
        if (is_chunked) {
            snprintf(line, sizeof(line), "%zx\r\n", body->len);
            parts[0] = str_from(line);
            parts[2] = STR("\r\n");
        }
        os_tcp_write(connection->tcp, parts, 3);
    }
    buf_clear(body);
}

static enum fsm_next finish_answer(struct admin_connection *connection)
{
    if (connection->framing == ADMIN_REPLY_CHUNKED && !connection->intake.request.is_head)
        os_tcp_write(connection->tcp, &STR("0\r\n\r\n"), 1);
    if (connection->will_close) {
        fsm_move(&connection->fsm, LINGER);
        return FSM_MORE;
    }
    admin_feed_unsubscribe(&connection->call.feed_reader);
    admin_reply_reset(&connection->call.reply);
    connection->call.state = NULL;
    connection->has_deadline = false;
    admin_intake_next(&connection->intake);
    fsm_move(&connection->fsm, READ);
    return FSM_MORE;
}

static enum fsm_next send_events(struct admin_connection *connection)
{
    struct admin_call *call = &connection->call;

    if (admin_feed_read(&call->feed_reader, EVENTS_AT_ONCE, &call->reply.body))
        return FSM_MORE;
    os_timer_start(connection->timer, HEARTBEAT_MS);
    return FSM_WAIT;
}

static enum fsm_next step_send(void *owner)
{
    struct admin_connection *connection = owner;
    struct admin_reply *reply = &connection->call.reply;

    if (reply->is_cut && connection->has_sent_head) {
        break_off(connection);
        return FSM_DONE;
    }
    if (!connection->has_sent_head)
        send_head(connection);
    send_part(connection);
    if (os_tcp_queued(connection->tcp) > QUEUE_LOW) {
        os_timer_start(connection->timer, STALL_MS);
        return FSM_WAIT;
    }
    if (reply->has_more && !connection->intake.request.is_head) {
        if (connection->call.feed_reader.feed)
            return send_events(connection);
        fsm_move(&connection->fsm, CALL);
        return FSM_MORE;
    }
    return finish_answer(connection);
}

/* Closing at once could turn into a reset that destroys the answer on its way (RFC 9112, 9.6), so we say that we are
 * done, and read until the client is. */
static enum fsm_next step_linger(void *owner)
{
    struct admin_connection *connection = owner;

    admin_feed_unsubscribe(&connection->call.feed_reader);
    buf_clear(&connection->pending);
    if (connection->has_ended && os_tcp_queued(connection->tcp) == 0) {
        admin_connection_close(connection);
        return FSM_DONE;
    }
    os_tcp_shutdown(connection->tcp);
    os_tcp_read_start(connection->tcp);
    os_timer_start(connection->timer, LINGER_MS);
    return FSM_WAIT;
}

/* --- what happens --- */

static void on_bytes(void *owner, struct str bytes)
{
    struct admin_connection *connection = owner;

    if (is_state(connection, LINGER))
        return;
    /* There is room: reading stops above PENDING_HIGH, and one read brings less than the rest. */
    CHECK(!err_is(buf_append(&connection->pending, bytes)));
    if (connection->pending.len > PENDING_HIGH)
        os_tcp_read_stop(connection->tcp);
    if (is_state(connection, READ))
        fsm_run(&connection->fsm);
}

static void on_eof(void *owner)
{
    struct admin_connection *connection = owner;

    connection->has_ended = true;
    if (is_state(connection, READ) || is_state(connection, LINGER))
        fsm_run(&connection->fsm);
    else if (connection->call.feed_reader.feed)
        admin_connection_close(connection);
    else if (is_state(connection, CALL))
        os_timer_start(connection->timer, HALF_CLOSED_MS);
}

static void on_error(void *owner, struct err err)
{
    (void)err;
    admin_connection_close(owner);
}

static void on_drain(void *owner)
{
    struct admin_connection *connection = owner;

    if (is_state(connection, SEND))
        fsm_run(&connection->fsm);
    else if (is_state(connection, LINGER) && connection->has_ended)
        admin_connection_close(connection);
}

static void on_timer_in_send(struct admin_connection *connection)
{
    if (!connection->call.feed_reader.feed || os_tcp_queued(connection->tcp) > 0) {
        break_off(connection);
        return;
    }
    /* A comment: shows that we are there, and finds out whether the client is. */
    CHECK(!err_is(buf_append(&connection->call.reply.body, STR(": still here\n\n"))));
    fsm_run(&connection->fsm);
}

static void on_timer(void *owner)
{
    struct admin_connection *connection = owner;

    switch ((enum state)connection->fsm.state) {
    case READ:
        if (connection->has_deadline) {
            refuse(connection, 408, "The request took too long to arrive.");
            fsm_run(&connection->fsm);
            return;
        }
        break;
    case SEND:
        on_timer_in_send(connection);
        return;
    case CALL:
    case LINGER:
    case CLOSED:
        break;
    }
    admin_connection_close(connection);
}

static const struct os_tcp_events tcp_events = {
    .on_bytes = on_bytes, .on_eof = on_eof, .on_error = on_error, .on_drain = on_drain, .on_closed = on_closed};

struct err admin_connection_new(struct admin_home *home, int fd, void (*on_gone)(void *owner), void *owner,
                                struct admin_connection **ret_connection)
{
    struct admin_connection *connection = calloc(1, sizeof(*connection));
    struct err err;

    CHECK(connection);
    connection->home = home;
    connection->on_gone = on_gone;
    connection->owner = owner;
    connection->call.home = home;
    err = os_timer_new(home->options.loop, on_timer, connection, &connection->timer);
    if (err_is(err)) {
        os_tcp_discard(fd);
        free(connection);
        return err;
    }
    err = os_tcp_adopt(home->options.loop, fd, &tcp_events, connection, &connection->tcp);
    if (err_is(err)) {
        os_timer_free(&connection->timer);
        free(connection);
        return err;
    }
    admin_intake_init(&connection->intake, home->options.body_bytes_max);
    admin_reply_init(&connection->call.reply);
    buf_init(&connection->pending, PENDING_MAX);
    os_tcp_local_addr(connection->tcp, &connection->local);
    fsm_init(&connection->fsm, states, READ, connection);
    wait_for_input(connection);
    *ret_connection = connection;
    return OK;
}

void admin_connection_free(struct admin_connection **connection)
{
    struct admin_connection *self = *connection;

    os_timer_free(&self->timer);
    admin_intake_deinit(&self->intake);
    admin_reply_deinit(&self->call.reply);
    buf_deinit(&self->pending);
    free(self);
    *connection = NULL;
}

bool admin_connection_is_idle(const struct admin_connection *connection)
{
    return is_state(connection, READ) || is_state(connection, LINGER);
}
