/* Writing: what the system does not take at once is copied into chunks.  Chunks wait in `waiting`; up to WRITE_PARTS of
 * them are `flying`, in one request of libuv at a time.
 *
 * Stopping to read is lazy: libuv goes on watching until bytes arrive that nobody wants, because most pauses are over
 * before that and changing what is watched costs system calls.
 */
#include "os/tcp.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/addr_sys.h"
#include "os/error.h"
#include "os/loop_uv.h"
#include "os/platform.h"

#define WRITE_PARTS 16
/* Small left-overs that follow one another share a chunk. */
#define CHUNK_BYTES ((size_t)8192)

struct chunk {
    struct chunk *next;
    size_t len;
    size_t size;
    char bytes[];
};

struct chunk_list {
    struct chunk *first, *last;
    size_t queued_bytes;
};

enum phase {
    CONNECTING,
    OPEN,
    FAILED, /* on_error has run or is about to; only close is allowed */
    CLOSING,
};

struct os_tcp {
    uv_tcp_t uv;
    union { /* a socket connects before it writes */
        uv_connect_t connect;
        uv_write_t write;
    } request;
    struct os_loop *loop;
    const struct os_tcp_events *events; /* NULL: never reached its owner */
    void *owner;
    enum phase phase;
    bool is_read_wanted; /* the owner's wish */
    bool is_watched;     /* libuv watches for bytes */
    bool was_read_full;  /* the last read filled the buffer: others first, then more */
    bool has_eof;
    bool is_shutdown_wanted; /* FIN once the queue is empty */
    bool is_write_broken;    /* a write met a reset: told once what had arrived is read */
    bool is_error_posted;
    struct err error;
    struct os_post error_post;
    struct chunk_list waiting;
    struct chunk_list flying;
};

static void free_chunks(struct chunk_list *list)
{
    while (list->first) {
        struct chunk *next = list->first->next;

        free(list->first);
        list->first = next;
    }
    *list = (struct chunk_list){0};
}

static void push_chunk(struct chunk_list *list, struct chunk *chunk)
{
    chunk->next = NULL;
    if (list->last)
        list->last->next = chunk;
    else
        list->first = chunk;
    list->last = chunk;
    list->queued_bytes += chunk->len;
}

static struct chunk *pop_chunk(struct chunk_list *list)
{
    struct chunk *chunk = list->first;

    list->first = chunk->next;
    if (!list->first)
        list->last = NULL;
    list->queued_bytes -= chunk->len;
    return chunk;
}

static void copy_to_queue(struct chunk_list *list, struct str bytes)
{
    struct chunk *last = list->last;
    size_t room = last ? last->size - last->len : 0;
    struct str head = str_head(bytes, room);
    struct str tail = str_skip(bytes, head.len);
    struct chunk *chunk;

    if (head.len) {
        memcpy(last->bytes + last->len, head.ptr, head.len);
        last->len += head.len;
        list->queued_bytes += head.len;
    }
    if (tail.len == 0)
        return;
    room = tail.len > CHUNK_BYTES ? tail.len : CHUNK_BYTES;
    chunk = malloc(sizeof(*chunk) + room);
    CHECK(chunk);
    *chunk = (struct chunk){.len = tail.len, .size = room};
    memcpy(chunk->bytes, tail.ptr, tail.len);
    push_chunk(list, chunk);
}

static void finish_close(struct os_tcp *tcp)
{
    if (tcp->events)
        tcp->events->on_closed(tcp->owner);
    free(tcp);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct os_tcp *tcp = handle->data;

    free_chunks(&tcp->waiting);
    free_chunks(&tcp->flying);
    tcp->uv.data = NULL;
    /* A post that still waits for its turn must find its memory. */
    if (!tcp->is_error_posted)
        finish_close(tcp);
}

static void start_close(struct os_tcp *tcp)
{
    tcp->phase = CLOSING;
    uv_close((uv_handle_t *)&tcp->uv, on_uv_closed);
}

static void tell_posted_error(void *owner)
{
    struct os_tcp *tcp = owner;

    tcp->is_error_posted = false;
    if (tcp->phase == CLOSING && !tcp->uv.data)
        finish_close(tcp);
    else if (tcp->phase == FAILED)
        tcp->events->on_error(tcp->owner, tcp->error);
}

