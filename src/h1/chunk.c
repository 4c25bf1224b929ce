#include "h1/chunk.h"

#include "h1/decoder.h"

/* More digits than a 64-bit size needs; readers with a fixed buffer stop there. */
#define DIGITS_MAX 16

static bool is_hex(char c)
{
    char folded = str_fold_char(c);

    return (c >= '0' && c <= '9') || (folded >= 'a' && folded <= 'f');
}

static size_t digits_len(struct str s)
{
    size_t len = 0;

    while (len < s.len && is_hex(s.ptr[len]))
        len++;
    return len;
}

/* What follows the size: nothing or ";extension", which is kept and not understood.  Control characters in it, a bare
 * CR above all, are where readers differ. */
static bool is_odd_extension(struct str s)
{
    if (s.len && s.ptr[0] != ';')
        return true;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

bool h1_chunk_parse_line(struct str line, uint64_t *ret_size, uint32_t *flags)
{
    struct str trimmed;
    struct str extension;
    size_t digits;

    line.len--;
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    else
        *flags |= H1_FLAG_BARE_LF;
    trimmed = str_trim(line);
    digits = digits_len(trimmed);
    extension = str_skip(trimmed, digits);
    if (!str_to_u64_hex(str_head(trimmed, digits), ret_size))
        return false;
    if (trimmed.ptr != line.ptr || digits > DIGITS_MAX || is_odd_extension(extension) ||
        (!extension.len && trimmed.len != line.len))
        *flags |= H1_FLAG_CHUNK_ODD;
    extension = str_trim(extension);
    return extension.len == 0 || extension.ptr[0] == ';';
}
