/* Covers os/resolver: answers come later and on the loop, are shared, limited, and may be cancelled. */
#include "looping.h"

#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>

#include "os/resolver.h"
#include "os/thread.h"

#define LOOKUP_MAX 64
#define MANY_ADDRS 20

/* Names under .test do not reach the system: they wait until the gate is open, and then have MANY_ADDRS addresses. */
static struct {
    struct os_lock *lock;
    bool is_open;
    unsigned call_count;
    char last_name[64];
} gate;

static int ask_really(const char *name, const struct addrinfo *hints, struct addrinfo **ret_first)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, NULL, hints, ret_first);
}

static void pass_gate(const char *name)
{
    os_lock_enter(gate.lock);
    gate.call_count++;
    snprintf(gate.last_name, sizeof(gate.last_name), "%s", name);
    os_lock_signal_all(gate.lock);
    while (!gate.is_open)
        os_lock_wait(gate.lock, UINT64_MAX);
    os_lock_leave(gate.lock);
}

/* Stands before the system's, for the whole program. */
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret_first)
{
    struct addrinfo **end = ret_first;

    (void)service;
    if (!str_ends(str_from(name), STR(".test")))
        return ask_really(name, hints, ret_first);
    pass_gate(name);
    for (int i = 0; i < MANY_ADDRS; i++) {
        int status = ask_really("192.0.2.9", hints, end);

        if (status)
            return status;
        end = &(*end)->ai_next;
    }
    return 0;
}

static void close_gate(void)
{
    os_lock_enter(gate.lock);
    gate.is_open = false;
    gate.call_count = 0;
    os_lock_leave(gate.lock);
}

static void open_gate(void)
{
    os_lock_enter(gate.lock);
    gate.is_open = true;
    os_lock_signal_all(gate.lock);
    os_lock_leave(gate.lock);
}

static void wait_for_calls(unsigned count)
{
    os_lock_enter(gate.lock);
    while (gate.call_count < count)
        os_lock_wait(gate.lock, UINT64_MAX);
    os_lock_leave(gate.lock);
}

struct asked {
    struct os_lookup *lookup;
    unsigned *done_count;
    unsigned count;
    struct err error;
    size_t addr_count;
    struct os_addr first;
};

struct asking {
    struct os_loop *loop;
    struct os_resolver *resolver;
    struct asked asked[LOOKUP_MAX];
    unsigned done_count, wanted;
};

static void on_result(void *owner, struct err error, const struct os_addr *addrs, size_t addr_count)
{
    struct asked *asked = owner;

    asked->count++;
    ++*asked->done_count;
    asked->error = error;
    asked->addr_count = addr_count;
    if (addr_count)
        asked->first = addrs[0];
}

static bool has_wanted(void *owner) { return ((struct asking *)owner)->done_count >= ((struct asking *)owner)->wanted; }

static void wait_for(struct asking *asking, unsigned count)
{
    asking->wanted = count;
    run_until(asking->loop, has_wanted, asking);
    run_for_ms(asking->loop, 2);
    assert_int_equal(asking->done_count, count);
}

static void begin(struct asking *asking, unsigned waiting_max)
{
    struct os_resolver_options options = {.thread_count = 2, .waiting_max = waiting_max};

    *asking = (struct asking){0};
    for (size_t i = 0; i < LOOKUP_MAX; i++)
        asking->asked[i].done_count = &asking->done_count;
    assert_ok(os_loop_new(&asking->loop));
    assert_ok(os_resolver_new(&options, &asking->resolver));
}

static struct err ask(struct asking *asking, size_t i, struct str host)
{
    return os_resolver_lookup(asking->resolver, asking->loop, host, 443, on_result, &asking->asked[i],
                              &asking->asked[i].lookup);
}

static void end(struct asking *asking)
{
    os_resolver_free(&asking->resolver);
    assert_null(asking->resolver);
    os_loop_free(&asking->loop);
}

static void literals_are_answered_later_and_exactly(void **state)
{
    static const char *const texts[][2] = {
        {"192.0.2.7", "192.0.2.7:443"}, {"[2001:db8::1]", "[2001:db8::1]:443"}, {"::ffff:10.0.0.1", "10.0.0.1:443"}};
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    for (size_t i = 0; i < 3; i++)
        assert_ok(ask(&asking, i, str_from(texts[i][0])));
    assert_int_equal(asking.done_count, 0);
    wait_for(&asking, 3);
    for (size_t i = 0; i < 3; i++) {
        char text[OS_ADDR_TEXT_BYTES];

        assert_err(asking.asked[i].error, ERR_NONE);
        assert_int_equal(asking.asked[i].addr_count, 1);
        assert_string_equal(os_addr_format(&asking.asked[i].first, text), texts[i][1]);
    }
    end(&asking);
}

