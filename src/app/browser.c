#include "app/browser.h"

#include "base/log.h"
#include "cli/instance.h"
#include "os/process.h"
#include "os/thread.h"

#define STOP_LOOKS 20
#define STOP_LOOK_MS 50

void app_browser_start(struct app_browser *browser, const struct app_wire *wire)
{
    struct err err;

    browser->process_id = 0;
    browser->launch =
        (struct cli_launch){.dir = wire->dir, .url = wire->link, .ca = wire->ca, .ca_path = wire->ca_path};
    browser->launch.proxy = cli_instance_reachable(&wire->listen);
    browser->launch.admin = cli_instance_reachable(&wire->admin);
    if (cli_launch_key_pin(wire->ca, browser->key_pin))
        browser->launch.key_pin = browser->key_pin;
    err = cli_launch_prepare(&browser->launch);
    if (!err_is(err)) {
        err = os_process_spawn(browser->launch.argv, &browser->process_id);
        if (err_is(err))
            cli_launch_clean(&browser->launch);
    }
    if (err_is(err))
        log_write(LOG_WARNING, "no browser was started: %s (%s)", err.what ? err.what : "", err_name(err.code));
}

/* It needs a moment to end, and goes on writing to its profile until then. */
static void await_end(int process_id)
{
    struct os_lock *lock;

    if (err_is(os_lock_new(&lock)))
        return;
    os_lock_enter(lock);
    for (int i = 0; i < STOP_LOOKS && os_process_is_running(process_id); i++)
        os_lock_wait(lock, STOP_LOOK_MS);
    os_lock_leave(lock);
    os_lock_free(&lock);
}

void app_browser_stop(struct app_browser *browser)
{
    if (browser->process_id == 0)
        return;
    if (os_process_is_running(browser->process_id)) {
        os_process_stop(browser->process_id);
        await_end(browser->process_id);
    }
    cli_launch_clean(&browser->launch);
    browser->process_id = 0;
}
