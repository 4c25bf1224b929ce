#include "proxy/noise.h"

#include "proxy/hosts.h"

/* Only hosts that no site of interest shares: a search engine's main host is not here, though browsers call it. */
static const char *const hosts[] = {
    /* Chromium and Chrome */
    "android.clients.google.com",
    "clients1.google.com",
    "clients2.google.com",
    "clients4.google.com",
    "clientservices.googleapis.com",
    "connectivitycheck.gstatic.com",
    "content-autofill.googleapis.com",
    "*.gvt1.com",
    "*.gvt2.com",
    "optimizationguide-pa.googleapis.com",
    "redirector.gvt1.com",
    "safebrowsing.googleapis.com",
    "safebrowsing.google.com",
    "safebrowsingohttpgateway.googleapis.com",
    "sb-ssl.google.com",
    "mtalk.google.com",
    "update.googleapis.com",
    "clients2.googleusercontent.com",
    "passwordsleakcheck-pa.googleapis.com",
    /* Firefox */
    "aus5.mozilla.org",
    "classify-client.services.mozilla.com",
    "content-signature-2.cdn.mozilla.net",
    "contile.services.mozilla.com",
    "detectportal.firefox.com",
    "firefox-settings-attachments.cdn.mozilla.net",
    "firefox.settings.services.mozilla.com",
    "incoming.telemetry.mozilla.org",
    "location.services.mozilla.com",
    "merino.services.mozilla.com",
    "normandy.cdn.mozilla.net",
    "push.services.mozilla.com",
    "shavar.services.mozilla.com",
    "tracking-protection.cdn.mozilla.net",
    "versioncheck-bg.addons.mozilla.org",
    "ads-img.mozilla.org",
    "spocs.getpocket.com",
    /* Edge */
    "config.edge.skype.com",
    "edge.microsoft.com",
    "nav.smartscreen.microsoft.com",
    "msedge.api.cdp.microsoft.com",
};

bool proxy_noise_is_host(struct str host)
{
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (proxy_hosts_match_one(str_from(hosts[i]), host))
            return true;
    }
    return false;
}
