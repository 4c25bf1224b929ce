/* looping.h - for tests on a real loop: run it until something is true, and plain sockets as the other side. */
#ifndef UNIT_OS_LOOPING_H
#define UNIT_OS_LOOPING_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/loop.h"
#include "os/tcp.h"
#include "os/timer.h"

/* Far above what any of this takes, so that only a hang reaches it. */
#define LOOPING_GIVE_UP_US ((uint64_t)60 * 1000 * 1000)

#define assert_ok(expr)                                                                                                \
    do {                                                                                                               \
        struct err assert_ok_err_ = (expr);                                                                            \
        if (err_is(assert_ok_err_))                                                                                    \
            fail_msg("%s: %s (%s)", #expr, err_name(assert_ok_err_.code), assert_ok_err_.what);                        \
    } while (0)

#define assert_err(expr, expected_code) assert_string_equal(err_name((expr).code), err_name(expected_code))

struct looping {
    struct os_loop *loop;
    struct os_timer *tick;
    bool (*is_true)(void *owner);
    void *owner;
    uint64_t until_us;
};

static inline void looping_on_tick(void *owner)
{
    struct looping *looping = owner;

    if ((looping->is_true && looping->is_true(looping->owner)) || os_clock_mono_us() >= looping->until_us)
        os_loop_stop(looping->loop);
    else
        os_timer_start(looping->tick, 1);
}

/* Runs the loop until is_true(owner); fails the test when it never is. */
static inline void run_until(struct os_loop *loop, bool (*is_true)(void *owner), void *owner)
{
    struct looping looping = {.loop = loop, .is_true = is_true, .owner = owner};

    looping.until_us = os_clock_mono_us() + LOOPING_GIVE_UP_US;
    assert_ok(os_timer_new(loop, looping_on_tick, &looping, &looping.tick));
    os_timer_start(looping.tick, 0);
    os_loop_run(loop);
    os_timer_free(&looping.tick);
    if (!is_true(owner))
        fail_msg("the loop ran for a minute without it");
}

/* Runs the loop for about so long, to see that something does not happen. */
static inline void run_for_ms(struct os_loop *loop, uint64_t run_ms)
{
    struct looping looping = {.loop = loop};

    looping.until_us = os_clock_mono_us() + run_ms * 1000;
    assert_ok(os_timer_new(loop, looping_on_tick, &looping, &looping.tick));
    os_timer_start(looping.tick, 0);
    os_loop_run(loop);
    os_timer_free(&looping.tick);
}

static inline bool is_set(void *owner) { return *(bool *)owner; }

static inline struct os_addr loopback_addr(uint16_t port)
{
    return (struct os_addr){.family = OS_FAMILY_IP4, .port = port, .ip = {127, 0, 0, 1}};
}

static inline struct sockaddr_in loopback_address(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* A blocking socket that is connected to a port of this machine. */
static inline int peer_connect(uint16_t port)
{
    struct sockaddr_in address = loopback_address(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* A listening socket on a free port of this machine. */
static inline int peer_listen(uint16_t *ret_port)
{
    struct sockaddr_in address = loopback_address(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* Closes so that the other side sees a reset. */
static inline void peer_reset(int fd)
{
    struct linger at_once = {.l_onoff = 1};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

#endif