/* No event but on_error and on_closed comes after this. */
static void fail(struct os_tcp *tcp, struct err error)
{
    tcp->phase = FAILED;
    tcp->error = error;
    if (tcp->is_watched)
        uv_read_stop((uv_stream_t *)&tcp->uv);
    tcp->is_watched = false;
    free_chunks(&tcp->waiting);
}

static void fail_later(struct os_tcp *tcp, struct err error)
{
    fail(tcp, error);
    tcp->is_error_posted = true;
    tcp->error_post = (struct os_post){.fn = tell_posted_error, .owner = tcp};
    os_loop_defer(tcp->loop, &tcp->error_post);
}

/* A peer that answers early and closes resets what is still being sent to it; its answer may already be here.  So the
 * failure is told when reading has come to the end, or at once when nobody reads. */
static void fail_write(struct os_tcp *tcp, int status)
{
    struct err error = os_error_of_net(-status);

    free_chunks(&tcp->waiting);
    if (error.code == ERR_RESET && tcp->is_read_wanted && !tcp->has_eof) {
        tcp->is_write_broken = true;
        tcp->error = error;
    } else {
        fail_later(tcp, error);
    }
}

static void on_uv_alloc(uv_handle_t *handle, size_t size_hint, uv_buf_t *ret_buffer)
{
    struct os_tcp *tcp = handle->data;
    bool is_turn = tcp->is_read_wanted && !tcp->was_read_full;

    (void)size_hint;
    /* An empty buffer ends libuv's reading of this socket for the turn; it reports UV_ENOBUFS. */
    tcp->was_read_full = false;
    *ret_buffer = is_turn ? uv_buf_init(tcp->loop->read_buffer, OS_TCP_READ_BYTES) : uv_buf_init(NULL, 0);
}

static int take_socket_error(struct os_tcp *tcp)
{
    uv_os_fd_t fd;
    int number = 0;
    socklen_t len = sizeof(number);

    if (uv_fileno((uv_handle_t *)&tcp->uv, &fd) == 0)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len);
    return number;
}

static void on_end(struct os_tcp *tcp)
{
    int number;

    tcp->is_watched = false;
    /* Reported although nobody asked; reading again will find it again. */
    if (!tcp->is_read_wanted)
        return;
    /* libuv takes a hang-up after the last bytes for the end, which may have been a reset. */
    number = take_socket_error(tcp);
    if (number || tcp->is_write_broken) {
        fail(tcp, tcp->is_write_broken ? tcp->error : os_error_of_net(number));
        tcp->events->on_error(tcp->owner, tcp->error);
        return;
    }
    tcp->has_eof = true;
    tcp->events->on_eof(tcp->owner);
}

static void on_uv_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
    struct os_tcp *tcp = stream->data;

    if (len > 0) {
        tcp->was_read_full = (size_t)len == OS_TCP_READ_BYTES;
        tcp->events->on_bytes(tcp->owner, (struct str){buffer->base, (size_t)len});
    } else if (len == UV_ENOBUFS) {
        if (!tcp->is_read_wanted) {
            uv_read_stop(stream);
            tcp->is_watched = false;
        }
    } else if (len == UV_EOF) {
        on_end(tcp);
    } else if (len < 0) {
        fail(tcp, os_error_of_net((int)-len));
        tcp->events->on_error(tcp->owner, tcp->error);
    }
}

static void watch(struct os_tcp *tcp)
{
    if (tcp->is_watched || tcp->phase != OPEN || tcp->has_eof)
        return;
    tcp->is_watched = uv_read_start((uv_stream_t *)&tcp->uv, on_uv_alloc, on_uv_read) == 0;
}

void os_tcp_read_start(struct os_tcp *tcp)
{
    tcp->is_read_wanted = true;
    watch(tcp);
}

void os_tcp_read_stop(struct os_tcp *tcp)
{
    tcp->is_read_wanted = false;
    if (tcp->is_write_broken && tcp->phase == OPEN)
        fail_later(tcp, tcp->error);
}

static void send_fin(struct os_tcp *tcp)
{
    uv_os_fd_t fd;

    /* It fails only on a connection that has ended already, which reading tells. */
    if (uv_fileno((uv_handle_t *)&tcp->uv, &fd) == 0)
        shutdown(fd, SHUT_WR);
}

