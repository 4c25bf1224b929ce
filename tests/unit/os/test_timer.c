/* Covers os/timer: one callback a start, deadlines that move, none after stop and free. */
#include "looping.h"

struct fired {
    struct os_loop *loop;
    struct os_timer *timer;
    unsigned count;
    uint64_t at_ms;
    bool is_fired;
    bool is_restarting;
};

static void on_fire(void *owner)
{
    struct fired *fired = owner;

    fired->count++;
    fired->at_ms = os_loop_now_ms(fired->loop);
    fired->is_fired = true;
    assert_false(os_timer_is_running(fired->timer));
    if (fired->is_restarting && fired->count < 3)
        os_timer_start(fired->timer, 1);
}

static void start(struct fired *fired)
{
    *fired = (struct fired){0};
    assert_ok(os_loop_new(&fired->loop));
    assert_ok(os_timer_new(fired->loop, on_fire, fired, &fired->timer));
}

static void end(struct fired *fired)
{
    os_timer_free(&fired->timer);
    assert_null(fired->timer);
    os_timer_free(&fired->timer);
    os_loop_free(&fired->loop);
}

static void a_timer_fires_once_and_not_early(void **state)
{
    struct fired fired;
    uint64_t started_ms;

    (void)state;
    start(&fired);
    run_for_ms(fired.loop, 1);
    started_ms = os_loop_now_ms(fired.loop);
    os_timer_start(fired.timer, 20);
    assert_true(os_timer_is_running(fired.timer));
    run_until(fired.loop, is_set, &fired.is_fired);
    assert_true(fired.at_ms >= started_ms + 20);
    run_for_ms(fired.loop, 40);
    assert_int_equal(fired.count, 1);
    end(&fired);
}

static void a_deadline_moved_later_is_kept(void **state)
{
    struct fired fired;
    uint64_t moved_ms = 0;

    (void)state;
    start(&fired);
    os_timer_start(fired.timer, 10);
    for (int i = 0; i < 5; i++) {
        run_for_ms(fired.loop, 4);
        moved_ms = os_loop_now_ms(fired.loop);
        if (fired.count == 0)
            os_timer_start(fired.timer, 1000);
    }
    os_timer_start(fired.timer, 30);
    moved_ms = os_loop_now_ms(fired.loop);
    fired.is_fired = false;
    fired.count = 0;
    run_until(fired.loop, is_set, &fired.is_fired);
    assert_true(fired.at_ms >= moved_ms + 30);
    assert_int_equal(fired.count, 1);
    end(&fired);
}

static void a_deadline_moved_earlier_is_kept(void **state)
{
    struct fired fired;

    (void)state;
    start(&fired);
    os_timer_start(fired.timer, 3600 * 1000);
    run_for_ms(fired.loop, 2);
    os_timer_start(fired.timer, 5);
    run_until(fired.loop, is_set, &fired.is_fired);
    assert_int_equal(fired.count, 1);
    end(&fired);
}

static void a_stopped_timer_does_not_fire_and_may_start_again(void **state)
{
    struct fired fired;

    (void)state;
    start(&fired);
    os_timer_start(fired.timer, 5);
    os_timer_stop(fired.timer);
    assert_false(os_timer_is_running(fired.timer));
    run_for_ms(fired.loop, 20);
    assert_int_equal(fired.count, 0);
    os_timer_start(fired.timer, 1);
    run_until(fired.loop, is_set, &fired.is_fired);
    end(&fired);
}

static void a_timer_may_start_itself_again(void **state)
{
    struct fired fired;

    (void)state;
    start(&fired);
    fired.is_restarting = true;
    os_timer_start(fired.timer, 1);
    run_for_ms(fired.loop, 30);
    assert_int_equal(fired.count, 3);
    end(&fired);
}

static void a_freed_timer_does_not_fire(void **state)
{
    struct fired fired;

    (void)state;
    start(&fired);
    os_timer_start(fired.timer, 0);
    os_timer_free(&fired.timer);
    run_for_ms(fired.loop, 10);
    assert_int_equal(fired.count, 0);
    end(&fired);
}

static void the_longest_delay_does_not_wrap_around(void **state)
{
    struct fired fired;

    (void)state;
    start(&fired);
    os_timer_start(fired.timer, UINT64_MAX);
    run_for_ms(fired.loop, 10);
    assert_int_equal(fired.count, 0);
    assert_true(os_timer_is_running(fired.timer));
    end(&fired);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_fires_once_and_not_early),
        cmocka_unit_test(a_deadline_moved_later_is_kept),
        cmocka_unit_test(a_deadline_moved_earlier_is_kept),
        cmocka_unit_test(a_stopped_timer_does_not_fire_and_may_start_again),
        cmocka_unit_test(a_timer_may_start_itself_again),
        cmocka_unit_test(a_freed_timer_does_not_fire),
        cmocka_unit_test(the_longest_delay_does_not_wrap_around),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
