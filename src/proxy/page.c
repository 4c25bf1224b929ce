#include "proxy/page.h"

#include "base/buf.h"
#include "tls/ca.h"

#define PAGE_BYTES_MAX ((size_t)(256 * 1024))

/* --- words --- */

enum language { ENGLISH, JAPANESE };

struct words {
    unsigned status;
    const char *reason;
    const char *title[2]; /* by enum language */
};

static const struct words words[] = {
    {200, "OK", {"sekisho", "sekisho"}},
    {302, "Found", {"sekisho", "sekisho"}},
    {303, "See Other", {"sekisho", "sekisho"}},
    {400, "Bad Request", {"This request was not sent on", "このリクエストは転送されませんでした"}},
    {403, "Forbidden", {"sekisho does not proxy to itself", "sekisho 自身へは中継しません"}},
    {404, "Not Found", {"There is no such page here", "ページが見つかりません"}},
    {407, "Proxy Authentication Required", {"This proxy asks for a password", "このプロキシには認証が必要です"}},
    {408, "Request Timeout", {"The request did not arrive in time", "リクエストが時間内に届きませんでした"}},
    {414, "URI Too Long", {"The URL is too long", "URL が長すぎます"}},
    {431, "Request Header Fields Too Large", {"The request's head is too large", "リクエストヘッダーが大きすぎます"}},
    {501, "Not Implemented", {"This request was not sent on", "このリクエストは転送されませんでした"}},
    {502, "Bad Gateway", {"The server could not be reached", "サーバーに接続できませんでした"}},
    {504, "Gateway Timeout", {"The server took too long", "サーバーからの応答がありませんでした"}},
    {508, "Loop Detected", {"Two proxies lead in a circle", "プロキシどうしが循環しています"}},
    {505,
     "HTTP Version Not Supported",
     {"This version of HTTP is not spoken", "この HTTP バージョンには対応していません"}},
};

/* The failure that most people meet first has a title of its own. */
static const char *const unverified[] = {"The server's certificate is not trusted", "サーバーの証明書を信頼できません"};

static const struct words *words_of(unsigned status)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].status == status)
            return &words[i];
    }
    return words_of(502);
}

const char *proxy_page_reason(unsigned status) { return words_of(status)->reason; }

/* What a failure's stable name means, for who does not read English. */
static const struct {
    struct str name;
    const char *text;
} japanese[] = {
    {STR_INIT("dns"), "サーバー名のアドレスが見つかりません。つづりと DNS の設定を確認してください。"},
    {STR_INIT("refused"), "サーバーが接続を拒否しました。そのポートでは何も動いていません。"},
    {STR_INIT("reset"), "サーバーが接続をリセットしました。"},
    {STR_INIT("closed"), "サーバーが応答せずに接続を閉じました。"},
    {STR_INIT("timeout"), "時間内に応答がありませんでした。"},
    {STR_INIT("tls"), "サーバーとの TLS 接続に失敗しました。古いサーバーには --legacy-tls を試してください。"},
    {STR_INIT("verify"),
     "サーバーの証明書を検証できませんでした。信頼できると分かっている場合だけ、下のボタンで許可してください。"},
    {STR_INIT("upstream"), "上流プロキシが接続を断りました。--upstream の設定を確認してください。"},
    {STR_INIT("own-address"), "これは sekisho 自身のアドレスです。プロキシを通さずに開いてください。"},
    {STR_INIT("loop"), "このプロキシと上流プロキシが互いを指しています。両方の --upstream を確認してください。"},
    {STR_INIT("syntax"), "HTTP の文法に合わないため、転送できません。"},
    {STR_INIT("limit"), "大きさの上限を超えています。"},
    {STR_INIT("ambiguous"), "メッセージの終わりが一意に決まらないため、--strict により拒否しました。"},
};

static const char *japanese_of(struct str name)
{
    for (size_t i = 0; i < sizeof(japanese) / sizeof(japanese[0]); i++) {
        if (str_eq(japanese[i].name, name))
            return japanese[i].text;
    }
    return NULL;
}

static enum language language_of(const struct http_message *request)
{
    const struct http_field *field = request ? http_message_field(request, STR("accept-language")) : NULL;

    return field && str_starts_nocase(field->value, STR("ja")) ? JAPANESE : ENGLISH;
}

/* --- HTML --- */

