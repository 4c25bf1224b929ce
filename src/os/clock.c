#include "os/clock.h"

#include <time.h>
#include <uv.h>

#include "base/err.h"

int64_t os_clock_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

uint64_t os_clock_mono_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void os_clock_random(void *bytes, size_t len)
{
    /* Without a callback it works at once: getrandom() or what the system has in its place. */
    CHECK(uv_random(NULL, NULL, bytes, len, 0, NULL) == 0);
}
