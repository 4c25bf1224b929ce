#include "app/config_file.h"

#include <stdio.h>

#include "app/config_options.h"
#include "app/config_place.h"
#include "os/file.h"

#define FILE_BYTES_MAX ((size_t)1024 * 1024)

struct file {
    struct app_config *config;
    const char *path;
    struct str folder;
    unsigned line;
};

static struct app_config_place place_of(const struct file *file, const char *name)
{
    struct app_config_place place = {.source = APP_CONFIG_FILE, .folder = file->folder};

    snprintf(place.text, sizeof(place.text), "%s:%u%s%s", file->path, file->line, *name ? ": " : "", name);
    return place;
}

static struct err problem(const struct file *file, const char *what)
{
    struct app_config_place place = place_of(file, "");

    return app_config_place_tell(file->config, &place, "%s", what);
}

static bool is_comment(struct str rest)
{
    rest = str_trim(rest);
    return rest.len == 0 || rest.ptr[0] == '#';
}

/* `text` begins after the opening quote. */
static struct err unquote(const struct file *file, struct str text, struct str *ret_value)
{
    char *bytes = arena_alloc(&file->config->arena, text.len + 1);
    size_t len = 0, i = 0;

    if (!bytes)
        return problem(file, "the file holds too much text");
    for (; i < text.len && text.ptr[i] != '"'; i++) {
        bool is_escape = text.ptr[i] == '\\' && i + 1 < text.len;

        i += is_escape;
        if (is_escape && text.ptr[i] != '"' && text.ptr[i] != '\\')
            return problem(file, "in quotes only \\\" and \\\\ are escapes");
        bytes[len++] = text.ptr[i];
    }
    if (i == text.len)
        return problem(file, "the closing quote is missing");
    if (!is_comment(str_skip(text, i + 1)))
        return problem(file, "there is text after the closing quote");
    *ret_value = (struct str){bytes, len};
    return OK;
}

static struct str without_comment(struct str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '#' && (text.ptr[i - 1] == ' ' || text.ptr[i - 1] == '\t'))
            return str_trim(str_head(text, i));
    }
    return text;
}

static struct err read_line(const struct file *file, struct str line)
{
    struct app_config_place place;
    struct str name, value;
    size_t index;

    if (is_comment(line))
        return OK;
    if (memchr(line.ptr, '\0', line.len))
        return problem(file, "there is a NUL byte; this is no text file");
    if (!str_cut(line, '=', &name, &value))
        return problem(file, "a line is `name = value`, or a comment that begins with #");
    name = str_trim(name);
    value = str_trim(value);
    index = app_config_options_find(name);
    if (index == app_config_options_count) {
        place = place_of(file, "");
        return app_config_place_unknown(file->config, &place, name);
    }
    place = place_of(file, app_config_options[index].name);
    if (str_starts(value, STR("\"")))
        TRY(unquote(file, str_skip(value, 1), &value));
    else
        value = without_comment(value);
    return app_config_place_set(file->config, &place, index, value);
}

struct err app_config_file_parse(struct app_config *config, const char *path, struct str text)
{
    struct file file = {.config = config, .path = path};
    struct str folder = str_from(path), line;
    size_t slash = str_find_last_char(folder, '/');

    file.folder = slash == STR_ABSENT ? STR_NONE : str_head(folder, slash ? slash : 1);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_skip(text, 3);
    while (text.len) {
        file.line++;
        str_cut(text, '\n', &line, &text);
        if (str_ends(line, STR("\r")))
            line = str_head(line, line.len - 1);
        TRY(read_line(&file, line));
    }
    return OK;
}

struct err app_config_file_read(struct app_config *config)
{
    struct app_config_place place = {.source = APP_CONFIG_FILE};
    struct str path;
    struct buf text;
    struct err err;

    TRY(arena_format(&config->arena, &path, "%.*s/sekisho.conf", STR_ARG(config->dir)));
    snprintf(place.text, sizeof(place.text), "%s", path.ptr);
    buf_init(&text, FILE_BYTES_MAX);
    err = os_file_read_all(path.ptr, &text);
    if (!err_is(err))
        err = app_config_file_parse(config, path.ptr, buf_str(&text));
    else if (err.code == ERR_ABSENT)
        err = OK;
    else if (err.code == ERR_LIMIT)
        err = app_config_place_tell(config, &place, "larger than 1 MB; this is no settings file");
    else
        err = app_config_place_tell(config, &place, "cannot be read (%s)", err.what);
    buf_deinit(&text);
    return err;
}
