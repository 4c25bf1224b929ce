/* Covers store/recorder and what it is made of: what observers are told comes back from the reader. */
#include "kit.h"

#include "store/repair.h"

static struct store_reader *open_reader(const struct kit *kit)
{
    char path[300];
    struct store_reader *reader;

    kit_project_path(kit, path);
    must(store_reader_open(path, false, &reader));
    return reader;
}

static void recorder_gives_back_what_it_was_told(void **state)
{
    struct store_reader *reader;
    struct kit_plan plan = {.request_body_len = 100, .response_body_len = 1000, .interim_count = 2};
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    plan.id = store_recorder_next_id(kit.recorder);
    assert_int_equal(plan.id, 1);
    kit_play(&kit, plan);
    must(store_recorder_flush(kit.recorder, 5000));
    reader = open_reader(&kit);
    kit_check(reader, &plan);
    store_reader_close(&reader);
    kit_close(&kit);
}

static void ids_go_on_after_the_highest_in_the_capture(void **state)
{
    struct kit_plan plan = {0};
    struct kit kit;

    (void)state;
    kit_open(&kit, NULL);
    for (int i = 0; i < 10; i++) {
        plan.id = store_recorder_next_id(kit.recorder);
        kit_play(&kit, plan);
    }
    kit_close_recorder(&kit);
    kit_open_in(&kit, NULL);
    assert_int_equal(store_recorder_next_id(kit.recorder), 11);
    kit_close(&kit);
}

#define MIXED_COUNT 400u
#define MIXED_AT_ONCE 40u

/* Many exchanges move on in steps of a random order; long and slow ones go through segments. */
static void play_mixed(struct kit *kit, struct kit_plan *plans, size_t body_max)
{
    struct kit_exchange *going = calloc(MIXED_AT_ONCE, sizeof(*going));
    struct kit_random random = kit_random(77);
    unsigned begun = 0, ended = 0;

    assert_non_null(going);
    for (unsigned i = 0; i < MIXED_AT_ONCE; i++)
        going[i].is_done = true;
    while (ended < MIXED_COUNT) {
        struct kit_exchange *one = &going[kit_next(&random) % MIXED_AT_ONCE];

        if (one->is_done && begun < MIXED_COUNT) {
            plans[begun] = kit_plan(store_recorder_next_id(kit->recorder), body_max);
            kit_begin(kit, one, plans[begun++]);
        } else if (!one->is_done) {
            kit_step(one, &random, 30000);
            ended += one->is_done;
        }
        while (!store_recorder_port_observer(kit->port)->ops->has_room(kit->observers[0]))
            kit_turn(kit);
    }
    free(going);
}

static void check_all(struct kit *kit, const struct kit_plan *plans)
{
    struct store_reader *reader = open_reader(kit);

    for (unsigned i = 0; i < MIXED_COUNT; i++)
        kit_check(reader, &plans[i]);
    store_reader_close(&reader);
}

static void mixed_exchanges_come_back(size_t body_max, const struct store_recorder_options *options)
{
    struct kit_plan plans[MIXED_COUNT];
    struct store_repair_result result;
    struct kit kit;

    kit_open(&kit, options);
    play_mixed(&kit, plans, body_max);
    must(store_recorder_flush(kit.recorder, 60000));
    check_all(&kit, plans);
    kit_close_recorder(&kit);
    must(store_project_open(kit.folder, STR("test"), STORE_PROJECT_WRITE, &kit.project));
    must(store_repair_reindex(kit.project, NULL, &result));
    assert_int_equal(result.skipped_count, 0);
    store_project_close(&kit.project);
    check_all(&kit, plans);
    kit_remove(kit.folder);
}

static void exchanges_in_random_steps_come_back(void **state)
{
    (void)state;
    mixed_exchanges_come_back(20000, NULL);
}

static void long_exchanges_in_segments_come_back(void **state)
{
    (void)state;
    mixed_exchanges_come_back(600000, &(struct store_recorder_options){.pending_bytes_max = 100000});
}

static void exchanges_over_several_files_come_back(void **state)
{
    (void)state;
    mixed_exchanges_come_back(100000, &(struct store_recorder_options){.file_bytes_max = 1000000});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorder_gives_back_what_it_was_told),
        cmocka_unit_test(ids_go_on_after_the_highest_in_the_capture),
        cmocka_unit_test(exchanges_in_random_steps_come_back),
        cmocka_unit_test(long_exchanges_in_segments_come_back),
        cmocka_unit_test(exchanges_over_several_files_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