static void localhost_and_names_under_it_are_this_machine(void **state)
{
    static const char *const names[] = {"localhost", "LOCALHOST", "shop.localhost", "a.b.LocalHost."};
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    for (size_t i = 0; i < 4; i++)
        assert_ok(ask(&asking, i, str_from(names[i])));
    wait_for(&asking, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_err(asking.asked[i].error, ERR_NONE);
        assert_true(os_addr_is_loopback(&asking.asked[i].first));
        assert_int_equal(asking.asked[i].first.port, 443);
    }
    end(&asking);
}

static void what_is_no_name_does_not_resolve(void **state)
{
    static char too_long[300];
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    memset(too_long, 'a', sizeof(too_long));
    assert_ok(ask(&asking, 0, STR("")));
    assert_ok(ask(&asking, 1, (struct str){too_long, sizeof(too_long)}));
    assert_ok(ask(&asking, 2, STR("local\0host")));
    assert_ok(ask(&asking, 3, STR("[::1")));
    /* The longest that is handed to the system: 255 bytes in four labels too many. */
    assert_ok(ask(&asking, 4, (struct str){too_long, 255}));
    wait_for(&asking, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_err(asking.asked[i].error, ERR_RESOLVE);
        assert_int_equal(asking.asked[i].addr_count, 0);
        assert_non_null(asking.asked[i].error.what);
    }
    end(&asking);
}

static void look_ups_of_one_name_share_one_question(void **state)
{
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    close_gate();
    for (size_t i = 0; i < LOOKUP_MAX; i++)
        assert_ok(ask(&asking, i, i % 2 ? STR("shared.test") : STR("SHARED.test")));
    wait_for_calls(1);
    open_gate();
    wait_for(&asking, LOOKUP_MAX);
    for (size_t i = 0; i < LOOKUP_MAX; i++) {
        assert_int_equal(asking.asked[i].count, 1);
        assert_int_equal(asking.asked[i].addr_count, OS_RESOLVER_ADDR_MAX);
        assert_int_equal(asking.asked[i].first.ip[3], 9);
    }
    assert_int_equal(gate.call_count, 1);
    assert_string_equal(gate.last_name, "shared.test");
    end(&asking);
}

static void a_slow_name_takes_one_thread_however_often_it_is_asked_for(void **state)
{
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    close_gate();
    for (size_t i = 0; i < 10; i++)
        assert_ok(ask(&asking, i, STR("slow.test")));
    wait_for_calls(1);
    assert_ok(ask(&asking, 10, STR("localhost")));
    wait_for(&asking, 1);
    assert_int_equal(asking.asked[10].count, 1);
    open_gate();
    wait_for(&asking, 11);
    end(&asking);
}

static void over_the_limit_a_look_up_is_refused_at_once(void **state)
{
    struct asking asking;

    (void)state;
    begin(&asking, 3);
    close_gate();
    assert_ok(ask(&asking, 0, STR("a.test")));
    assert_ok(ask(&asking, 1, STR("a.test")));
    assert_ok(ask(&asking, 2, STR("b.test")));
    assert_err(ask(&asking, 3, STR("c.test")), ERR_LIMIT);
    assert_err(ask(&asking, 3, STR("a.test")), ERR_LIMIT);
    /* What needs no thread is no burden. */
    assert_ok(ask(&asking, 4, STR("192.0.2.1")));
    os_resolver_cancel(asking.asked[0].lookup);
    assert_ok(ask(&asking, 3, STR("c.test")));
    open_gate();
    wait_for(&asking, 4);
    assert_ok(ask(&asking, 0, STR("d.test")));
    wait_for(&asking, 5);
    end(&asking);
}

