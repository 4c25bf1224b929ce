/* Covers base/ring: order, wrapping, fullness, and two threads at once. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/ring.h"

#define RING_BYTES 4096

static void push(struct ring *ring, size_t len, unsigned char fill)
{
    char *room = ring_reserve(ring, len);

    assert_non_null(room);
    memset(room, fill, len);
    ring_commit(ring, len);
}

static void expect(struct ring *ring, size_t len, unsigned char fill)
{
    struct str record;

    assert_true(ring_peek(ring, &record));
    assert_int_equal(record.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal((unsigned char)record.ptr[i], fill);
    ring_pop(ring);
}

static void ring_gives_records_back_in_order(void **state)
{
    struct ring ring;
    struct str record;

    (void)state;
    ring_init(&ring, RING_BYTES);
    assert_false(ring_peek(&ring, &record));
    push(&ring, 0, 0);
    push(&ring, 1, 1);
    push(&ring, 1000, 2);
    expect(&ring, 0, 0);
    expect(&ring, 1, 1);
    expect(&ring, 1000, 2);
    assert_false(ring_peek(&ring, &record));
    assert_int_equal(ring_used_bytes(&ring), 0);
    ring_deinit(&ring);
}

static void ring_takes_the_longest_record_wherever_its_ends_stand(void **state)
{
    struct ring ring;
    size_t longest;

    (void)state;
    ring_init(&ring, RING_BYTES);
    longest = ring_record_max(&ring);
    for (size_t i = 0; i < 600; i++) {
        push(&ring, i % 37, 7);
        expect(&ring, i % 37, 7);
        push(&ring, longest, (unsigned char)i);
        expect(&ring, longest, (unsigned char)i);
    }
    ring_deinit(&ring);
}

static void ring_refuses_what_does_not_fit_and_takes_it_later(void **state)
{
    struct ring ring;
    size_t pushed = 0, len = 100;

    (void)state;
    ring_init(&ring, RING_BYTES);
    for (char *room; (room = ring_reserve(&ring, len)); pushed++) {
        memset(room, 9, len);
        ring_commit(&ring, len);
    }
    /* 16 bytes of length and 112 of room for each. */
    assert_int_equal(pushed, RING_BYTES / 128);
    assert_true(ring_free_bytes(&ring) < 128);
    expect(&ring, len, 9);
    push(&ring, len, 9);
    for (size_t i = 0; i < pushed; i++)
        expect(&ring, len, 9);
    ring_deinit(&ring);
}

static void ring_commits_less_than_was_reserved(void **state)
{
    struct ring ring;
    char *room;

    (void)state;
    ring_init(&ring, RING_BYTES);
    room = ring_reserve(&ring, 1000);
    assert_non_null(room);
    memset(room, 3, 10);
    ring_commit(&ring, 10);
    assert_non_null(ring_reserve(&ring, 50)); /* taken back by the next reservation */
    push(&ring, 20, 4);
    expect(&ring, 10, 3);
    expect(&ring, 20, 4);
    ring_deinit(&ring);
}

#define COUNT 200000u

static void *push_many(void *owner)
{
    struct ring *ring = owner;
    uint64_t random = 88172645463325252u;

    for (uint32_t i = 0; i < COUNT; i++) {
        size_t len;
        char *room;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        len = 4 + random % 700;
        while (!(room = ring_reserve(ring, len)))
            sched_yield();
        memcpy(room, &i, 4);
        memset(room + 4, (int)(i & 0xff), len - 4);
        ring_commit(ring, len);
    }
    return NULL;
}

static void ring_passes_every_record_between_two_threads(void **state)
{
    struct ring ring;
    pthread_t pusher;
    uint32_t number;

    (void)state;
    ring_init(&ring, RING_BYTES);
    assert_int_equal(pthread_create(&pusher, NULL, push_many, &ring), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct str record;

        while (!ring_peek(&ring, &record))
            sched_yield();
        memcpy(&number, record.ptr, 4);
        assert_int_equal(number, i);
        assert_int_equal((unsigned char)record.ptr[record.len - 1], record.len > 4 ? (i & 0xff) : (i >> 24));
        ring_pop(&ring);
    }
    pthread_join(pusher, NULL);
    assert_int_equal(ring_used_bytes(&ring), 0);
    ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_gives_records_back_in_order),
        cmocka_unit_test(ring_takes_the_longest_record_wherever_its_ends_stand),
        cmocka_unit_test(ring_refuses_what_does_not_fit_and_takes_it_later),
        cmocka_unit_test(ring_commits_less_than_was_reserved),
        cmocka_unit_test(ring_passes_every_record_between_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
