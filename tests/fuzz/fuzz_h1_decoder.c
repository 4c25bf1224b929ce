/* fuzz_h1_decoder.c - any split of a stream gives the same transcript, and no byte is lost or changed.
 *
 * Input: one byte of options (bit 0: request; bits 1-2: method answered; bit 3: small limits), one byte that chooses
 * the random pieces, then the stream.
 */
#include "h1/decoder.h"
#include "unit/h1/transcript.h"

static const char *const methods[] = {"GET", "HEAD", "CONNECT", "POST"};

static const struct h1_limits small_limits = {
    .head_bytes_max = 64, .line_bytes_max = 24, .field_count_max = 3, .chunk_line_max = 6};

static void check_split(struct transcript_options options, struct str input, const struct transcript *whole)
{
    struct transcript transcript;

    transcript_run(&transcript, &options, input);
    CHECK(str_eq(buf_str(&transcript.wire), input));
    CHECK(str_eq(buf_str(&transcript.text), buf_str(&whole->text)));
    CHECK(str_eq(buf_str(&transcript.payload), buf_str(&whole->payload)));
    transcript_deinit(&transcript);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct transcript_options options = {.split = TRANSCRIPT_WHOLE};
    struct transcript whole;
    struct str input;

    if (len < 2)
        return 0;
    options.is_request = bytes[0] & 1;
    options.method = methods[bytes[0] >> 1 & 3];
    if (bytes[0] & 8)
        options.limits = small_limits;
    input = (struct str){(const char *)bytes + 2, len - 2};
    transcript_run(&whole, &options, input);
    CHECK(str_eq(buf_str(&whole.wire), input));
    options.seed = bytes[1];
    options.split = TRANSCRIPT_BYTES;
    check_split(options, input, &whole);
    options.split = TRANSCRIPT_AT;
    check_split(options, input, &whole);
    options.split = TRANSCRIPT_RANDOM;
    check_split(options, input, &whole);
    transcript_deinit(&whole);
    return 0;
}
