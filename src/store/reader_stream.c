/* Reading what one side of a tunnel sent: frame by frame, remembering where the last read ended. */
#include "store/reader_core.h"
#include "store/stream.h"

/* Longer records are not ours; without this a damaged one would be searched to the end of its file. */
#define RECORD_MAX ((uint64_t)16 * 1024 * 1024)

/* Finds the frame of the record that holds the side's byte `offset`, going on from what is remembered when it can. */
static struct err find_frame(struct store_reader *reader, const struct store_reader_range *range,
                             const struct store_index_piece *piece, struct store_stream_frame *ret_frame)
{
    struct store_reader_stream *at = &reader->stream;
    char head[STORE_STREAM_HEAD_BYTES];

    if (!at->is_known || at->id != range->id || at->side != range->side || at->record_start != piece->start ||
        at->side_offset > range->offset)
        *at = (struct store_reader_stream){.id = range->id,
                                           .side = range->side,
                                           .record_start = piece->start,
                                           .side_offset = piece->start,
                                           .is_known = true};
    for (;;) {
        bool is_ours;

        at->is_known = false;
        if (at->frame_offset > RECORD_MAX)
            return ERR(ERR_DAMAGED, 0, "stream: a record without end");
        TRY(store_reader_read_place(reader, &piece->place, at->frame_offset, head, sizeof(head)));
        TRY(store_stream_parse_head(head, ret_frame));
        at->is_known = true;
        is_ours = ret_frame->side == range->side && ret_frame->kind == STORE_STREAM_BYTES;
        if (is_ours && range->offset - at->side_offset < ret_frame->len)
            return OK;
        at->side_offset += is_ours ? ret_frame->len : 0;
        at->frame_offset += sizeof(head) + ret_frame->len;
    }
}

struct err store_reader_stream_read(struct store_reader *reader, const struct store_reader_range *range, char *bytes,
                                    size_t *ret_len)
{
    struct store_index_piece piece;
    struct store_stream_frame frame;
    uint64_t within;

    TRY(store_reader_piece(reader, range->id, (enum store_index_part)(STORE_INDEX_FROM_CLIENT + range->side),
                           range->offset, &piece));
    if (range->offset - piece.start >= piece.place.len)
        return ERR(ERR_DAMAGED, 0, "the index does not have these bytes");
    TRY(find_frame(reader, range, &piece, &frame));
    within = range->offset - reader->stream.side_offset;
    *ret_len = frame.len - within < range->len ? (size_t)(frame.len - within) : range->len;
    return store_reader_read_place(reader, &piece.place, reader->stream.frame_offset + STORE_STREAM_HEAD_BYTES + within,
                                   bytes, *ret_len);
}
