/* Covers os/thread: threads, the lock with its condition, and the pool. */
#include "looping.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "os/thread.h"

struct shown {
    char name[16];
    sigset_t blocked;
    int niceness;
    bool is_run;
};

static void look_at_itself(void *owner)
{
    struct shown *shown = owner;

    pthread_getname_np(pthread_self(), shown->name, sizeof(shown->name));
    pthread_sigmask(SIG_SETMASK, NULL, &shown->blocked);
    os_thread_lower_priority();
    shown->niceness = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
    shown->is_run = true;
}

static void a_thread_has_its_name_and_no_signals(void **state)
{
    struct os_thread *thread;
    struct shown shown = {0};
    sigset_t ours;

    (void)state;
    assert_ok(os_thread_start("fifteen-letters", look_at_itself, &shown, &thread));
    os_thread_join(&thread);
    assert_null(thread);
    os_thread_join(&thread);
    assert_true(shown.is_run);
    assert_string_equal(shown.name, "fifteen-letters");
    assert_true(sigismember(&shown.blocked, SIGTERM) == 1 && sigismember(&shown.blocked, SIGINT) == 1);
    assert_true(shown.niceness > getpriority(PRIO_PROCESS, 0));
    pthread_sigmask(SIG_SETMASK, NULL, &ours);
    assert_int_equal(sigismember(&ours, SIGTERM), 0);
}

static void processors_are_counted(void **state)
{
    cpu_set_t set;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    assert_int_equal(os_thread_cpu_count(), CPU_COUNT(&set));
}

struct counter {
    struct os_lock *lock;
    unsigned value;
};

static void count_up(void *owner)
{
    struct counter *counter = owner;

    for (int i = 0; i < 20000; i++) {
        os_lock_enter(counter->lock);
        counter->value++;
        os_lock_leave(counter->lock);
    }
    os_lock_enter(counter->lock);
    os_lock_signal_all(counter->lock);
    os_lock_leave(counter->lock);
}

static void the_lock_lets_one_in_at_a_time_and_wakes_who_waits(void **state)
{
    struct counter counter = {0};
    struct os_thread *threads[4];

    (void)state;
    assert_ok(os_lock_new(&counter.lock));
    os_lock_enter(counter.lock);
    for (size_t i = 0; i < 4; i++)
        assert_ok(os_thread_start("counter", count_up, &counter, &threads[i]));
    while (counter.value < 80000)
        assert_true(os_lock_wait(counter.lock, UINT64_MAX));
    os_lock_leave(counter.lock);
    for (size_t i = 0; i < 4; i++)
        os_thread_join(&threads[i]);
    os_lock_free(&counter.lock);
    assert_null(counter.lock);
}

static void waiting_ends_when_its_time_is_over(void **state)
{
    struct os_lock *lock;

    (void)state;
    assert_ok(os_lock_new(&lock));
    os_lock_enter(lock);
    assert_false(os_lock_wait(lock, 0));
    assert_false(os_lock_wait(lock, 5));
    os_lock_leave(lock);
    os_lock_free(&lock);
}

#define WORK_COUNT 200

struct task {
    struct os_work work;
    struct working *working;
    bool is_run;
    pthread_t done_on;
};

struct working {
    struct os_loop *loop;
    struct os_pool *pool;
    struct os_lock *lock;
    bool is_gate_open;
    unsigned entered_count; /* of those that wait at the gate */
    unsigned run_count;     /* under the lock */
    unsigned done_count, not_run_count, wanted;
    struct task tasks[WORK_COUNT];
};

static void run_task(void *owner)
{
    struct task *task = owner;

    os_lock_enter(task->working->lock);
    task->working->entered_count++;
    os_lock_signal_all(task->working->lock);
    while (!task->working->is_gate_open)
        os_lock_wait(task->working->lock, UINT64_MAX);
    task->working->run_count++;
    task->is_run = true;
    os_lock_leave(task->working->lock);
}

static void on_done(void *owner, bool was_run)
{
    struct task *task = owner;

    assert_int_equal(task->is_run, was_run);
    task->done_on = pthread_self();
    task->working->done_count++;
    task->working->not_run_count += !was_run;
}

static bool has_wanted(void *owner)
{
    return ((struct working *)owner)->done_count >= ((struct working *)owner)->wanted;
}

