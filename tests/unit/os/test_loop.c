/* Covers os/loop: posts from any thread, deferred work, scratch memory, stop signals. */
#include "looping.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "os/thread.h"

#define POSTER_COUNT 4
#define POSTS_EACH 20000

struct order {
    struct os_loop *loop;
    struct os_post posts[8];
    char text[16];
    size_t len;
    bool is_done;
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

static struct step make_step(struct order *order, char name)
{
    return (struct step){.post = {.fn = note}, .order = order, .name = name};
}

static bool has_three(void *owner) { return ((struct order *)owner)->len == 3; }

static void posts_run_in_the_order_of_posting(void **state)
{
    struct order order = {0};
    struct step steps[3] = {make_step(&order, 'a'), make_step(&order, 'b'), make_step(&order, 'c')};

    (void)state;
    assert_ok(os_loop_new(&order.loop));
    for (size_t i = 0; i < 3; i++) {
        steps[i].post.owner = &steps[i];
        os_loop_post(order.loop, &steps[i].post);
    }
    assert_int_equal(order.len, 0);
    run_until(order.loop, has_three, &order);
    assert_string_equal(order.text, "abc");
    os_loop_free(&order.loop);
}

static void deferred_work_runs_in_order_and_not_inside_the_call(void **state)
{
    struct order order = {0};
    struct step steps[3] = {make_step(&order, 'x'), make_step(&order, 'y'), make_step(&order, 'z')};

    (void)state;
    assert_ok(os_loop_new(&order.loop));
    for (size_t i = 0; i < 3; i++) {
        steps[i].post.owner = &steps[i];
        os_loop_defer(order.loop, &steps[i].post);
    }
    assert_int_equal(order.len, 0);
    run_until(order.loop, has_three, &order);
    assert_string_equal(order.text, "xyz");
    os_loop_free(&order.loop);
}

struct chain {
    struct os_loop *loop;
    struct os_post post;
    unsigned left;
    unsigned run_count;
    bool is_fired;
};

static void defer_again(void *owner)
{
    struct chain *chain = owner;

    chain->run_count++;
    if (chain->left-- > 1)
        os_loop_defer(chain->loop, &chain->post);
    else
        os_loop_stop(chain->loop);
}

/* Nothing else would wake the loop, so this hangs when deferred work waits for an event. */
static void deferred_work_that_defers_more_never_waits(void **state)
{
    struct chain chain = {.left = 1000};

    (void)state;
    assert_ok(os_loop_new(&chain.loop));
    chain.post = (struct os_post){.fn = defer_again, .owner = &chain};
    os_loop_defer(chain.loop, &chain.post);
    os_loop_run(chain.loop);
    assert_int_equal(chain.run_count, 1000);
    os_loop_free(&chain.loop);
}

static void defer_for_ever(void *owner)
{
    struct chain *chain = owner;

    chain->run_count++;
    os_loop_defer(chain->loop, &chain->post);
}

static void set_fired(void *owner)
{
    struct chain *chain = owner;

    chain->is_fired = true;
    os_loop_stop(chain->loop);
}

static void deferred_work_that_never_ends_does_not_starve_timers(void **state)
{
    struct chain chain = {0};
    struct os_timer *timer;

    (void)state;
    assert_ok(os_loop_new(&chain.loop));
    chain.post = (struct os_post){.fn = defer_for_ever, .owner = &chain};
    assert_ok(os_timer_new(chain.loop, set_fired, &chain, &timer));
    os_timer_start(timer, 5);
    os_loop_defer(chain.loop, &chain.post);
    os_loop_run(chain.loop);
    assert_true(chain.is_fired);
    os_timer_free(&timer);
    os_loop_free(&chain.loop);
}

struct posted {
    struct os_post post;
    struct poster *poster;
    unsigned number;
};

struct poster {
    struct posts_test *test;
    struct os_thread *thread;
    struct posted posted[POSTS_EACH];
    unsigned next_number; /* that the loop expects */
};

struct posts_test {
    struct os_loop *loop;
    struct poster posters[POSTER_COUNT];
    unsigned run_count;
    bool is_out_of_order;
};

static void on_posted(void *owner)
{
    struct posted *posted = owner;
    struct poster *poster = posted->poster;

    if (posted->number != poster->next_number++)
        poster->test->is_out_of_order = true;
    if (++poster->test->run_count == POSTER_COUNT * POSTS_EACH)
        os_loop_stop(poster->test->loop);
}

static void run_poster(void *owner)
{
    struct poster *poster = owner;

    for (unsigned i = 0; i < POSTS_EACH; i++) {
        struct posted *posted = &poster->posted[i];

        *posted = (struct posted){.post = {.fn = on_posted, .owner = posted}, .poster = poster, .number = i};
        os_loop_post(poster->test->loop, &posted->post);
    }
}

static void every_post_of_four_threads_runs_once_and_in_its_threads_order(void **state)
{
    static struct posts_test test;

    (void)state;
    assert_ok(os_loop_new(&test.loop));
    for (size_t i = 0; i < POSTER_COUNT; i++) {
        test.posters[i].test = &test;
        assert_ok(os_thread_start("poster", run_poster, &test.posters[i], &test.posters[i].thread));
    }
    os_loop_run(test.loop);
    for (size_t i = 0; i < POSTER_COUNT; i++)
        os_thread_join(&test.posters[i].thread);
    assert_int_equal(test.run_count, POSTER_COUNT * POSTS_EACH);
    assert_false(test.is_out_of_order);
    os_loop_free(&test.loop);
}

struct repost {
    struct os_loop *loop;
    struct os_post post;
    unsigned left;
};

static void post_again(void *owner)
{
    struct repost *repost = owner;

    if (repost->left-- > 1)
        os_loop_post(repost->loop, &repost->post);
    else
        os_loop_stop(repost->loop);
}

static void a_post_may_post_itself_again(void **state)
{
    struct repost repost = {.left = 100};

    (void)state;
    assert_ok(os_loop_new(&repost.loop));
    repost.post = (struct os_post){.fn = post_again, .owner = &repost};
    os_loop_post(repost.loop, &repost.post);
    os_loop_run(repost.loop);
    assert_int_equal(repost.left, 0);
    os_loop_free(&repost.loop);
}

struct scratch_test {
    struct os_loop *loop;
    struct os_timer *timer;
    size_t used_at_start[2];
    unsigned fired;
};

static void use_scratch(void *owner)
{
    struct scratch_test *test = owner;

    test->used_at_start[test->fired++] = os_loop_scratch(test->loop)->used_bytes;
    assert_non_null(arena_alloc(os_loop_scratch(test->loop), 1000));
    if (test->fired == 2)
        os_loop_stop(test->loop);
    else
        os_timer_start(test->timer, 1);
}

static void scratch_memory_is_empty_again_in_the_next_turn(void **state)
{
    struct scratch_test test = {0};

    (void)state;
    assert_ok(os_loop_new(&test.loop));
    assert_ok(os_timer_new(test.loop, use_scratch, &test, &test.timer));
    os_timer_start(test.timer, 0);
    os_loop_run(test.loop);
    assert_int_equal(test.used_at_start[0], 0);
    assert_int_equal(test.used_at_start[1], 0);
    os_timer_free(&test.timer);
    os_loop_free(&test.loop);
}

static void set_true(void *owner) { *(bool *)owner = true; }

static void stop_signals_arrive_on_the_loop(void **state)
{
    struct os_loop *loop;
    bool has_signal = false;

    (void)state;
    assert_ok(os_loop_new(&loop));
    assert_ok(os_loop_on_stop_signal(loop, set_true, &has_signal));
    kill(getpid(), SIGTERM);
    run_until(loop, is_set, &has_signal);
    has_signal = false;
    kill(getpid(), SIGINT);
    run_until(loop, is_set, &has_signal);
    os_loop_free(&loop);
}

static void writing_to_a_closed_pipe_or_past_the_file_limit_does_not_kill(void **state)
{
    struct os_loop *loop;
    struct sigaction action;

    (void)state;
    assert_ok(os_loop_new(&loop));
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
    assert_int_equal(sigaction(SIGXFSZ, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
    os_loop_free(&loop);
}

static void without_descriptors_a_loop_is_an_error(void **state)
{
    struct rlimit limit, none;
    struct os_loop *loop = NULL;
    struct err error;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    error = os_loop_new(&loop);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_err(error, ERR_IO);
    assert_null(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_run_in_the_order_of_posting),
        cmocka_unit_test(deferred_work_runs_in_order_and_not_inside_the_call),
        cmocka_unit_test(deferred_work_that_defers_more_never_waits),
        cmocka_unit_test(deferred_work_that_never_ends_does_not_starve_timers),
        cmocka_unit_test(every_post_of_four_threads_runs_once_and_in_its_threads_order),
        cmocka_unit_test(a_post_may_post_itself_again),
        cmocka_unit_test(scratch_memory_is_empty_again_in_the_next_turn),
        cmocka_unit_test(stop_signals_arrive_on_the_loop),
        cmocka_unit_test(writing_to_a_closed_pipe_or_past_the_file_limit_does_not_kill),
        cmocka_unit_test(without_descriptors_a_loop_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
