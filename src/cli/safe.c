#include "cli/safe.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/utf8.h"

#define PIECE_BYTES ((size_t)1000)
#define LOOKED_AT ((size_t)4096)
#define HEX_BYTES ((size_t)16)

/* The end of a piece of at most `len` bytes that cuts no character in two. */
static size_t piece_len(struct str s, size_t len)
{
    size_t end = len;

    if (s.len <= len)
        return s.len;
    while (end > len - 4 && ((unsigned char)s.ptr[end] & 0xc0) == 0x80)
        end--;
    return ((unsigned char)s.ptr[end] & 0xc0) == 0x80 ? len : end;
}

static void print_piece(FILE *file, struct str piece)
{
    char safe[PIECE_BYTES * 4 + 16];

    fputs(log_safe(piece, safe, sizeof(safe)), file);
}

static void print_line(FILE *file, struct str line)
{
    struct str between;

    while (line.len) {
        bool has_tab = str_cut(line, '\t', &between, &line);

        while (between.len) {
            size_t len = piece_len(between, PIECE_BYTES);

            print_piece(file, str_head(between, len));
            between = str_skip(between, len);
        }
        if (has_tab)
            fputc('\t', file);
    }
    fputc('\n', file);
}

void cli_safe_print(FILE *file, struct str bytes)
{
    struct str line;

    while (bytes.len) {
        bool has_end = str_cut(bytes, '\n', &line, &bytes);

        if (has_end && str_ends(line, STR("\r")))
            line = str_head(line, line.len - 1);
        print_line(file, line);
    }
}

void cli_safe_hex(FILE *file, struct str bytes, uint64_t offset)
{
    for (; bytes.len; bytes = str_skip(bytes, HEX_BYTES), offset += HEX_BYTES) {
        struct str row = str_head(bytes, HEX_BYTES);

        fprintf(file, "%08" PRIx64 " ", offset);
        for (size_t i = 0; i < HEX_BYTES; i++) {
            const char *gap = i == HEX_BYTES / 2 ? " " : "";

            if (i < row.len)
                fprintf(file, "%s %02x", gap, (unsigned char)row.ptr[i]);
            else
                fprintf(file, "%s   ", gap);
        }
        fputs("  |", file);
        for (size_t i = 0; i < row.len; i++)
            fputc(row.ptr[i] >= 0x20 && row.ptr[i] < 0x7f ? row.ptr[i] : '.', file);
        fputs("|\n", file);
    }
}

bool cli_safe_is_text(struct str bytes)
{
    struct str look = str_head(bytes, piece_len(bytes, LOOKED_AT));
    size_t controls = 0;

    for (size_t i = 0; i < look.len; i++) {
        unsigned char c = (unsigned char)look.ptr[i];

        if (c == '\0')
            return false;
        controls += c < 0x20 && c != '\n' && c != '\r' && c != '\t';
    }
    return utf8_is_valid(look) && controls * 50 <= look.len;
}
