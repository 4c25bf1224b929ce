/* tcp.h - TCP sockets on a loop: listen, connect, read, write.
 *
 * Reading: while started, on_bytes gets what arrives in a buffer that belongs to the loop and is valid for the call
 * only; it must be used up or copied.  At most OS_TCP_READ_BYTES arrive in a call, and a socket gives way to others
 * after each.  Reading starts stopped.
 *
 * Writing: os_tcp_write() hands to the system what it takes at once and copies the rest to a queue.  The queue has no
 * bound of its own: who writes must look at os_tcp_queued() and stop its source above its high-water mark;
 * on_drain runs when the queue has emptied after it was not empty.
 *
 * A write that meets a reset is told by on_error once all that had arrived has been read, because a peer may answer
 * early and close; at once when reading is stopped.
 *
 * Closing: os_tcp_close() drops what is queued; on_closed runs later, exactly once, and is the last callback; the
 * memory is freed after it.  After on_eof the socket may still be written.  After on_error only close is allowed.
 * TCP_NODELAY is always on.
 */
#ifndef OS_TCP_H
#define OS_TCP_H

#include "base/err.h"
#include "base/str.h"
#include "os/addr.h"
#include "os/loop.h"

#define OS_TCP_READ_BYTES (64 * 1024)

struct os_tcp;
struct os_listener;

struct os_tcp_events {
    void (*on_connected)(void *owner, struct err err); /* of os_tcp_connect() only: OK or the failure */
    void (*on_bytes)(void *owner, struct str bytes);
    void (*on_eof)(void *owner);                   /* the peer ended its direction */
    void (*on_error)(void *owner, struct err err); /* ERR_RESET, ERR_IO, ERR_TIMEOUT */
    void (*on_drain)(void *owner);
    void (*on_closed)(void *owner);
};

/* Connects.  on_connected with OK, ERR_REFUSED, ERR_TIMEOUT or ERR_IO comes later; os_tcp_close() cancels. */
MUST_CHECK struct err os_tcp_connect(struct os_loop *loop, const struct os_addr *addr,
                                     const struct os_tcp_events *events, void *owner, struct os_tcp **ret_tcp);

/* Gives the socket another owner, as when a layer takes it over.  Not from inside one of its callbacks' callees that
 * expect the old owner again. */
void os_tcp_set_owner(struct os_tcp *tcp, const struct os_tcp_events *events, void *owner);

void os_tcp_read_start(struct os_tcp *tcp);
void os_tcp_read_stop(struct os_tcp *tcp);

/* Bytes are copied where they cannot be sent at once.  A failure is told by on_error, later. */
void os_tcp_write(struct os_tcp *tcp, const struct str *parts, size_t part_count);
/* Bytes waiting for the system. */
size_t os_tcp_queued(const struct os_tcp *tcp);
/* Ends our direction (FIN) once the queue has been sent. */
void os_tcp_shutdown(struct os_tcp *tcp);
void os_tcp_close(struct os_tcp *tcp);
/* Like close, but the peer sees a reset (SO_LINGER 0): used to mirror a reset. */
void os_tcp_reset(struct os_tcp *tcp);

struct os_loop *os_tcp_loop(const struct os_tcp *tcp);
void os_tcp_local_addr(const struct os_tcp *tcp, struct os_addr *ret_addr);
void os_tcp_remote_addr(const struct os_tcp *tcp, struct os_addr *ret_addr);
/* Linux REDIRECT (transparent mode): where the client wanted to go.  ERR_ABSENT when the socket was not redirected. */
MUST_CHECK struct err os_tcp_original_addr(const struct os_tcp *tcp, struct os_addr *ret_addr);

/* Accepted sockets travel from the acceptor's loop to a traffic loop as a bare descriptor. */
struct os_listener_events {
    /* The callee owns fd: os_tcp_adopt() or os_tcp_discard().  Runs on the listener's loop. */
    void (*on_accept)(void *owner, int fd);
    void (*on_closed)(void *owner);
};

/* Binds and listens; ERR_BUSY when the port is taken, ERR_DENIED when not allowed.  When descriptors run out
 * accepting pauses for 100 ms instead of spinning. */
MUST_CHECK struct err os_listener_open(struct os_loop *loop, const struct os_addr *addr,
                                       const struct os_listener_events *events, void *owner,
                                       struct os_listener **ret_listener);
/* With the real port when 0 was asked. */
void os_listener_addr(const struct os_listener *listener, struct os_addr *ret_addr);
void os_listener_pause(struct os_listener *listener);
void os_listener_resume(struct os_listener *listener);
void os_listener_close(struct os_listener *listener);

/* Makes a socket of an accepted descriptor on this loop; the descriptor is closed on failure. */
MUST_CHECK struct err os_tcp_adopt(struct os_loop *loop, int fd, const struct os_tcp_events *events, void *owner,
                                   struct os_tcp **ret_tcp);
void os_tcp_discard(int fd);

#endif
