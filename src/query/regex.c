#define PCRE2_CODE_UNIT_WIDTH 8

#include "query/regex.h"

#include <pcre2.h>
#include <stdio.h>

/* A callout at the pattern's beginning runs at every place where a match is tried: there the caller is asked whether
 * time is over.  PCRE2's own limits count from one such place only, so they do not bound a whole subject. */
static const char WATCH[] = "(?C1)";

struct query_regex {
    pcre2_code *code;
};

struct watch {
    const struct query_regex_limits *limits;
    uint32_t countdown; /* callouts until the next question */
    uint32_t interval;
};

static uint32_t compile_options(struct query_regex_options options)
{
    uint32_t bits = PCRE2_NEVER_BACKSLASH_C;

    bits |= options.is_bytes ? PCRE2_NEVER_UTF : PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    bits |= options.is_nocase ? PCRE2_CASELESS : 0;
    bits |= options.is_multiline ? PCRE2_MULTILINE : 0;
    bits |= options.is_dotall ? PCRE2_DOTALL : 0;
    bits |= options.is_extended ? PCRE2_EXTENDED : 0;
    return bits;
}

/* The length of the settings a pattern may begin with, "(*CRLF)" and the like, which must stay in front. */
static size_t settings_len(struct str pattern)
{
    size_t len = 0;

    while (str_starts(str_skip(pattern, len), STR("(*"))) {
        size_t end = len + 2;

        while (end < pattern.len && pattern.ptr[end] != ')' &&
               ((pattern.ptr[end] >= 'A' && pattern.ptr[end] <= 'Z') ||
                (pattern.ptr[end] && memchr("0123456789_=", pattern.ptr[end], 12))))
            end++;
        if (end >= pattern.len || pattern.ptr[end] != ')')
            return len;
        len = end + 1;
    }
    return len;
}

/* The pattern with the watch in it; heap.  *ret_watch_at is where it stands. */
static char *watched_pattern(struct str pattern, size_t *ret_len, size_t *ret_watch_at)
{
    size_t settings = settings_len(pattern);
    size_t watch_len = sizeof(WATCH) - 1;
    char *watched = malloc(pattern.len + watch_len);

    CHECK(watched);
    if (settings)
        memcpy(watched, pattern.ptr, settings);
    memcpy(watched + settings, WATCH, watch_len);
    if (pattern.len > settings)
        memcpy(watched + settings + watch_len, pattern.ptr + settings, pattern.len - settings);
    *ret_len = pattern.len + watch_len;
    *ret_watch_at = settings;
    return watched;
}

struct err query_regex_new(struct str pattern, struct query_regex_options options, struct query_regex **ret_regex,
                           struct query_regex_fault *ret_fault)
{
    size_t len;
    size_t watch_at;
    char *watched = watched_pattern(pattern, &len, &watch_at);
    int code_number = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)watched, len, compile_options(options), &code_number, &offset, NULL);

    free(watched);
    if (!code) {
        size_t watch_len = sizeof(WATCH) - 1;

        offset = offset > watch_at + watch_len ? offset - watch_len : offset < watch_at ? offset : watch_at;
        ret_fault->offset = offset < pattern.len ? offset : pattern.len;
        pcre2_get_error_message(code_number, (PCRE2_UCHAR *)ret_fault->message, sizeof(ret_fault->message));
        return ERR(ERR_SYNTAX, 0, "regular expression does not compile");
    }
    *ret_regex = malloc(sizeof(**ret_regex));
    CHECK(*ret_regex);
    (*ret_regex)->code = code;
    /* Without machine code (no memory for it, or an unknown processor) the interpreter does the same. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return OK;
}

void query_regex_free(struct query_regex **regex)
{
    if (!*regex)
        return;
    pcre2_code_free((*regex)->code);
    free(*regex);
    *regex = NULL;
}

static int on_place(pcre2_callout_block *block, void *owner)
{
    struct watch *watch = owner;

    (void)block;
    if (--watch->countdown > 0)
        return 0;
    watch->countdown = watch->interval;
    return watch->limits->is_over(watch->limits->owner) ? PCRE2_ERROR_CALLOUT : 0;
}

/* One place may cost time in proportion to the subject, so long subjects ask more often. */
static uint32_t watch_interval(size_t subject_len)
{
    enum { WORK_BYTES = 1024 * 1024, INTERVAL_MAX = 64 };
    size_t interval = WORK_BYTES / (subject_len + 1);

    return interval < 1 ? 1 : interval > INTERVAL_MAX ? INTERVAL_MAX : (uint32_t)interval;
}

static struct err outcome(int matched, bool *ret_is_match)
{
    switch (matched) {
    case PCRE2_ERROR_NOMATCH:
        *ret_is_match = false;
        return OK;
    case PCRE2_ERROR_CALLOUT:
        return ERR(ERR_CANCELLED, 0, "a regular expression took too long");
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_JIT_STACKLIMIT:
        return ERR(ERR_LIMIT, 0, "a regular expression reached its limit of steps");
    default:
        if (matched < 0)
            return ERR(ERR_LIMIT, 0, "a regular expression could not be run");
        *ret_is_match = true;
        return OK;
    }
}

struct err query_regex_match(const struct query_regex *regex, struct str subject,
                             const struct query_regex_limits *limits, bool *ret_is_match)
{
    static const struct query_regex_limits defaults = QUERY_REGEX_LIMITS_DEFAULT;
    struct watch watch = {.limits = limits ? limits : &defaults};
    pcre2_match_context *settings = pcre2_match_context_create(NULL);
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    PCRE2_SPTR bytes = (PCRE2_SPTR)(subject.ptr ? subject.ptr : "");
    int matched;

    CHECK(settings && match);
    watch.countdown = watch.interval = watch_interval(subject.len);
    pcre2_set_match_limit(settings, watch.limits->step_max);
    pcre2_set_depth_limit(settings, watch.limits->depth_max);
    pcre2_set_heap_limit(settings, watch.limits->heap_max_kib);
    if (watch.limits->is_over)
        pcre2_set_callout(settings, on_place, &watch);
    matched = pcre2_match(regex->code, bytes, subject.len, 0, 0, match, settings);
    /* The machine code's stack is small; the interpreter keeps its own on the heap, within the heap limit. */
    if (matched == PCRE2_ERROR_JIT_STACKLIMIT)
        matched = pcre2_match(regex->code, bytes, subject.len, 0, PCRE2_NO_JIT, match, settings);
    pcre2_match_data_free(match);
    pcre2_match_context_free(settings);
    return outcome(matched, ret_is_match);
}
