/* Covers os/clock. */
#include "looping.h"

#include <time.h>

static void the_monotonic_clock_never_goes_back(void **state)
{
    uint64_t last_us = os_clock_mono_us();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t now_us = os_clock_mono_us();

        assert_true(now_us >= last_us);
        last_us = now_us;
    }
}

static void the_wall_clock_counts_microseconds_since_1970(void **state)
{
    time_t before = time(NULL);
    int64_t wall_us = os_clock_wall_us();
    time_t after = time(NULL);

    (void)state;
    /* time() may lag behind by a tick. */
    assert_in_range(wall_us / 1000000, before - 1, after + 1);
}

static void random_bytes_differ_and_stay_within_bounds(void **state)
{
    unsigned char a[64] = {0}, b[64] = {0};

    (void)state;
    os_clock_random(a, 62);
    os_clock_random(b, 62);
    assert_memory_not_equal(a, b, 62);
    assert_int_equal(a[62] | a[63] | b[62] | b[63], 0);
    os_clock_random(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(the_wall_clock_counts_microseconds_since_1970),
        cmocka_unit_test(random_bytes_differ_and_stay_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
