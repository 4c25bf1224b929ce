#include "query/literal.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int64_t US_PER_S = 1000000;
static const int64_t S_PER_DAY = 86400;

struct unit {
    struct str name;
    int64_t factor;
};

static const struct unit size_units[] = {
    {{"", 0}, 1},
    {{"b", 1}, 1},
    {{"kb", 2}, 1000},
    {{"mb", 2}, 1000000},
    {{"gb", 2}, 1000000000},
    {{"tb", 2}, 1000000000000},
    {{"kib", 3}, 1024},
    {{"mib", 3}, 1024 * 1024},
    {{"gib", 3}, 1024 * 1024 * 1024},
    {{"tib", 3}, (int64_t)1024 * 1024 * 1024 * 1024},
};

static const struct unit time_units[] = {
    {{"us", 2}, 1},       {{"ms", 2}, 1000},      {{"s", 1}, 1000000},     {{"min", 3}, 60000000},
    {{"m", 1}, 60000000}, {{"h", 1}, 3600000000}, {{"d", 1}, 86400000000}, {{"w", 1}, 604800000000},
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static size_t digit_count(struct str text)
{
    size_t count = 0;

    while (count < text.len && is_digit(text.ptr[count]))
        count++;
    return count;
}

bool query_literal_integer(struct str text, int64_t *ret_value)
{
    bool is_negative = str_starts(text, STR("-"));
    struct str digits = str_skip(text, is_negative ? 1 : 0);
    uint64_t value;

    if (digits.len == 0 || digit_count(digits) != digits.len || !str_to_u64(digits, &value) || value > INT64_MAX)
        return false;
    *ret_value = is_negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* Digits after the point as so many parts of `factor`; what is smaller than one is dropped. */
static bool fraction_of(struct str digits, int64_t factor, int64_t *ret_part)
{
    enum { DIGITS_MAX = 6 };
    uint64_t value;
    int64_t scale = 1;

    if (digits.len == 0 || digits.len > DIGITS_MAX || !str_to_u64(digits, &value))
        return false;
    for (size_t i = 0; i < digits.len; i++)
        scale *= 10;
    *ret_part = (int64_t)value * factor / scale;
    return true;
}

/* "1.5mb": digits, perhaps a fraction, and one of the units. */
static bool with_unit(struct str text, const struct unit *units, size_t unit_count, int64_t *ret_value)
{
    struct str whole = str_head(text, digit_count(text));
    struct str rest = str_skip(text, whole.len);
    struct str fraction = STR_NONE;
    int64_t part = 0;
    uint64_t value;

    if (str_starts(rest, STR("."))) {
        fraction = str_head(str_skip(rest, 1), digit_count(str_skip(rest, 1)));
        rest = str_skip(rest, 1 + fraction.len);
        if (fraction.len == 0)
            return false;
    }
    if (whole.len == 0 || !str_to_u64(whole, &value))
        return false;
    for (size_t i = 0; i < unit_count; i++) {
        if (!str_eq_nocase(units[i].name, rest))
            continue;
        if (value > (uint64_t)(INT64_MAX / units[i].factor - 1))
            return false;
        if (fraction.len && !fraction_of(fraction, units[i].factor, &part))
            return false;
        *ret_value = (int64_t)value * units[i].factor + part;
        return true;
    }
    return false;
}

bool query_literal_size(struct str text, int64_t *ret_bytes, bool *ret_has_unit)
{
    if (!with_unit(text, size_units, COUNT(size_units), ret_bytes))
        return false;
    *ret_has_unit = !is_digit(text.ptr[text.len - 1]);
    return true;
}

bool query_literal_duration(struct str text, int64_t *ret_us)
{
    return with_unit(text, time_units, COUNT(time_units), ret_us);
}

bool query_literal_boolean(struct str text, bool *ret_value)
{
    if (str_eq_nocase(text, STR("true")) || str_eq_nocase(text, STR("yes")))
        *ret_value = true;
    else if (str_eq_nocase(text, STR("false")) || str_eq_nocase(text, STR("no")))
        *ret_value = false;
    else
        return false;
    return true;
}

/* Takes exactly `len` digits from the front of *rest, a number from `least` to `most`. */
static bool take_number(struct str *rest, size_t len, int least, int most, int *ret_number)
{
    uint64_t value;

    if (rest->len < len || digit_count(str_head(*rest, len)) != len || !str_to_u64(str_head(*rest, len), &value))
        return false;
    if ((int)value < least || (int)value > most)
        return false;
    *rest = str_skip(*rest, len);
    *ret_number = (int)value;
    return true;
}

static bool take_char(struct str *rest, char c)
{
    if (rest->len == 0 || str_fold_char(rest->ptr[0]) != c)
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01 in the Gregorian calendar.  The year is counted from March, so that the leap day is its last. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t march_year = month > 2 ? year : year - 1;
    int64_t march_month = (month + 9) % 12;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;

    return march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + day_of_year - 719468;
}

static bool take_date(struct str *rest, int64_t *ret_days)
{
    int year, month, day;

    if (!take_number(rest, 4, 1, 9999, &year) || !take_char(rest, '-') || !take_number(rest, 2, 1, 12, &month) ||
        !take_char(rest, '-') || !take_number(rest, 2, 1, days_in_month(year, month), &day))
        return false;
    *ret_days = days_since_1970(year, month, day);
    return true;
}

/* Hours and minutes, perhaps seconds with a fraction. */
static bool take_time_of_day(struct str *rest, int64_t *ret_us)
{
    int hours, minutes;
    int seconds = 0;
    int64_t part_us = 0;

    if (!take_number(rest, 2, 0, 23, &hours) || !take_char(rest, ':') || !take_number(rest, 2, 0, 59, &minutes))
        return false;
    if (take_char(rest, ':') && !take_number(rest, 2, 0, 60, &seconds))
        return false;
    if (take_char(rest, '.')) {
        struct str digits = str_head(*rest, digit_count(*rest));

        *rest = str_skip(*rest, digits.len);
        if (!fraction_of(str_head(digits, 6), US_PER_S, &part_us))
            return false;
    }
    *ret_us = (hours * 3600 + minutes * 60 + seconds) * US_PER_S + part_us;
    return true;
}

/* "Z", "+09:00", or nothing: then *offset_s stays. */
static bool take_zone(struct str *rest, int64_t *offset_s)
{
    bool is_west = rest->len && rest->ptr[0] == '-';
    int hours, minutes;

    if (rest->len == 0)
        return true;
    if (take_char(rest, 'z')) {
        *offset_s = 0;
        return true;
    }
    if (!take_char(rest, is_west ? '-' : '+') || !take_number(rest, 2, 0, 23, &hours) || !take_char(rest, ':') ||
        !take_number(rest, 2, 0, 59, &minutes))
        return false;
    *offset_s = (hours * 3600 + minutes * 60) * (is_west ? -1 : 1);
    return true;
}

/* RFC 3339, 5.6; a day alone is a range. */
static bool absolute_time(struct str text, const struct query_literal_clock *clock, int64_t *ret_start_us,
                          int64_t *ret_end_us)
{
    int64_t offset_s = clock->utc_offset_s;
    int64_t days;
    int64_t us = 0;
    bool is_day;

    if (!take_date(&text, &days))
        return false;
    is_day = text.len == 0;
    if (!is_day && !take_char(&text, 't') && !take_char(&text, ' '))
        return false;
    if (!is_day && (!take_time_of_day(&text, &us) || !take_zone(&text, &offset_s) || text.len))
        return false;
    *ret_start_us = (days * S_PER_DAY - offset_s) * US_PER_S + us;
    *ret_end_us = *ret_start_us + (is_day ? S_PER_DAY * US_PER_S : 1);
    return true;
}

/* Midnight before `us`, in local time. */
static int64_t day_start(int64_t us, const struct query_literal_clock *clock)
{
    int64_t day_us = S_PER_DAY * US_PER_S;
    int64_t local = us + clock->utc_offset_s * US_PER_S;
    int64_t into_day = local % day_us;

    return us - (into_day < 0 ? into_day + day_us : into_day);
}

bool query_literal_time(struct str text, const struct query_literal_clock *clock, int64_t *ret_start_us,
                        int64_t *ret_end_us)
{
    bool is_signed = str_starts(text, STR("-")) || str_starts(text, STR("+"));
    bool is_yesterday = str_eq_nocase(text, STR("yesterday"));
    int64_t us;

    if (str_eq_nocase(text, STR("now"))) {
        *ret_start_us = clock->now_us;
    } else if (is_yesterday || str_eq_nocase(text, STR("today"))) {
        *ret_start_us = day_start(clock->now_us, clock) - (is_yesterday ? S_PER_DAY * US_PER_S : 0);
        *ret_end_us = *ret_start_us + S_PER_DAY * US_PER_S;
        return true;
    } else if (is_signed && query_literal_duration(str_skip(text, 1), &us)) {
        if (us > INT64_MAX / 4)
            return false;
        *ret_start_us = text.ptr[0] == '-' ? clock->now_us - us : clock->now_us + us;
    } else {
        return absolute_time(text, clock, ret_start_us, ret_end_us);
    }
    *ret_end_us = *ret_start_us + 1;
    return true;
}
