#include "world.h"

#include <inttypes.h>
#include <stdlib.h>

#define LATENCY_MIN_DEFAULT_US 20
#define LATENCY_MAX_DEFAULT_US 2000
#define CAPACITY_DEFAULT_BYTES 65536
#define SETTLE_MAX_EVENTS 1000000
#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

struct sim *world;

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t sim_random(struct sim *sim) { return next_random(&sim->random_state); }

uint64_t sim_random_below(struct sim *sim, uint64_t count) { return count ? sim_random(sim) % count : 0; }

uint64_t world_latency_us(void)
{
    uint64_t span = world->options.latency_max_us - world->options.latency_min_us + 1;

    return world->options.latency_min_us + sim_random_below(world, span);
}

static void hash_bytes(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < len; i++)
        world->trace_hash = (world->trace_hash ^ at[i]) * FNV_PRIME;
}

void world_trace(const char *name, uint64_t value, struct str bytes)
{
    hash_bytes(&world->now_us, sizeof(world->now_us));
    hash_bytes(name, strlen(name));
    hash_bytes(&value, sizeof(value));
    hash_bytes(bytes.ptr, bytes.len);
    if (world->options.is_traced)
        fprintf(stderr, "%10" PRIu64 " us  %s %" PRIu64 "\n", world->now_us, name, value);
}

uint64_t sim_trace_hash(const struct sim *sim) { return sim->trace_hash; }

bool world_fails(enum sim_fault fault)
{
    bool is_chosen = ++world->call_count == world->fail_at;

    if (world->chances[fault] && sim_random_below(world, 1000) < world->chances[fault])
        is_chosen = true;
    if (is_chosen)
        world_trace("fault", fault, STR_NONE);
    return is_chosen;
}

void sim_fail_by_chance(struct sim *sim, enum sim_fault fault, unsigned per_mille) { sim->chances[fault] = per_mille; }

void sim_fail_at(struct sim *sim, uint64_t call_number)
{
    sim->call_count = 0;
    sim->fail_at = call_number;
}

uint64_t sim_call_count(const struct sim *sim) { return sim->call_count; }

void world_opened(enum world_handle handle) { world->open_counts[handle]++; }

void world_closed(enum world_handle handle)
{
    CHECK(world->open_counts[handle] > 0);
    world->open_counts[handle]--;
}

unsigned sim_open_count(const struct sim *sim)
{
    unsigned count = 0;

    for (size_t i = 0; i < WORLD_HANDLE_COUNT; i++)
        count += sim->open_counts[i];
    return count;
}

