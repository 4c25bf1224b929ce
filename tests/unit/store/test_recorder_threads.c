/* Covers store/recorder across threads: several ports at once, readers and watches while it writes.  Label: threads. */
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>

#define PORTS 3u
#define EACH 300u

static struct kit kit;
static uint64_t ids[PORTS][EACH];
static atomic_uint ended_ports;

/* A traffic loop: its own port, exchanges in random steps. */
static void *run_port(void *owner)
{
    unsigned number = *(unsigned *)owner;
    struct kit own = {.recorder = kit.recorder};
    struct kit_random random = kit_random(number);

    must(os_loop_new(&own.loop));
    must(store_recorder_port_new(kit.recorder, own.loop, &own.port));
    own.observers[0] = store_recorder_port_observer(own.port);
    for (unsigned i = 0; i < EACH; i++) {
        struct kit_exchange going;

        ids[number][i] = store_recorder_next_id(kit.recorder);
        kit_begin(&own, &going, kit_plan(ids[number][i], 5000));
        while (!going.is_done) {
            while (!own.observers[0]->ops->has_room(own.observers[0]))
                kit_turn(&own);
            kit_step(&going, &random, 5000);
        }
    }
    store_recorder_port_close(&own.port);
    kit_turn(&own);
    os_loop_free(&own.loop);
    atomic_fetch_add(&ended_ports, 1);
    return NULL;
}

static bool count_item(void *owner, const struct store_reader_item *item)
{
    uint64_t *last = owner;

    assert_true(item->facts.id < *last);
    *last = item->facts.id;
    return true;
}

/* Lists again and again while rows arrive; each list is in order and without doubles. */
static void *run_reader(void *owner)
{
    struct store_recorder_status status;
    struct store_reader *reader;
    char path[300];

    (void)owner;
    kit_project_path(&kit, path);
    must(store_reader_open(path, false, &reader));
    while (atomic_load(&ended_ports) < PORTS) {
        uint64_t last = UINT64_MAX;
        struct store_reader_query query = {.fraction = -1, .limit = SIZE_MAX, .on_item = count_item, .owner = &last};
        struct store_reader_result result;

        must(store_reader_list(reader, &query, &result));
        store_recorder_status(kit.recorder, &status);
        assert_int_equal(status.gap_count, 0);
    }
    store_reader_close(&reader);
    return NULL;
}

struct watched {
    uint64_t count;
    bool has_overflowed;
};

static void on_change(void *owner, const struct store_recorder_change *change)
{
    struct watched *watched = owner;

    watched->count += change->count;
    watched->has_overflowed |= change->has_overflowed;
}

static void many_ports_readers_and_a_watch_at_once(void **state)
{
    pthread_t ports[PORTS], reader_thread;
    unsigned numbers[PORTS];
    struct store_recorder_watch *watch;
    struct watched watched = {0};
    struct store_reader *reader;
    char path[300];

    (void)state;
    kit_open(&kit, NULL);
    must(store_recorder_watch_new(kit.recorder, kit.loop, on_change, &watched, &watch));
    for (unsigned i = 0; i < PORTS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&ports[i], NULL, run_port, &numbers[i]), 0);
    }
    assert_int_equal(pthread_create(&reader_thread, NULL, run_reader, NULL), 0);
    while (atomic_load(&ended_ports) < PORTS)
        kit_turn(&kit);
    for (unsigned i = 0; i < PORTS; i++)
        pthread_join(ports[i], NULL);
    pthread_join(reader_thread, NULL);
    must(store_recorder_flush(kit.recorder, 60000));
    kit_turn(&kit);
    assert_true(watched.has_overflowed || watched.count >= PORTS * EACH);
    store_recorder_watch_free(&watch);
    kit_project_path(&kit, path);
    must(store_reader_open(path, false, &reader));
    for (unsigned i = 0; i < PORTS; i++) {
        for (unsigned k = 0; k < EACH; k++) {
            struct kit_plan plan = kit_plan(ids[i][k], 5000);

            kit_check(reader, &plan);
        }
    }
    store_reader_close(&reader);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_ports_readers_and_a_watch_at_once)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
