/* place.h - where bytes stand in the capture. */
#ifndef STORE_PLACE_H
#define STORE_PLACE_H

#include "base/str.h"

struct store_place {
    uint32_t file; /* number of the capture file; 0: nowhere */
    uint64_t offset;
    uint64_t len;
};

#endif