static void fly(struct os_tcp *tcp);

static void on_uv_written(uv_write_t *request, int status)
{
    struct os_tcp *tcp = request->handle->data;

    if (tcp->phase == CLOSING)
        return;
    free_chunks(&tcp->flying);
    if (tcp->phase != OPEN)
        return;
    if (status) {
        fail_write(tcp, status);
        return;
    }
    if (tcp->waiting.first) {
        fly(tcp);
        return;
    }
    if (tcp->is_shutdown_wanted)
        send_fin(tcp);
    tcp->events->on_drain(tcp->owner);
}

/* Gives waiting chunks to libuv. */
static void fly(struct os_tcp *tcp)
{
    uv_buf_t buffers[WRITE_PARTS];
    unsigned count = 0;
    int status;

    while (tcp->waiting.first && count < WRITE_PARTS) {
        struct chunk *chunk = pop_chunk(&tcp->waiting);

        push_chunk(&tcp->flying, chunk);
        buffers[count++] = uv_buf_init(chunk->bytes, (unsigned)chunk->len);
    }
    status = uv_write(&tcp->request.write, (uv_stream_t *)&tcp->uv, buffers, count, on_uv_written);
    if (status) {
        free_chunks(&tcp->flying);
        fail_write(tcp, status);
    }
}

/* Sends from the parts what the system takes at once.  False when the socket broke; *ret_sent counts bytes. */
static bool send_now(struct os_tcp *tcp, const struct str *parts, size_t part_count, size_t *ret_sent)
{
    uv_buf_t buffers[WRITE_PARTS];
    size_t at = 0;

    *ret_sent = 0;
    while (at < part_count) {
        size_t batch_bytes = 0;
        unsigned count = 0;
        int sent;

        for (; at < part_count && count < WRITE_PARTS; at++) {
            if (parts[at].len == 0)
                continue;
            /* libuv only reads from it, but knows no const. */
            buffers[count++] = uv_buf_init((char *)(uintptr_t)parts[at].ptr, (unsigned)parts[at].len);
            batch_bytes += parts[at].len;
        }
        if (count == 0)
            break;
        sent = uv_try_write((uv_stream_t *)&tcp->uv, buffers, count);
        if (sent < 0 && sent != UV_EAGAIN) {
            fail_write(tcp, sent);
            return false;
        }
        *ret_sent += sent > 0 ? (size_t)sent : 0;
        if (sent < 0 || (size_t)sent < batch_bytes)
            break;
    }
    return true;
}

void os_tcp_write(struct os_tcp *tcp, const struct str *parts, size_t part_count)
{
    size_t sent = 0;

    CHECK(!tcp->is_shutdown_wanted);
    if ((tcp->phase != OPEN && tcp->phase != CONNECTING) || tcp->is_write_broken)
        return;
    if (tcp->phase == OPEN && !tcp->flying.first && !send_now(tcp, parts, part_count, &sent))
        return;
    for (size_t i = 0; i < part_count; i++) {
        struct str rest = str_skip(parts[i], sent);

        sent -= parts[i].len - rest.len;
        copy_to_queue(&tcp->waiting, rest);
    }
    if (tcp->phase == OPEN && tcp->waiting.first && !tcp->flying.first)
        fly(tcp);
}

size_t os_tcp_queued(const struct os_tcp *tcp)
{
    return tcp->waiting.queued_bytes +
           (tcp->flying.first ? uv_stream_get_write_queue_size((uv_stream_t *)&tcp->uv) : 0);
}

void os_tcp_shutdown(struct os_tcp *tcp)
{
    if (tcp->is_shutdown_wanted)
        return;
    tcp->is_shutdown_wanted = true;
    if (tcp->phase == OPEN && !tcp->flying.first && !tcp->is_write_broken)
        send_fin(tcp);
}

void os_tcp_close(struct os_tcp *tcp)
{
    if (tcp->phase != CLOSING)
        start_close(tcp);
}

void os_tcp_reset(struct os_tcp *tcp)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    uv_os_fd_t fd;

    if (tcp->phase == CLOSING)
        return;
    if (uv_fileno((uv_handle_t *)&tcp->uv, &fd) == 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    start_close(tcp);
}

static struct os_tcp *make(struct os_loop *loop, enum phase phase)
{
    struct os_tcp *tcp = calloc(1, sizeof(*tcp));

