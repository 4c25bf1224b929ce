#include "query/field.h"

#include "query/field_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { NAME_BYTES_MAX = 64 };

static const struct str ORIGINAL = {"orig.", 5};

const struct query_field *query_field_at(size_t index) { return &fields[index]; }

size_t query_field_count(void) { return COUNT(fields); }

const char *query_field_type_name(enum query_type type)
{
    static const char *const names[] = {
        [QUERY_TEXT] = "text",           [QUERY_INTEGER] = "an integer", [QUERY_SIZE] = "a size",
        [QUERY_DURATION] = "a duration", [QUERY_TIME] = "a time",        [QUERY_BOOLEAN] = "true or false"};

    return names[type];
}

static bool has_alias(const struct query_field *field, struct str name)
{
    struct str rest = str_from(field->aliases);

    while (rest.len) {
        struct str alias;

        str_cut(rest, ' ', &alias, &rest);
        if (str_eq_nocase(alias, name))
            return true;
    }
    return false;
}

static const struct query_field *find_one(struct str name)
{
    for (size_t i = 0; i < COUNT(fields); i++) {
        const struct query_field *field = &fields[i];

        if (str_eq_nocase(str_from(field->name), name) || has_alias(field, name) ||
            (field->json[0] && str_eq_nocase(str_from(field->json), name)))
            return field;
    }
    return NULL;
}

static bool find_either(struct str name, struct query_field_match *match)
{
    for (size_t i = 0; i < COUNT(either); i++) {
        if (!str_eq_nocase(str_from(either[i].name), name))
            continue;
        match->fields[0] = find_one(str_from(either[i].fields[0]));
        match->fields[1] = find_one(str_from(either[i].fields[1]));
        match->count = 2;
        return true;
    }
    return false;
}

/* "resp.code" as "res.code", written into `text`. */
static struct str usual_prefix(struct str name, char text[NAME_BYTES_MAX])
{
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        struct str meant = prefixes[i].meant;
        struct str rest = str_skip(name, prefixes[i].written.len);

        if (!str_starts_nocase(name, prefixes[i].written) || meant.len + rest.len > NAME_BYTES_MAX)
            continue;
        memcpy(text, meant.ptr, meant.len);
        memcpy(text + meant.len, rest.ptr, rest.len);
        return (struct str){text, meant.len + rest.len};
    }
    return name;
}

static bool all_have_original(const struct query_field_match *match)
{
    for (size_t i = 0; i < match->count; i++) {
        if (!(match->fields[i]->traits & QUERY_FIELD_ORIGINAL))
            return false;
    }
    return true;
}

bool query_field_find(struct str name, struct query_field_match *ret_match)
{
    struct query_field_match match = {.is_original = str_starts_nocase(name, ORIGINAL)};
    char text[NAME_BYTES_MAX];

    if (match.is_original)
        name = str_skip(name, ORIGINAL.len);
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return false;
    name = usual_prefix(name, text);
    if (!find_either(name, &match)) {
        match.fields[0] = find_one(name);
        match.count = 1;
        if (!match.fields[0])
            return false;
    }
    if (match.is_original && !all_have_original(&match))
        return false;
    *ret_match = match;
    return true;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Levenshtein's distance, letters of any case being the same, with swapped neighbours counted as one step. */
static size_t distance(struct str a, struct str b)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0], *previous = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.len; j++)
        previous[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = str_fold_char(a.ptr[i - 1]);
            char y = str_fold_char(b.ptr[j - 1]);

            row[j] = smaller(previous[j - 1] + (x != y), smaller(previous[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == str_fold_char(b.ptr[j - 2]) && y == str_fold_char(a.ptr[i - 2]))
                row[j] = smaller(row[j], before[j - 2] + 1);
        }
        before = previous;
        previous = row;
        row = oldest;
    }
    return previous[b.len];
}

struct nearest {
    struct str wrong;
    struct str name;
    size_t distance;
};

static void consider(struct nearest *nearest, struct str name)
{
    size_t found;

    if (name.len > NAME_BYTES_MAX)
        return;
    found = distance(nearest->wrong, name);
    if (found < nearest->distance) {
        nearest->distance = found;
        nearest->name = name;
    }
}

struct str query_field_nearest(struct str name)
{
    char text[NAME_BYTES_MAX];
    struct nearest nearest = {.wrong = usual_prefix(name, text)};

    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return STR_NONE;
    /* A third of the letters may be wrong, and one in short names. */
    nearest.distance = 2 + name.len / 3;
    for (size_t i = 0; i < COUNT(fields); i++) {
        struct str rest = str_from(fields[i].aliases);

        consider(&nearest, str_from(fields[i].name));
        while (rest.len) {
            struct str alias;

            str_cut(rest, ' ', &alias, &rest);
            consider(&nearest, alias);
        }
    }
    for (size_t i = 0; i < COUNT(either); i++)
        consider(&nearest, str_from(either[i].name));
    return nearest.name;
}
