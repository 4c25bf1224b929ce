/* world.h - the inside of the simulation: events, chance, and the network; for the files of this folder only. */
#ifndef SIM_OS_WORLD_H
#define SIM_OS_WORLD_H

#include "base/buf.h"
#include "base/list.h"
#include "os/loop.h"
#include "sim.h"

#define WORLD_QUEUE_MAX_BYTES ((size_t)1 << 30)

/* Something that will happen.  A member of whom it concerns; the owner stops it before it frees itself. */
struct world_event {
    const char *name;
    void (*fn)(void *owner);
    void *owner;
    struct os_loop *loop; /* whose turn it is; NULL: a peer's */
    bool is_weak;         /* a timer: sim_settle() does not wait for it */
    bool is_scheduled;
    uint64_t at_us;
    uint64_t number; /* of two at one time the one scheduled first runs first */
    size_t index;    /* in the heap */
};

enum world_handle {
    WORLD_LOOP,
    WORLD_TIMER,
    WORLD_TCP,
    WORLD_LISTENER,
    WORLD_LOOKUP,
    WORLD_DESCRIPTOR,
    WORLD_HANDLE_COUNT,
};

struct world_name {
    struct list among;
    struct os_addr addr;
    char text[256];
};

struct sim {
    struct sim_options options;
    uint64_t now_us;
    int64_t wall_offset_us;
    uint64_t random_state;
    uint64_t key_state; /* of os_clock_random(), so that it does not disturb the rest */
    uint64_t trace_hash;
    uint64_t event_number;
    struct world_event **heap;
    size_t heap_count, heap_size, strong_count;
    unsigned open_counts[WORLD_HANDLE_COUNT];
    unsigned chances[SIM_FAULT_COUNT];
    uint64_t call_count, fail_at;
    uint64_t resolve_delay_us;
    uint16_t next_port;
    struct list loops;
    struct list names;
    struct list doors;
    struct list black_holes; /* struct world_name without text */
    struct list peers;       /* all, freed with the world */
    struct list sim_doors;   /* all, freed with the world */
    struct list accepted;    /* ends that wait for os_tcp_adopt() */
    int next_descriptor;
};

/* The one there is. */
extern struct sim *world;

void world_event_init(struct world_event *event, const char *name, struct os_loop *loop, void (*fn)(void *owner),
                      void *owner);
/* Replaces an earlier time. */
void world_event_start(struct world_event *event, uint64_t delay_us);
/* Leaves an earlier time as it is. */
void world_event_start_once(struct world_event *event, uint64_t delay_us);
void world_event_stop(struct world_event *event);
bool world_step(uint64_t until_us);

void world_trace(const char *name, uint64_t value, struct str bytes);
uint64_t world_latency_us(void);
void world_fill_random(void *bytes, size_t len);
bool world_fails(enum sim_fault fault);
void world_opened(enum world_handle handle);
void world_closed(enum world_handle handle);

/* Of loop.c: takes what was posted, runs what was deferred. */
void world_loop_look_for_posts(struct os_loop *loop);
void world_loop_end_turn(struct os_loop *loop);
void world_loop_signal(struct os_loop *loop);
struct os_loop *world_loop_from_list(struct list *node);
/* Of peer.c: frees what belongs to the world. */
void world_free_peers(void);

/* One end of a connection.  Bytes go from the writer's end through `wire` to the other end's `arrived`. */
struct world_end {
    struct world_link *link;
    struct world_end *other;
    struct os_addr addr;
    struct os_addr original_addr; /* family 0: not redirected */
    struct buf wire;
    struct buf arrived;
    bool is_fin_sent;
    bool has_fin;   /* the other end's has arrived */
    bool has_reset; /* the other end's has arrived */
    bool is_closed;
    struct world_event deliver;    /* from wire to the other end */
    struct world_event reset_trip; /* to the other end */
    struct world_event notify;     /* of the owner: something arrived or there is room */
    struct list among;             /* of those that wait to be accepted */
    int descriptor;                /* while in sim->accepted */
};

/* Two ends.  The first's address is `first_addr`. */
struct world_end *world_link_new(struct os_addr first_addr, struct os_addr second_addr);
struct os_addr world_fresh_addr(const struct os_addr *like);
void world_end_attach(struct world_end *end, struct os_loop *loop, void (*on_notify)(void *owner), void *owner);
void world_end_notify(struct world_end *end);
size_t world_end_room(const struct world_end *end);
/* How many bytes went in; fewer than there is room for, by chance. */
size_t world_end_write(struct world_end *end, struct str bytes);
/* The next bytes, at most `max`, by chance fewer; valid until world_end_consume(). */
struct str world_end_peek(struct world_end *end, size_t max);
void world_end_consume(struct world_end *end, size_t len);
void world_end_fin(struct world_end *end);
/* The owner leaves; a reset when it leaves bytes unread. */
void world_end_close(struct world_end *end);
void world_end_reset(struct world_end *end);

/* Where connections wait to be accepted. */
struct world_door {
    struct os_addr addr;
    struct list among;   /* of all doors */
    struct list waiting; /* ends */
    struct world_event arrival;
};

/* False when the address is taken; port 0 gets one. */
bool world_door_open(struct world_door *door, const struct os_addr *addr);
void world_door_close(struct world_door *door);
struct world_end *world_door_take(struct world_door *door);
/* Connects to whoever listens there: the caller's end, NULL when nobody does. */
struct world_end *world_connect(const struct os_addr *addr, const struct os_addr *original);
bool world_is_black_hole(const struct os_addr *addr);

#endif
