#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/addr_sys.h"
#include "os/error.h"
#include "os/loop_uv.h"
#include "os/tcp.h"
#include "os/timer.h"

#define BACKLOG 1024
/* Others have their turn after so many. */
#define ACCEPTS_PER_TURN 64
#define REST_MS 100

enum phase {
    LISTENING,
    RESTING, /* no descriptors were left: waits REST_MS */
    PAUSED,  /* by its owner */
    CLOSING,
};

struct os_listener {
    uv_poll_t uv;
    int fd;
    enum phase phase;
    struct os_timer *rest;
    const struct os_listener_events *events;
    void *owner;
};

static void on_uv_readable(uv_poll_t *handle, int status, int happened);

static void watch(struct os_listener *listener)
{
    listener->phase = LISTENING;
    uv_poll_start(&listener->uv, UV_READABLE, on_uv_readable);
}

static void rest(struct os_listener *listener)
{
    listener->phase = RESTING;
    uv_poll_stop(&listener->uv);
    os_timer_start(listener->rest, REST_MS);
}

static void on_rested(void *owner)
{
    struct os_listener *listener = owner;

    if (listener->phase == RESTING)
        watch(listener);
}

/* accept(2) on Linux also reports what went wrong with the connection that was waiting; the next one may be good. */
static bool is_of_one_connection(int number)
{
    switch (number) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPERM: /* a firewall's rule */
        return true;
    default:
        return false;
    }
}

static void on_uv_readable(uv_poll_t *handle, int status, int happened)
{
    struct os_listener *listener = handle->data;

    (void)status;
    (void)happened;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN && listener->phase == LISTENING; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            listener->events->on_accept(listener->owner, fd);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (!is_of_one_connection(errno)) {
            rest(listener);
        }
    }
}

static struct err open_socket(const struct os_addr *addr, int *ret_fd)
{
    static const int on = 1;
    struct sockaddr_storage address;
    socklen_t len = os_addr_to_system(addr, &address);
    int fd = len ? socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    struct err error;

    if (fd < 0)
        return os_error_of_net(len ? errno : EINVAL);
    /* A restart need not wait for connections that linger; two listeners on one port stay impossible. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, len) || listen(fd, BACKLOG)) {
        error = os_error_of_net(errno);
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return OK;
}

struct err os_listener_open(struct os_loop *loop, const struct os_addr *addr, const struct os_listener_events *events,
                            void *owner, struct os_listener **ret_listener)
{
    struct os_listener *listener;
    int fd = -1;
    int status;

    TRY(open_socket(addr, &fd));
    listener = calloc(1, sizeof(*listener));
    CHECK(listener);
    *listener = (struct os_listener){.fd = fd, .events = events, .owner = owner};
    status = uv_poll_init(&loop->uv, &listener->uv, fd);
    if (status) {
        close(fd);
        free(listener);
        return os_error_of_net(-status);
    }
    listener->uv.data = listener;
    /* Making a timer takes memory only. */
    CHECK(!err_is(os_timer_new(loop, on_rested, listener, &listener->rest)));
    watch(listener);
    *ret_listener = listener;
    return OK;
}

void os_listener_addr(const struct os_listener *listener, struct os_addr *ret_addr)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);

    getsockname(listener->fd, (struct sockaddr *)&address, &len);
    os_addr_from_system(&address, ret_addr);
}

void os_listener_pause(struct os_listener *listener)
{
    if (listener->phase == CLOSING)
        return;
    listener->phase = PAUSED;
    os_timer_stop(listener->rest);
    uv_poll_stop(&listener->uv);
}

void os_listener_resume(struct os_listener *listener)
{
    if (listener->phase == PAUSED)
        watch(listener);
}

static void on_uv_closed(uv_handle_t *handle)
{
    struct os_listener *listener = handle->data;

    listener->events->on_closed(listener->owner);
    free(listener);
}

void os_listener_close(struct os_listener *listener)
{
    if (listener->phase == CLOSING)
        return;
    listener->phase = CLOSING;
    os_timer_free(&listener->rest);
    uv_close((uv_handle_t *)&listener->uv, on_uv_closed);
    /* libuv has let go of it; the port is free from now on. */
    close(listener->fd);
}
