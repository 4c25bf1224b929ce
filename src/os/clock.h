/* clock.h - the two clocks and the source of randomness. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970, UTC; may jump. */
int64_t os_clock_wall_us(void);
/* Microseconds since some start; never goes back. */
uint64_t os_clock_mono_us(void);
/* Bytes fit for keys and tokens; stops the program when the system has none. */
void os_clock_random(void *bytes, size_t len);

#endif