static void a_name_nobody_waits_for_any_more_is_not_asked_for(void **state)
{
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    close_gate();
    assert_ok(ask(&asking, 0, STR("a.test")));
    assert_ok(ask(&asking, 1, STR("b.test")));
    wait_for_calls(2);
    /* Both threads are busy: these wait. */
    assert_ok(ask(&asking, 2, STR("unwanted.test")));
    assert_ok(ask(&asking, 3, STR("c.test")));
    assert_ok(ask(&asking, 4, STR("unwanted2.test")));
    os_resolver_cancel(asking.asked[2].lookup);
    os_resolver_cancel(asking.asked[4].lookup);
    open_gate();
    wait_for(&asking, 3);
    assert_int_equal(gate.call_count, 3);
    assert_string_equal(gate.last_name, "c.test");
    end(&asking);
}

static void cancelled_look_ups_are_never_told(void **state)
{
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    assert_ok(ask(&asking, 0, STR("127.0.0.1")));
    assert_ok(ask(&asking, 1, STR("localhost")));
    assert_ok(ask(&asking, 2, STR("localhost")));
    assert_ok(ask(&asking, 3, STR("x.localhost")));
    os_resolver_cancel(asking.asked[0].lookup);
    os_resolver_cancel(asking.asked[1].lookup);
    os_resolver_cancel(asking.asked[3].lookup);
    wait_for(&asking, 1);
    assert_int_equal(asking.asked[2].count, 1);
    end(&asking);
}

static void cancelling_in_every_stage_leaves_the_resolver_sound(void **state)
{
    struct asking asking;
    char name[32];

    (void)state;
    begin(&asking, 0);
    for (unsigned round = 0; round < 50; round++) {
        for (size_t i = 0; i < 16; i++) {
            snprintf(name, sizeof(name), "name-%zu.test", i % 5);
            assert_ok(ask(&asking, i, i % 3 ? str_from(name) : STR("localhost")));
        }
        if (round % 2)
            run_for_ms(asking.loop, 0);
        /* Those that were answered in the meantime are gone. */
        for (size_t i = 0; i < 16; i++) {
            if (asking.asked[i].count == 0)
                os_resolver_cancel(asking.asked[i].lookup);
            asking.asked[i].count = 0;
        }
    }
    asking.done_count = 0;
    assert_ok(ask(&asking, 0, STR("localhost")));
    wait_for(&asking, 1);
    end(&asking);
}

static void freeing_the_resolver_drops_what_waits(void **state)
{
    struct asking asking;
    char name[32];

    (void)state;
    begin(&asking, 0);
    for (size_t i = 0; i < LOOKUP_MAX; i++) {
        snprintf(name, sizeof(name), "name-%zu.test", i);
        assert_ok(ask(&asking, i, str_from(name)));
    }
    os_resolver_free(&asking.resolver);
    /* Answers that had been handed to the loop before still arrive. */
    run_for_ms(asking.loop, 5);
    os_loop_free(&asking.loop);
}

/* A program that ends must not stay for as long as a dead name server makes the system wait. */
static void freeing_the_resolver_does_not_wait_for_the_system(void **state)
{
    struct asking asking;

    (void)state;
    begin(&asking, 0);
    close_gate();
    assert_ok(ask(&asking, 0, STR("slow.test")));
    assert_ok(ask(&asking, 1, STR("slower.test")));
    assert_ok(ask(&asking, 2, STR("waiting.test")));
    wait_for_calls(2);
    os_resolver_cancel(asking.asked[0].lookup);
    end(&asking);
    assert_int_equal(asking.done_count, 0);
    open_gate();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_answered_later_and_exactly),
        cmocka_unit_test(localhost_and_names_under_it_are_this_machine),
        cmocka_unit_test(what_is_no_name_does_not_resolve),
        cmocka_unit_test(look_ups_of_one_name_share_one_question),
        cmocka_unit_test(a_slow_name_takes_one_thread_however_often_it_is_asked_for),
        cmocka_unit_test(over_the_limit_a_look_up_is_refused_at_once),
        cmocka_unit_test(a_name_nobody_waits_for_any_more_is_not_asked_for),
        cmocka_unit_test(cancelled_look_ups_are_never_told),
        cmocka_unit_test(cancelling_in_every_stage_leaves_the_resolver_sound),
        cmocka_unit_test(freeing_the_resolver_drops_what_waits),
        cmocka_unit_test(freeing_the_resolver_does_not_wait_for_the_system),
    };

    if (err_is(os_lock_new(&gate.lock)))
        return 1;
    gate.is_open = true;
    /* The gate's lock stays: threads that nobody waits for may still pass. */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
