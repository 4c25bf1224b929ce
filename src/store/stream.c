#include "store/stream.h"

static void put_number(char *bytes, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)(number >> 8 * i);
}

static uint64_t get_number(const char *bytes, size_t count)
{
    uint64_t number = 0;

    for (size_t i = 0; i < count; i++)
        number |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
    return number;
}

void store_stream_write_head(const struct store_stream_frame *frame, char bytes[STORE_STREAM_HEAD_BYTES])
{
    put_number(bytes, 1, frame->side);
    put_number(bytes + 1, 1, frame->kind);
    put_number(bytes + 2, 2, 0);
    put_number(bytes + 4, 4, frame->len);
    put_number(bytes + 8, 8, frame->at_us);
}

struct err store_stream_parse_head(const char bytes[STORE_STREAM_HEAD_BYTES], struct store_stream_frame *ret_frame)
{
    struct store_stream_frame frame = {.side = (unsigned char)bytes[0],
                                       .kind = (unsigned char)bytes[1],
                                       .len = (uint32_t)get_number(bytes + 4, 4),
                                       .at_us = get_number(bytes + 8, 8)};

    if (frame.side > 1)
        return ERR(ERR_DAMAGED, 0, "stream: a side that does not exist");
    *ret_frame = frame;
    return OK;
}

struct err store_stream_measure(struct str block, uint64_t ret_len[2])
{
    uint64_t len[2] = {0, 0};

    while (block.len >= STORE_STREAM_HEAD_BYTES) {
        struct store_stream_frame frame;

        TRY(store_stream_parse_head(block.ptr, &frame));
        block = str_skip(block, STORE_STREAM_HEAD_BYTES);
        if (frame.len > block.len)
            return ERR(ERR_DAMAGED, 0, "stream: a torn frame");
        if (frame.kind == STORE_STREAM_BYTES)
            len[frame.side] += frame.len;
        block = str_skip(block, frame.len);
    }
    if (block.len)
        return ERR(ERR_DAMAGED, 0, "stream: a torn frame");
    memcpy(ret_len, len, sizeof(len));
    return OK;
}
