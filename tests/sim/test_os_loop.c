/* Covers the simulated os itself, all but its network: time, posts, deferred work, signals and the pool. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "os/clock.h"
#include "os/loop.h"
#include "os/thread.h"
#include "os/timer.h"
#include "sim/os/sim.h"

#define assert_ok(expr) assert_int_equal((expr).code, ERR_NONE)

struct firing {
    struct os_timer *timer;
    uint64_t fired_us;
    unsigned count;
};

static void on_fire(void *owner)
{
    struct firing *firing = owner;

    firing->fired_us = os_clock_mono_us();
    firing->count++;
}

static void timers_fire_exactly_and_settling_does_not_wait_for_them(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct firing firing = {0};
    struct os_loop *loop;
    uint64_t start_us = os_clock_mono_us();

    (void)state;
    assert_ok(os_loop_new(&loop));
    assert_ok(os_timer_new(loop, on_fire, &firing, &firing.timer));
    os_timer_start(firing.timer, 1000);
    os_timer_start(firing.timer, 3600 * 1000);
    sim_settle(sim);
    assert_int_equal(firing.count, 0);
    sim_run_ms(sim, 3600 * 1000 - 1);
    assert_int_equal(firing.count, 0);
    assert_true(os_timer_is_running(firing.timer));
    sim_run_ms(sim, 1);
    assert_int_equal(firing.count, 1);
    assert_true(firing.fired_us - start_us == (uint64_t)3600 * 1000 * 1000);
    os_timer_start(firing.timer, 5);
    os_timer_stop(firing.timer);
    sim_run_ms(sim, 10);
    assert_int_equal(firing.count, 1);
    os_timer_free(&firing.timer);
    os_loop_free(&loop);
    sim_free(&sim);
}

static void the_wall_clock_jumps_and_the_other_does_not(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    int64_t wall_us = os_clock_wall_us();
    uint64_t mono_us = os_clock_mono_us();

    (void)state;
    sim_jump_wall(sim, -1000000);
    sim_run_ms(sim, 3);
    assert_true(os_clock_wall_us() == wall_us - 1000000 + 3000);
    assert_true(os_clock_mono_us() == mono_us + 3000);
    sim_free(&sim);
}

struct order {
    char text[8];
    size_t len;
};

struct step {
    struct os_post post;
    struct order *order;
    char name;
};

static void note(void *owner)
{
    struct step *step = owner;

    step->order->text[step->order->len++] = step->name;
}

static void posts_and_deferred_work_run_later_and_in_order(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct order order = {{0}, 0};
    struct step steps[4];
    struct os_loop *loop;

    (void)state;
    assert_ok(os_loop_new(&loop));
    for (size_t i = 0; i < 4; i++) {
        steps[i] = (struct step){.order = &order, .name = (char)('a' + i)};
        steps[i].post = (struct os_post){.fn = note, .owner = &steps[i]};
        if (i < 2)
            os_loop_defer(loop, &steps[i].post);
        else
            os_loop_post(loop, &steps[i].post);
    }
    assert_int_equal(order.len, 0);
    sim_settle(sim);
    assert_string_equal(order.text, "abcd");
    os_loop_free(&loop);
    sim_free(&sim);
}

static void stop_loop(void *owner) { os_loop_stop(owner); }

static void a_stop_signal_reaches_the_loop_that_asked(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct os_loop *loop;

    (void)state;
    assert_ok(os_loop_new(&loop));
    assert_ok(os_loop_on_stop_signal(loop, stop_loop, loop));
    sim_stop_signal(sim);
    os_loop_run(loop);
    os_loop_free(&loop);
    sim_free(&sim);
}

struct job {
    struct os_work work;
    unsigned run_count, done_count, not_run_count;
};

static void run_job(void *owner) { ((struct job *)owner)->run_count++; }

static void job_done(void *owner, bool was_run)
{
    struct job *job = owner;

    job->done_count++;
    job->not_run_count += !was_run;
}

static void the_pool_runs_work_and_hands_back_what_it_did_not_run(void **state)
{
    struct sim *sim = sim_new(&(struct sim_options){.seed = 1});
    struct job jobs[4] = {{{0}, 0, 0, 0}};
    struct os_pool *pool;
    struct os_loop *loop;

    (void)state;
    assert_ok(os_loop_new(&loop));
    assert_ok(os_pool_new("jobs", 1, 2, &pool));
    for (size_t i = 0; i < 4; i++)
        jobs[i].work = (struct os_work){.run = run_job, .on_done = job_done, .owner = &jobs[i], .loop = loop};
    for (size_t i = 0; i < 3; i++)
        assert_ok(os_pool_submit(pool, &jobs[i].work));
    assert_int_equal(os_pool_submit(pool, &jobs[3].work).code, ERR_LIMIT);
    sim_settle(sim);
    assert_ok(os_pool_submit(pool, &jobs[3].work));
    os_pool_free(&pool);
    sim_settle(sim);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(jobs[i].run_count + jobs[i].done_count, 2);
    assert_int_equal(jobs[3].run_count, 0);
    assert_int_equal(jobs[3].not_run_count, 1);
    os_loop_free(&loop);
    sim_free(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_exactly_and_settling_does_not_wait_for_them),
        cmocka_unit_test(the_wall_clock_jumps_and_the_other_does_not),
        cmocka_unit_test(posts_and_deferred_work_run_later_and_in_order),
        cmocka_unit_test(a_stop_signal_reaches_the_loop_that_asked),
        cmocka_unit_test(the_pool_runs_work_and_hands_back_what_it_did_not_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
