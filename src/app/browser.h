/* browser.h - the browser of `run --browser`: started when the proxy serves, ended with it. */
#ifndef APP_BROWSER_H
#define APP_BROWSER_H

#include "app/wire.h"
#include "cli/launch.h"

struct app_browser {
    struct cli_launch launch;
    char key_pin[CLI_LAUNCH_PIN_BYTES];
    int process_id; /* 0: none was started */
};

/* Opens our page in it.  A failure is told as a warning: the proxy serves all the same. */
void app_browser_start(struct app_browser *browser, const struct app_wire *wire);
/* Ends it and removes its profile; harmless when none was started. */
void app_browser_stop(struct app_browser *browser);

#endif
