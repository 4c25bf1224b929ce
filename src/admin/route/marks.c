#include "admin/body.h"
#include "admin/route.h"
#include "store/notes.h"

/* What a PUT says: the whole of it, so that what is left out is removed. */
struct marks {
    struct str note, color;
    struct str tags[STORE_NOTES_TAG_COUNT];
    size_t tag_count;
};

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    }
    return false;
}

static bool wrong(struct admin_call *call, struct str name, const char *detail)
{
    admin_problem_of_parameter(&call->reply, name, detail);
    return false;
}

static bool read_tags(struct admin_call *call, const json_t *object, struct marks *marks)
{
    const json_t *tags = json_object_get(object, "tags");

    if (tags && (!json_is_array(tags) || json_array_size(tags) > STORE_NOTES_TAG_COUNT))
        return wrong(call, STR("tags"), "This must be a list of at most 64 tags.");
    for (size_t i = 0; i < json_array_size(tags); i++) {
        const json_t *tag = json_array_get(tags, i);
        struct str text = {json_string_value(tag), json_string_length(tag)};

        if (text.len == 0 || text.len > STORE_NOTES_TAG_MAX || has_control(text) ||
            str_find_char(text, ',') != STR_ABSENT)
            return wrong(call, STR("tags"), "A tag is 1 to 64 bytes of text without commas.");
        marks->tags[marks->tag_count++] = text;
    }
    return true;
}

static bool read_marks(struct admin_call *call, const json_t *object, struct marks *marks)
{
    if (!admin_body_text(call, object, "note", &marks->note) ||
        !admin_body_text(call, object, "color", &marks->color) || !read_tags(call, object, marks))
        return false;
    if (marks->note.len > STORE_NOTES_TEXT_MAX)
        return wrong(call, STR("note"), "A note is at most 65536 bytes.");
    if (marks->color.len > STORE_NOTES_COLOR_MAX || has_control(marks->color))
        return wrong(call, STR("color"), "A colour is a name of at most 32 bytes.");
    return true;
}

static bool is_wanted(const struct marks *marks, struct str tag)
{
    for (size_t i = 0; i < marks->tag_count; i++) {
        if (str_eq(marks->tags[i], tag))
            return true;
    }
    return false;
}

static struct err drop_tags(struct store_project *project, uint64_t id, const struct marks *marks)
{
    struct buf joined;
    struct str rest, tag;
    struct err err;

    buf_init(&joined, STORE_NOTES_TAG_COUNT * (STORE_NOTES_TAG_MAX + 1));
    err = store_notes_tags_get(project, id, &joined);
    if (err.code == ERR_ABSENT)
        err = OK;
    for (rest = buf_str(&joined); rest.len && !err_is(err);) {
        str_cut(rest, ',', &tag, &rest);
        if (!is_wanted(marks, tag))
            err = store_notes_tag_remove(project, id, tag);
    }
    buf_deinit(&joined);
    return err;
}

static struct err store(struct store_project *project, uint64_t id, const struct marks *marks)
{
    TRY(store_notes_text_set(project, id, marks->note));
    TRY(store_notes_color_set(project, id, marks->color));
    TRY(drop_tags(project, id, marks));
    for (size_t i = 0; i < marks->tag_count; i++)
        TRY(store_notes_tag_add(project, id, marks->tags[i]));
    return OK;
}

/* The joined tags of the store as a list. */
static void write_tags(struct jsonout *out, struct str joined)
{
    jsonout_array_open(out, STR("tags"));
    while (joined.len) {
        struct str tag;

        str_cut(joined, ',', &tag, &joined);
        jsonout_text(out, STR_NONE, tag);
    }
    jsonout_array_close(out);
}

static void send_marks(struct admin_call *call, uint64_t id)
{
    struct store_reader *reader;
    struct store_reader_item item;
    struct jsonout out;
    struct err err;

    if (!admin_call_reader(call, &reader))
        return;
    err = store_reader_get(reader, id, call->arena, &item);
    if (err_is(err)) {
        admin_problem_of_err(&call->reply, err);
        return;
    }
    admin_reply_start_json(&call->reply, 200, &out);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("note"), item.marks.note);
    write_tags(&out, item.marks.tags);
    jsonout_text(&out, STR("color"), item.marks.color);
    jsonout_object_close(&out);
    admin_reply_finish_json(&call->reply, &out);
}

static void get_marks(struct admin_call *call)
{
    uint64_t id;

    if (admin_call_params(call, NULL, NULL, 0) && admin_call_id(call, 0, &id))
        send_marks(call, id);
}

/* False after it has answered. */
static bool is_there(struct admin_call *call, uint64_t id)
{
    struct store_reader *reader;
    uint64_t len;
    struct err err;

    if (!admin_call_reader(call, &reader))
        return false;
    err = store_reader_raw_len(reader, id, EXCHANGE_REQUEST, &len);
    if (err_is(err))
        admin_problem_of_err(&call->reply, err);
    return !err_is(err);
}

static void put_marks(struct admin_call *call)
{
    static const char *const names[] = {"note", "tags", "color"};
    struct marks *marks = arena_zalloc(call->arena, sizeof(*marks));
    json_t *object;
    uint64_t id;

    CHECK(marks);
    if (!admin_call_params(call, NULL, NULL, 0) || !admin_call_id(call, 0, &id) || !is_there(call, id) ||
        !admin_body_object(call, names, 3, &object))
        return;
    if (read_marks(call, object, marks)) {
        struct err err = store(call->home->options.project, id, marks);

        if (err_is(err))
            admin_problem_of_err(&call->reply, err);
        else
            send_marks(call, id);
    }
    json_decref(object);
}

static const struct admin_route routes[] = {
    {"GET", "/api/v1/exchanges/{id}/marks", .on_worker = get_marks},
    {"PUT", "/api/v1/exchanges/{id}/marks", .on_worker = put_marks},
};

const struct admin_route_table admin_route_marks_table = ADMIN_ROUTE_TABLE(routes);
