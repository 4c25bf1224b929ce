/* Covers base/fsm: steps run until one waits or is done, and the table is obeyed. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fsm.h"

enum { OPENING, OPEN, CLOSED };

struct door {
    struct fsm fsm;
    int knocks;
};

static enum fsm_next opening(void *owner)
{
    struct door *door = owner;

    fsm_move(&door->fsm, OPEN);
    return FSM_MORE;
}

static enum fsm_next opened(void *owner)
{
    struct door *door = owner;

    if (++door->knocks < 2)
        return FSM_WAIT;
    fsm_move(&door->fsm, CLOSED);
    return FSM_DONE;
}

static enum fsm_next closed(void *owner)
{
    (void)owner;
    return FSM_DONE;
}

static const struct fsm_state states[] = {
    [OPENING] = {"opening", FSM_TO(OPEN), opening},
    [OPEN] = {"open", FSM_TO(CLOSED), opened},
    [CLOSED] = {"closed", 0, closed},
};

static void steps_run_until_one_waits_or_is_done(void **state)
{
    struct door door = {.knocks = 0};

    (void)state;
    fsm_init(&door.fsm, states, OPENING, &door);
    assert_int_equal(fsm_run(&door.fsm), FSM_WAIT);
    assert_int_equal(door.fsm.state, OPEN);
    assert_int_equal(fsm_run(&door.fsm), FSM_DONE);
    assert_int_equal(door.fsm.state, CLOSED);
    assert_int_equal(door.knocks, 2);
}

/* In a child, whose end is looked at. */
static void move_illegally(unsigned from, unsigned to)
{
    struct rlimit no_dump = {0};
    struct door door = {.knocks = 0};

    setrlimit(RLIMIT_CORE, &no_dump);
    signal(SIGABRT, SIG_DFL);
    if (!freopen("/dev/null", "w", stderr))
        _exit(1);
    fsm_init(&door.fsm, states, from, &door);
    fsm_move(&door.fsm, to);
    _exit(0);
}

static bool stops_the_program(unsigned from, unsigned to)
{
    pid_t id = fork();
    int status;

    if (id == 0)
        move_illegally(from, to);
    assert_int_equal(waitpid(id, &status, 0), id);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void a_move_that_the_table_does_not_allow_stops_the_program(void **state)
{
    (void)state;
    assert_true(stops_the_program(OPENING, CLOSED));
    assert_true(stops_the_program(OPEN, OPENING));
    assert_true(stops_the_program(CLOSED, OPEN));
    assert_true(stops_the_program(OPEN, OPEN));
    assert_false(stops_the_program(OPENING, OPEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_run_until_one_waits_or_is_done),
        cmocka_unit_test(a_move_that_the_table_does_not_allow_stops_the_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
