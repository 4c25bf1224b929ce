/* splits.h - runs one input through a decoder whole, in single bytes, cut in two at each place, and in random pieces,
 * and fails the test unless all give the same transcript and keep every byte.
 */
#ifndef TESTS_UNIT_H1_SPLITS_H
#define TESTS_UNIT_H1_SPLITS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "h1/decoder.h"
#include "unit/h1/transcript.h"

struct splits_row {
    const char *name;
    struct str input;
    const char *transcript;
};

static inline void splits_compare(const char *name, const struct transcript_options *options, struct str input,
                                  const struct transcript *expected)
{
    struct transcript transcript;

    transcript_run(&transcript, options, input);
    if (!str_eq(buf_str(&transcript.text), buf_str(&expected->text)))
        fail_msg("%s, split %d/%u\n  is      %.*s\n  but was %.*s", name, options->split, options->seed,
                 STR_ARG(buf_str(&transcript.text)), STR_ARG(buf_str(&expected->text)));
    if (!str_eq(buf_str(&transcript.payload), buf_str(&expected->payload)))
        fail_msg("%s, split %d/%u: payload differs", name, options->split, options->seed);
    if (!str_eq(buf_str(&transcript.wire), input))
        fail_msg("%s, split %d/%u: bytes were lost or changed", name, options->split, options->seed);
    transcript_deinit(&transcript);
}

#define SPLITS_CUTS_MAX ((size_t)600)
#define SPLITS_RANDOM_ROUNDS 25

/* Runs all splits and compares them with the whole. */
static inline void splits_run(const char *name, struct transcript_options options, struct str input,
                              const struct transcript *expected)
{
    options.split = TRANSCRIPT_WHOLE;
    splits_compare(name, &options, input, expected);
    options.split = TRANSCRIPT_BYTES;
    splits_compare(name, &options, input, expected);
    options.split = TRANSCRIPT_AT;
    for (options.seed = 1; options.seed < input.len && options.seed < SPLITS_CUTS_MAX; options.seed++)
        splits_compare(name, &options, input, expected);
    options.split = TRANSCRIPT_RANDOM;
    for (options.seed = 1; options.seed <= SPLITS_RANDOM_ROUNDS; options.seed++)
        splits_compare(name, &options, input, expected);
}

static inline void splits_check(const char *name, struct transcript_options options, struct str input,
                                const char *expected)
{
    struct transcript whole;

    options.split = TRANSCRIPT_WHOLE;
    transcript_run(&whole, &options, input);
    if (!str_eq(buf_str(&whole.text), str_from(expected)))
        fail_msg("%s\n  is     %.*s\n  not    %s", name, STR_ARG(buf_str(&whole.text)), expected);
    splits_run(name, options, input, &whole);
    transcript_deinit(&whole);
}

static inline void splits_check_rows(const struct splits_row *rows, size_t count, struct transcript_options options)
{
    for (size_t i = 0; i < count; i++)
        splits_check(rows[i].name, options, rows[i].input, rows[i].transcript);
}

#define SPLITS_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SPLITS_CHECK_REQUESTS(rows)                                                                                    \
    splits_check_rows(rows, SPLITS_COUNT(rows), (struct transcript_options){.is_request = true})
#define SPLITS_CHECK_RESPONSES(rows)                                                                                   \
    splits_check_rows(rows, SPLITS_COUNT(rows), (struct transcript_options){.is_request = false})

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define OK_200 "HTTP/1.1 200 OK\r\n"
#define CHUNKED_POST POST "Transfer-Encoding: chunked\r\n\r\n"

/* Makes "<before><fill repeated><after>". */
static inline struct str splits_make_long(struct buf *buf, const char *before, const char *fill, size_t count,
                                          const char *after)
{
    buf_init(buf, TRANSCRIPT_BYTES_MAX);
    transcript_add(buf, str_from(before));
    for (size_t i = 0; i < count; i++)
        transcript_add(buf, str_from(fill));
    transcript_add(buf, str_from(after));
    return buf_str(buf);
}

/* Runs an input once, whole and in bytes: for those too large for every split. */
static inline struct transcript splits_run_large(struct transcript_options options, struct str input)
{
    struct transcript whole, bytes;

    options.split = TRANSCRIPT_WHOLE;
    transcript_run(&whole, &options, input);
    assert_true(str_eq(buf_str(&whole.wire), input));
    options.split = TRANSCRIPT_BYTES;
    transcript_run(&bytes, &options, input);
    assert_true(str_eq(buf_str(&whole.text), buf_str(&bytes.text)));
    assert_true(str_eq(buf_str(&bytes.wire), input));
    transcript_deinit(&bytes);
    return whole;
}

static inline void splits_assert_end(struct transcript *transcript, const char *text)
{
    if (!str_ends(buf_str(&transcript->text), str_from(text)))
        fail_msg("%.*s does not end with %s", STR_ARG(buf_str(&transcript->text)), text);
    transcript_deinit(transcript);
}

#endif
