/* layer.h - a connection is a row of layers behind one vtable: a socket at the bottom, TLS or a tunnel's wrapping
 * above.
 *
 *   owner (a session, an origin)        calls down: write, shutdown, read_start, read_stop, close
 *     TLS layer                         calls up:   on_bytes, on_eof, on_error, on_drain, on_closed
 *       socket layer
 *
 * Reading starts stopped.  Bytes given to on_bytes are valid for the call only and must be used up or copied; after
 * net_layer_read_stop(), also from within on_bytes, no more come until net_layer_read_start().
 *
 * Writing takes everything: what cannot go at once is queued, and net_layer_queued() tells how much.  Who writes looks
 * at it and stops reading its source above NET_LAYER_HIGH_WATER; on_drain runs once the queue has emptied.
 *
 * Ending: on_eof says that the far end finished its direction (FIN; with TLS close_notify, or FIN without it, which
 * net_layer_was_truncated() tells).  Writing may go on.  net_layer_shutdown() ends ours.  After on_error only close is
 * allowed.  net_layer_close() drops what is queued; on_closed comes later, once, last, and the layer (with all below
 * it) is freed when it returns.  No callback runs from inside a call down.
 */
#ifndef NET_LAYER_H
#define NET_LAYER_H

#include "base/err.h"
#include "base/str.h"
#include "os/addr.h"
#include "os/loop.h"

#define NET_LAYER_HIGH_WATER ((size_t)(256 * 1024))

struct net_layer;

struct net_layer_events {
    void (*on_bytes)(void *owner, struct str bytes);
    void (*on_eof)(void *owner);
    void (*on_error)(void *owner, struct err err);
    void (*on_drain)(void *owner);
    void (*on_closed)(void *owner);
};

/* What a kind of layer implements. */
struct net_layer_ops {
    const char *name;
    void (*write)(struct net_layer *layer, const struct str *parts, size_t part_count);
    size_t (*queued)(const struct net_layer *layer);
    void (*shutdown)(struct net_layer *layer);
    void (*read_start)(struct net_layer *layer);
    void (*read_stop)(struct net_layer *layer);
    void (*close)(struct net_layer *layer, bool with_reset);
};

/* First member of every kind of layer. */
struct net_layer {
    const struct net_layer_ops *ops;
    const struct net_layer_events *events; /* who is above */
    void *owner;                           /* argument of the events */
    struct os_loop *loop;
    struct os_addr local_addr;
    struct os_addr remote_addr;
    bool was_truncated; /* TLS: the far end's FIN came without close_notify */
};

/* Puts another owner on top, as when TLS is laid over a socket that was peeked at. */
static inline void net_layer_set_owner(struct net_layer *layer, const struct net_layer_events *events, void *owner)
{
    layer->events = events;
    layer->owner = owner;
}

static inline void net_layer_write(struct net_layer *layer, const struct str *parts, size_t part_count)
{
    layer->ops->write(layer, parts, part_count);
}

static inline void net_layer_write_one(struct net_layer *layer, struct str bytes)
{
    layer->ops->write(layer, &bytes, 1);
}

static inline size_t net_layer_queued(const struct net_layer *layer) { return layer->ops->queued(layer); }
static inline void net_layer_shutdown(struct net_layer *layer) { layer->ops->shutdown(layer); }
static inline void net_layer_read_start(struct net_layer *layer) { layer->ops->read_start(layer); }
static inline void net_layer_read_stop(struct net_layer *layer) { layer->ops->read_stop(layer); }
static inline void net_layer_close(struct net_layer *layer) { layer->ops->close(layer, false); }
/* Closes so that the far end sees a reset, to mirror one. */
static inline void net_layer_reset(struct net_layer *layer) { layer->ops->close(layer, true); }
static inline bool net_layer_was_truncated(const struct net_layer *layer) { return layer->was_truncated; }

#endif