/* clang-format off */
static const char style[] =
    "<style>:root{color-scheme:light dark}body{font:16px/1.7 system-ui,'Noto Sans CJK JP',sans-serif;margin:0;"
    "min-height:100vh;display:grid;place-items:center;background:light-dark(#f6f5f1,#17181b);"
    "color:light-dark(#22242a,#e8e6e1)}"
    "main{max-width:38rem;padding:2.5rem;margin:1rem;background:light-dark(#fff,#202226);border-radius:14px;"
    "box-shadow:0 1px 3px #0002,0 12px 40px #0001;border-top:5px solid #c8452f}h1{font-size:1.35rem;margin:0 0 .6rem}"
    "p{margin:.5rem 0}code,pre{font:13px/1.6 ui-monospace,monospace;background:light-dark(#f1efe9,#2a2d32);"
    "border-radius:6px;"
    "padding:.1em .35em}pre{padding:.8em 1em;overflow:auto}small{color:light-dark(#666a73,#a5a9b1)}"
    "button{font:inherit;font-weight:600;padding:.55em 1.1em;border:0;border-radius:8px;background:#b23a26;"
    "color:#fff;cursor:pointer}"
    "button:focus-visible,a:focus-visible{outline:3px solid #2f7dc8;"
    "outline-offset:2px}a{color:light-dark(#1f5fa8,#8ab8f0)}"
    "form{margin:1.2rem 0 .4rem}li{margin:.35rem 0}</style>";
/* clang-format on */

static struct err append_escaped(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'' || (c < ' ' && c != '\n') || c == 0x7f)
            TRY(buf_format(buf, "&#%u;", c < ' ' ? 0xfffdu : c));
        else
            TRY(buf_append_char(buf, (char)c));
    }
    return OK;
}

static struct err append_button(struct buf *body, struct str path, enum language language)
{
    TRY(buf_append(body, STR("<form method=\"post\" action=\"")));
    TRY(append_escaped(body, path));
    TRY(buf_append(body, STR("\"><button>")));
    TRY(buf_append(body, language == JAPANESE ? STR("このプロジェクトでこの証明書を信頼する")
                                              : STR("Trust this certificate in this project")));
    return buf_append(body, STR("</button></form>"));
}

static struct err append_html(struct buf *body, const struct proxy_page *page, enum language language)
{
    const char *title =
        str_eq(page->detail, STR("verify")) ? unverified[language] : words_of(page->status)->title[language];
    const char *translated = language == JAPANESE ? japanese_of(page->detail) : NULL;

    TRY(buf_format(body,
                   "<!doctype html><html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                   "content=\"width=device-width\"><title>%s - sekisho</title>%s</head><body><main><h1>%s</h1>",
                   language == JAPANESE ? "ja" : "en", title, style, title));
    if (translated)
        TRY(buf_format(body, "<p>%s</p>", translated));
    TRY(buf_append(body, translated ? STR("<p lang=\"en\"><small>") : STR("<p>")));
    TRY(append_escaped(body, page->text));
    TRY(buf_append(body, translated ? STR("</small></p>") : STR("</p>")));
    if (page->trust_path.len)
        TRY(append_button(body, page->trust_path, language));
    TRY(buf_append(body, STR("<p><small>sekisho (&#x95a2;&#x6240;)")));
    if (page->detail.len) {
        TRY(buf_append(body, STR(" &middot; ")));
        TRY(append_escaped(body, page->detail));
    }
    return buf_append(body, STR("</small></p></main></body></html>\n"));
}

/* --- the answer --- */

static struct err append_head(struct buf *wire, const struct proxy_page *page, size_t body_len, bool keeps_alive)
{
    TRY(buf_format(wire, "HTTP/1.1 %u %s\r\nContent-Length: %zu\r\nContent-Type: ", page->status,
                   proxy_page_reason(page->status), body_len));
    TRY(buf_append(wire, page->media_type.len ? page->media_type : STR("text/html; charset=utf-8")));
    TRY(buf_append(wire,
                   STR("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n"
                       "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'; style-src "
                       "'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n")));
    if (page->location.len)
        TRY(buf_format(wire, "Location: %.*s\r\n", STR_ARG(page->location)));
    if (page->authenticate.len)
        TRY(buf_format(wire, "Proxy-Authenticate: %.*s\r\n", STR_ARG(page->authenticate)));
    if (page->file_name.len)
        TRY(buf_format(wire, "Content-Disposition: attachment; filename=\"%.*s\"\r\n", STR_ARG(page->file_name)));
    return buf_append(wire, keeps_alive ? STR("\r\n") : STR("Connection: close\r\n\r\n"));
}