    CHECK(tcp);
    tcp->loop = loop;
    tcp->phase = phase;
    CHECK(uv_tcp_init(&loop->uv, &tcp->uv) == 0);
    tcp->uv.data = tcp;
    return tcp;
}

static void on_uv_connected(uv_connect_t *request, int status)
{
    struct os_tcp *tcp = request->handle->data;
    struct err error = OK;

    if (tcp->phase == CLOSING)
        return;
    tcp->phase = OPEN;
    if (status) {
        error = os_error_of_net(-status);
        tcp->phase = FAILED;
    }
    if (tcp->phase == OPEN && tcp->is_read_wanted)
        watch(tcp);
    if (tcp->phase == OPEN && tcp->waiting.first)
        fly(tcp);
    else if (tcp->phase == OPEN && tcp->is_shutdown_wanted)
        send_fin(tcp);
    /* A firewall's veto is the network's failure here; "denied" is our own. */
    if (error.code == ERR_DENIED)
        error.code = ERR_IO;
    tcp->events->on_connected(tcp->owner, error);
}

struct err os_tcp_connect(struct os_loop *loop, const struct os_addr *addr, const struct os_tcp_events *events,
                          void *owner, struct os_tcp **ret_tcp)
{
    struct os_tcp *tcp = make(loop, CONNECTING);
    struct sockaddr_storage address;
    int status = UV_EINVAL;

    if (os_addr_to_system(addr, &address)) {
        /* Remembered until there is a descriptor. */
        uv_tcp_nodelay(&tcp->uv, 1);
        status = uv_tcp_connect(&tcp->request.connect, &tcp->uv, (struct sockaddr *)&address, on_uv_connected);
    }
    if (status) {
        start_close(tcp);
        return os_error_of_net(-status);
    }
    os_tcp_set_owner(tcp, events, owner);
    *ret_tcp = tcp;
    return OK;
}

struct err os_tcp_adopt(struct os_loop *loop, int fd, const struct os_tcp_events *events, void *owner,
                        struct os_tcp **ret_tcp)
{
    struct os_tcp *tcp = make(loop, OPEN);
    int status = uv_tcp_open(&tcp->uv, fd);

    if (status) {
        start_close(tcp);
        close(fd);
        return os_error_of_net(-status);
    }
    /* Fails only on a connection that has ended already, which reading tells. */
    uv_tcp_nodelay(&tcp->uv, 1);
    os_tcp_set_owner(tcp, events, owner);
    *ret_tcp = tcp;
    return OK;
}

void os_tcp_discard(int fd) { close(fd); }

void os_tcp_set_owner(struct os_tcp *tcp, const struct os_tcp_events *events, void *owner)
{
    tcp->events = events;
    tcp->owner = owner;
}

struct os_loop *os_tcp_loop(const struct os_tcp *tcp) { return tcp->loop; }

void os_tcp_local_addr(const struct os_tcp *tcp, struct os_addr *ret_addr)
{
    struct sockaddr_storage address = {0};
    int len = sizeof(address);

    /* On failure the address stays without a family. */
    uv_tcp_getsockname(&tcp->uv, (struct sockaddr *)&address, &len);
    os_addr_from_system(&address, ret_addr);
}

void os_tcp_remote_addr(const struct os_tcp *tcp, struct os_addr *ret_addr)
{
    struct sockaddr_storage address = {0};
    int len = sizeof(address);

    uv_tcp_getpeername(&tcp->uv, (struct sockaddr *)&address, &len);
    os_addr_from_system(&address, ret_addr);
}

struct err os_tcp_original_addr(const struct os_tcp *tcp, struct os_addr *ret_addr)
{
    struct os_addr local_addr, original_addr;
    uv_os_fd_t fd;

    if (uv_fileno((const uv_handle_t *)&tcp->uv, &fd))
        return ERR(ERR_ABSENT, 0, "the connection has ended");
    TRY(os_platform_original_addr(fd, &original_addr));
    os_tcp_local_addr(tcp, &local_addr);
    /* Connection tracking knows an address for every connection. */
    if (os_addr_same(&local_addr, &original_addr))
        return ERR(ERR_ABSENT, 0, "the connection was not redirected");
    *ret_addr = original_addr;
    return OK;
}
