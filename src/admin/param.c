#include "admin/param.h"

struct err admin_param_decode(struct str text, struct arena *arena, struct str *ret_text)
{
    char *out = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    if (!out)
        return ERR(ERR_LIMIT, 0, "The query part is too long.");
    while (text.len) {
        uint64_t byte = (unsigned char)text.ptr[0] == '+' ? ' ' : (unsigned char)text.ptr[0];
        size_t used = 1;

        if (text.ptr[0] == '%') {
            if (text.len < 3 || !str_to_u64_hex((struct str){text.ptr + 1, 2}, &byte))
                return ERR(ERR_SYNTAX, 0, "A '%' must be followed by two hex digits.");
            used = 3;
        }
        out[len++] = (char)byte;
        text = str_skip(text, used);
    }
    out[len] = '\0';
    *ret_text = (struct str){out, len};
    return OK;
}

static struct err take(struct str name, struct str value, struct arena *arena, const struct admin_param_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!str_eq(name, table->names[i]))
            continue;
        if (table->values[i].ptr)
            return ERR(ERR_SYNTAX, 0, "This parameter may stand only once.");
        return admin_param_decode(value, arena, &table->values[i]);
    }
    return ERR(ERR_SYNTAX, 0, "There is no parameter of that name.");
}

struct err admin_param_read(struct str query, struct arena *arena, const struct admin_param_table *table,
                            struct str *ret_wrong)
{
    for (size_t i = 0; i < table->count; i++)
        table->values[i] = STR_NONE;
    while (query.len) {
        struct str pair, name, value;

        str_cut(query, '&', &pair, &query);
        if (pair.len == 0)
            continue;
        str_cut(pair, '=', &name, &value);
        *ret_wrong = name;
        TRY(take(name, value, arena, table));
    }
    return OK;
}