static void begin(struct working *working, unsigned waiting_max)
{
    *working = (struct working){.is_gate_open = true};
    assert_ok(os_loop_new(&working->loop));
    assert_ok(os_lock_new(&working->lock));
    assert_ok(os_pool_new("pool", 3, waiting_max, &working->pool));
    for (size_t i = 0; i < WORK_COUNT; i++) {
        struct task *task = &working->tasks[i];

        task->working = working;
        task->work = (struct os_work){.run = run_task, .on_done = on_done, .owner = task, .loop = working->loop};
    }
}

static void end(struct working *working)
{
    os_pool_free(&working->pool);
    assert_null(working->pool);
    run_until(working->loop, has_wanted, working);
    os_lock_free(&working->lock);
    os_loop_free(&working->loop);
}

static void set_gate(struct working *working, bool is_open)
{
    os_lock_enter(working->lock);
    working->is_gate_open = is_open;
    os_lock_signal_all(working->lock);
    os_lock_leave(working->lock);
}

static void every_work_runs_once_and_is_done_on_the_loop(void **state)
{
    static struct working working;

    (void)state;
    begin(&working, WORK_COUNT);
    for (size_t i = 0; i < WORK_COUNT; i++)
        assert_ok(os_pool_submit(working.pool, &working.tasks[i].work));
    working.wanted = WORK_COUNT;
    run_until(working.loop, has_wanted, &working);
    assert_int_equal(working.run_count, WORK_COUNT);
    for (size_t i = 0; i < WORK_COUNT; i++)
        assert_true(pthread_equal(working.tasks[i].done_on, pthread_self()));
    end(&working);
}

static void wait_until_entered(struct working *working, unsigned count)
{
    os_lock_enter(working->lock);
    while (working->entered_count < count)
        os_lock_wait(working->lock, UINT64_MAX);
    os_lock_leave(working->lock);
}

static void more_waiting_work_than_allowed_is_refused(void **state)
{
    static struct working working;

    (void)state;
    begin(&working, 3);
    set_gate(&working, false);
    /* Three run, three wait. */
    for (unsigned i = 0; i < 3; i++)
        assert_ok(os_pool_submit(working.pool, &working.tasks[i].work));
    wait_until_entered(&working, 3);
    for (unsigned i = 3; i < 6; i++)
        assert_ok(os_pool_submit(working.pool, &working.tasks[i].work));
    assert_err(os_pool_submit(working.pool, &working.tasks[6].work), ERR_LIMIT);
    set_gate(&working, true);
    working.wanted = 6;
    run_until(working.loop, has_wanted, &working);
    assert_ok(os_pool_submit(working.pool, &working.tasks[6].work));
    working.wanted = 7;
    end(&working);
    assert_int_equal(working.run_count + working.not_run_count, 7);
}

static void open_gate_later(void *owner)
{
    struct working *working = owner;
    struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    nanosleep(&pause, NULL);
    set_gate(working, true);
}

/* Frees the pool while three run and seven wait; returns how many came back not run. */
static unsigned free_while_work_waits(struct working *working)
{
    struct os_thread *opener;

    begin(working, WORK_COUNT);
    set_gate(working, false);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(os_pool_submit(working->pool, &working->tasks[i].work));
    wait_until_entered(working, 3);
    for (unsigned i = 3; i < 10; i++)
        assert_ok(os_pool_submit(working->pool, &working->tasks[i].work));
    assert_ok(os_thread_start("opener", open_gate_later, working, &opener));
    working->wanted = 10;
    os_pool_free(&working->pool);
    os_thread_join(&opener);
    end(working);
    assert_int_equal(working->done_count, 10);
    assert_int_equal(working->run_count + working->not_run_count, 10);
    return working->not_run_count;
}

static void work_that_still_waits_at_the_end_comes_back_not_run(void **state)
{
    static struct working working;
    unsigned not_run_count = 0;

    (void)state;
    /* On a busy machine the gate may open before the pool is told to end; then nothing waits any more. */
    for (int round = 0; round < 100 && not_run_count == 0; round++)
        not_run_count = free_while_work_waits(&working);
    assert_int_equal(not_run_count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_has_its_name_and_no_signals),
        cmocka_unit_test(processors_are_counted),
        cmocka_unit_test(the_lock_lets_one_in_at_a_time_and_wakes_who_waits),
        cmocka_unit_test(waiting_ends_when_its_time_is_over),
        cmocka_unit_test(every_work_runs_once_and_is_done_on_the_loop),
        cmocka_unit_test(more_waiting_work_than_allowed_is_refused),
        cmocka_unit_test(work_that_still_waits_at_the_end_comes_back_not_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