static struct err write_into(struct buf *wire, struct buf *body, const struct proxy_page *page,
                             const struct http_message *request, bool keeps_alive)
{
    struct str bytes = page->body;

    if (!page->media_type.len) {
        TRY(append_html(body, page, language_of(request)));
        bytes = buf_str(body);
    }
    TRY(append_head(wire, page, bytes.len, keeps_alive));
    if (request && str_eq(request->method, STR("HEAD")))
        return OK;
    return buf_append(wire, bytes);
}

struct err proxy_page_write(struct os_loop *loop, const struct proxy_page *page, const struct http_message *request,
                            bool keeps_alive, struct str *ret_wire)
{
    struct buf wire, body;
    struct err err;

    buf_init(&wire, PAGE_BYTES_MAX);
    buf_init(&body, PAGE_BYTES_MAX);
    err = write_into(&wire, &body, page, request, keeps_alive);
    if (!err_is(err))
        err = arena_copy(os_loop_scratch(loop), buf_str(&wire), ret_wire);
    buf_deinit(&wire);
    buf_deinit(&body);
    return err;
}

/* --- the public page --- */

/* clang-format off */
static const char public_head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
    "content=\"width=device-width\">"
    "<title>Trust this CA - sekisho</title>";
static const char public_body[] =
    "</head><body><main><h1>Trust this CA &middot; <span lang=\"ja\">CA &#x3092;&#x4fe1;&#x983c;&#x3059;"
    "&#x308b;</span></h1>"
    "<p>This browser goes through <b>sekisho</b>. To look into HTTPS it shows certificates of its own CA, "
    "which only this "
    "installation has the key of.</p><p lang=\"ja\">このブラウザーは <b>sekisho</b> "
    "を経由しています。HTTPS の中身を見るため、"
    "この環境だけの CA が発行した証明書を使います。</p>"
    "<p><a href=\"/ca.pem\">ca.pem</a> &middot; <a href=\"/ca.der\">ca.der</a> &middot; <a href=\"/ca.crl\">"
    "ca.crl</a></p>"
    "<ul><li>All at once, on this machine: <code>sekisho ca install</code></li>"
    "<li>Without touching your own browser: <code>sekisho browser</code></li>"
    "<li>Firefox: Settings &rarr; Certificates &rarr; Authorities &rarr; Import, for websites</li>"
    "<li>Chromium, Chrome: Settings &rarr; Security &rarr; Manage certificates &rarr; Import</li>"
    "<li>Android: Settings &rarr; Security &rarr; Install a CA certificate (ca.der)</li>"
    "<li>iOS: open ca.pem, install the profile, then General &rarr; About &rarr; Certificate Trust Settings</li>"
    "<li>curl: <code>--cacert ca.pem</code></li></ul>"
    "<p><small>Take it out again when the work is done: <code>sekisho ca uninstall</code>. "
    "<span lang=\"ja\">作業が終わったら取り除いてください。</span></small></p></main>"
    "</body></html>\n";
/* clang-format on */

static struct proxy_page file_page(struct str media_type, struct str body, struct str file_name)
{
    return (struct proxy_page){.status = 200, .media_type = media_type, .body = body, .file_name = file_name};
}

static struct proxy_page explain(const struct proxy_worker *worker)
{
    struct str html;

    if (err_is(arena_format(os_loop_scratch(worker->loop), &html, "%s%s%s", public_head, style, public_body)))
        html = STR("sekisho\n");
    return file_page(STR("text/html; charset=utf-8"), html, STR_NONE);
}

struct proxy_page proxy_page_public(const struct proxy_worker *worker, struct str path)
{
    const struct tls_ca *ca = worker->options->ca;

    if (path.len <= 1)
        return explain(worker);
    if (ca && str_eq(path, STR("/ca.pem")))
        return file_page(STR("application/x-x509-ca-cert"), tls_ca_pem(ca), STR("sekisho-ca.pem"));
    if (ca && str_eq(path, STR("/ca.der")))
        return file_page(STR("application/x-x509-ca-cert"), tls_ca_der(ca), STR("sekisho-ca.der"));
    if (ca && str_eq(path, STR("/ca.crl")))
        return file_page(STR("application/pkix-crl"), tls_ca_crl_der(ca), STR("sekisho-ca.crl"));
    return (struct proxy_page){.status = 404, .text = STR("Try http://" PROXY_PAGE_HOST "/")};
}