/* The heap of events: the parent of i is (i - 1) / 2. */
static bool is_earlier(const struct world_event *a, const struct world_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void put(size_t index, struct world_event *event)
{
    world->heap[index] = event;
    event->index = index;
}

static void sift_up(size_t index)
{
    struct world_event *event = world->heap[index];

    while (index > 0 && is_earlier(event, world->heap[(index - 1) / 2])) {
        put(index, world->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(index, event);
}

static void sift_down(size_t index)
{
    struct world_event *event = world->heap[index];

    for (;;) {
        size_t child = 2 * index + 1;

        if (child + 1 < world->heap_count && is_earlier(world->heap[child + 1], world->heap[child]))
            child++;
        if (child >= world->heap_count || !is_earlier(world->heap[child], event))
            break;
        put(index, world->heap[child]);
        index = child;
    }
    put(index, event);
}

void world_event_init(struct world_event *event, const char *name, struct os_loop *loop, void (*fn)(void *owner),
                      void *owner)
{
    *event = (struct world_event){.name = name, .loop = loop, .fn = fn, .owner = owner};
}

void world_event_stop(struct world_event *event)
{
    size_t index = event->index;

    if (!event->is_scheduled)
        return;
    event->is_scheduled = false;
    world->strong_count -= !event->is_weak;
    world->heap_count--;
    if (index == world->heap_count)
        return;
    put(index, world->heap[world->heap_count]);
    sift_up(index);
    sift_down(world->heap[index]->index);
}

void world_event_start(struct world_event *event, uint64_t delay_us)
{
    world_event_stop(event);
    if (world->heap_count == world->heap_size) {
        world->heap_size = world->heap_size ? world->heap_size * 2 : 64;
        world->heap = realloc(world->heap, world->heap_size * sizeof(world->heap[0]));
        CHECK(world->heap);
    }
    event->at_us = delay_us < UINT64_MAX - world->now_us ? world->now_us + delay_us : UINT64_MAX;
    event->number = ++world->event_number;
    event->is_scheduled = true;
    world->strong_count += !event->is_weak;
    put(world->heap_count, event);
    sift_up(world->heap_count++);
}

void world_event_start_once(struct world_event *event, uint64_t delay_us)
{
    if (!event->is_scheduled)
        world_event_start(event, delay_us);
}

static void look_for_posts(void)
{
    for (struct list *node = world->loops.next; node != &world->loops; node = node->next)
        world_loop_look_for_posts(world_loop_from_list(node));
}

bool world_step(uint64_t until_us)
{
    struct world_event *event;
    struct os_loop *loop;

    look_for_posts();
    if (world->heap_count == 0 || world->heap[0]->at_us > until_us)
        return false;
    event = world->heap[0];
    world_event_stop(event);
    if (event->at_us > world->now_us)
        world->now_us = event->at_us;
    world_trace(event->name, event->number, STR_NONE);
    /* The event may be freed by what it does. */
    loop = event->loop;
    event->fn(event->owner);
    if (loop)
        world_loop_end_turn(loop);
    return true;
}

uint64_t sim_now_us(const struct sim *sim) { return sim->now_us; }

void sim_run_ms(struct sim *sim, uint64_t run_ms)
{
    uint64_t until_us = sim->now_us + run_ms * 1000;

    while (world_step(until_us))
        continue;
    sim->now_us = until_us;
}

void sim_settle(struct sim *sim)
{
    uint64_t count = 0;

    look_for_posts();
    while (sim->strong_count > 0) {
        CHECK(world_step(UINT64_MAX));
        CHECK(++count < SETTLE_MAX_EVENTS);
        look_for_posts();
    }
}

bool sim_run_until(struct sim *sim, bool (*is_true)(void *owner), void *owner, uint64_t limit_ms)
{
    uint64_t until_us = sim->now_us + limit_ms * 1000;

    while (!is_true(owner)) {
        if (!world_step(until_us))
            break;
    }
    return is_true(owner);
}

void sim_jump_wall(struct sim *sim, int64_t by_us) { sim->wall_offset_us += by_us; }

void sim_stop_signal(struct sim *sim)
{
    for (struct list *node = sim->loops.next; node != &sim->loops; node = node->next)
        world_loop_signal(world_loop_from_list(node));
}

struct sim *sim_new(const struct sim_options *options)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    CHECK(sim);
    CHECK(!world);
    sim->options = *options;
    if (sim->options.latency_min_us == 0)
        sim->options.latency_min_us = LATENCY_MIN_DEFAULT_US;
    if (sim->options.latency_max_us == 0)
        sim->options.latency_max_us = LATENCY_MAX_DEFAULT_US;
    if (sim->options.latency_max_us < sim->options.latency_min_us)
        sim->options.latency_max_us = sim->options.latency_min_us;
    if (sim->options.capacity_bytes == 0)
        sim->options.capacity_bytes = CAPACITY_DEFAULT_BYTES;
    sim->random_state = options->seed;
    sim->key_state = ~options->seed;
    sim->trace_hash = FNV_START;
    sim->resolve_delay_us = 1000;
    sim->next_port = 40000;
    sim->next_descriptor = 1000;
    list_init(&sim->loops);
    list_init(&sim->names);
    list_init(&sim->doors);
    list_init(&sim->black_holes);
    list_init(&sim->peers);
    list_init(&sim->sim_doors);
    list_init(&sim->accepted);
    world = sim;
    return sim;
}

static void free_names(struct list *names)
{
    struct list *node;

    while ((node = list_first(names))) {
        list_remove(node);
        free(LIST_OWNER(node, struct world_name, among));
    }
}

void sim_free(struct sim **sim)
{
    static const char *const names[] = {"loops", "timers", "sockets", "listeners", "look-ups", "descriptors"};

    if (!*sim)
        return;
    for (size_t i = 0; i < WORLD_HANDLE_COUNT; i++) {
        if ((*sim)->open_counts[i])
            fprintf(stderr, "simulation: %u %s were not closed\n", (*sim)->open_counts[i], names[i]);
    }
    CHECK(sim_open_count(*sim) == 0);
    world_free_peers();
    free_names(&(*sim)->names);
    free_names(&(*sim)->black_holes);
    free((*sim)->heap);
    free(*sim);
    *sim = NULL;
    world = NULL;
}

struct os_addr sim_addr(const char *text)
{
    struct os_addr addr;

    CHECK(!err_is(os_addr_parse_with_port(str_from(text), &addr)));
    return addr;
}

void world_fill_random(void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)next_random(&world->key_state);
}
