#include "app/run.h"

#include <stdlib.h>

#include "app/browser.h"
#include "app/wire.h"
#include "base/jsonout.h"
#include "base/log.h"
#include "os/process.h"

static void on_signal(void *owner) { app_wire_stop(owner); }

/* --- what is told at the start --- */

/* The object that `run --json` prints and that instance.json holds. */
static struct err ready_object(const struct app_wire *wire, struct buf *line)
{
    char key_pin[CLI_LAUNCH_PIN_BYTES];
    struct jsonout out;

    jsonout_init(&out, line);
    jsonout_object_open(&out, STR_NONE);
    jsonout_text(&out, STR("event"), STR("ready"));
    jsonout_text(&out, STR("listen"), str_from(wire->listen_text));
    jsonout_text(&out, STR("admin"), str_from(wire->admin_text));
    jsonout_text(&out, STR("url"), str_from(wire->link));
    jsonout_text(&out, STR("ca"), str_from(wire->ca_path));
    jsonout_text(&out, STR("project"), wire->config->project);
    jsonout_int(&out, STR("pid"), os_process_id());
    if (cli_launch_key_pin(wire->ca, key_pin))
        jsonout_text(&out, STR("key_pin"), str_from(key_pin));
    jsonout_object_close(&out);
    TRY(jsonout_finish(&out));
    return buf_append_char(line, '\n');
}

static void instance_path(const struct app_wire *wire, char *path, size_t size)
{
    snprintf(path, size, "%s/instance.json", wire->dir);
}

/* Other commands find the running program by this file. */
static void tell_instance(const struct app_wire *wire, struct str object)
{
    char path[APP_WIRE_PATH_MAX + 32];
    struct err err;

    instance_path(wire, path, sizeof(path));
    err = os_file_write_all(path, object, true);
    if (err_is(err))
        log_write(LOG_WARNING, "%s cannot be written (%s); commands like `sekisho url` will not find this one", path,
                  err.what);
}

static void forget_instance(const struct app_wire *wire)
{
    char path[APP_WIRE_PATH_MAX + 32];

    instance_path(wire, path, sizeof(path));
    IGNORE(os_file_remove(path)); /* the next start replaces it */
}

static void greet(const struct app_wire *wire)
{
    const struct app_config *config = wire->config;
    char project[128];

    fprintf(stderr,
            "sekisho " SEKISHO_VERSION "\n"
            "  proxy     %s\n"
            "  page      %s\n"
            "  project   %s  (%s)\n"
            "  CA        %s\n\n"
            "  A browser that is ready:   sekisho browser\n"
            "  curl:                      curl -x http://%s --cacert %s https://example.com/\n"
            "  Trust the CA elsewhere:    sekisho ca install, or http://sekisho.proxy/ through the proxy\n"
            "  See what went by:          sekisho log\n\n",
            wire->listen_text, wire->link, log_safe(config->project, project, sizeof(project)),
            store_project_folder(wire->project), wire->ca_path, wire->listen_text, wire->ca_path);
}

/* What makes it less safe than it is by itself; scripts are told, too. */
static void warn(const struct app_wire *wire)
{
    if (!os_addr_is_loopback(&wire->listen))
        log_write(LOG_WARNING,
                  "the proxy listens on %s: whoever reaches it can use it (--proxy-auth asks for a password)",
                  wire->listen_text);
    if (!os_addr_is_loopback(&wire->admin))
        log_write(LOG_WARNING, "THE API LISTENS ON %s: whoever has the token can read all traffic from there",
                  wire->admin_text);
    if (wire->config->origin_verify.kind == APP_CONFIG_VERIFY_OFF)
        log_write(LOG_WARNING, "origins are not verified (--origin-verify off)");
}

static void tell_ready(const struct app_wire *wire)
{
    struct buf line;

    buf_init(&line, 64 * 1024);
    CHECK(!err_is(ready_object(wire, &line)));
    tell_instance(wire, buf_str(&line));
    if (wire->config->json)
        fwrite(buf_str(&line).ptr, 1, line.len, stdout);
    else
        printf("ready %s\n", wire->link);
    fflush(stdout);
    buf_deinit(&line);
}

int app_run(const struct app_config *config)
{
    struct app_wire *wire = calloc(1, sizeof(*wire));
    static struct app_browser browser; /* large */
    struct err err;
    int status = 0;

    CHECK(wire);
    err = app_wire_open(wire, config);
    if (!err_is(err))
        err = os_loop_on_stop_signal(wire->loop, on_signal, wire);
    if (err_is(err)) {
        log_write(LOG_ERROR, "%s", wire->problem[0] ? wire->problem : err.what);
        status = 1;
    } else {
        if (!config->json)
            greet(wire);
        warn(wire);
        tell_ready(wire);
        if (config->browser)
            app_browser_start(&browser, wire);
        os_loop_run(wire->loop);
        app_browser_stop(&browser);
        forget_instance(wire);
    }
    app_wire_close(wire);
    free(wire);
    return status;
}
