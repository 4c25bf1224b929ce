#include "os/clock.h"

#include "world.h"

/* 2023-11-14, 22:13:20 UTC. */
#define WALL_START_US ((int64_t)1700000000 * 1000000)
/* The start of a monotonic clock means nothing; that it is not 0 shows who takes it for a duration. */
#define MONO_START_US ((uint64_t)1000 * 1000000)

int64_t os_clock_wall_us(void) { return WALL_START_US + world->wall_offset_us + (int64_t)world->now_us; }

uint64_t os_clock_mono_us(void) { return MONO_START_US + world->now_us; }

void os_clock_random(void *bytes, size_t len) { world_fill_random(bytes, len); }
