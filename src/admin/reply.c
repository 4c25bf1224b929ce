#include "admin/reply.h"

#include "admin/problem.h"

#include <inttypes.h>

/* Everything comes from this server; no inline script or style; nothing may frame it; forms go nowhere; and DOM sinks
 * that parse HTML are closed. */
#define CONTENT_POLICY                                                                                                 \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "   \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "                \
    "trusted-types 'none'"

static const char guard_fields[] = "Content-Security-Policy: " CONTENT_POLICY "\r\n"
                                   "X-Content-Type-Options: nosniff\r\n"
                                   "X-Frame-Options: DENY\r\n"
                                   "Referrer-Policy: no-referrer\r\n"
                                   "Cross-Origin-Opener-Policy: same-origin\r\n"
                                   "Cross-Origin-Resource-Policy: same-origin\r\n";

void admin_reply_init(struct admin_reply *reply)
{
    *reply = (struct admin_reply){0};
    buf_init(&reply->fields, ADMIN_REPLY_FIELDS_MAX);
    buf_init(&reply->body, ADMIN_REPLY_BODY_MAX);
}

void admin_reply_deinit(struct admin_reply *reply)
{
    buf_deinit(&reply->fields);
    buf_deinit(&reply->body);
}

void admin_reply_reset(struct admin_reply *reply)
{
    buf_clear(&reply->fields);
    buf_clear(&reply->body);
    reply->status = 0;
    reply->type = NULL;
    reply->is_public = reply->has_more = reply->is_cut = false;
}

void admin_reply_start(struct admin_reply *reply, unsigned status, const char *type)
{
    admin_reply_reset(reply);
    reply->status = status;
    reply->type = type;
}

void admin_reply_field(struct admin_reply *reply, const char *name, struct str value)
{
    struct buf *fields = &reply->fields;
    char *room;

    /* A field that does not fit is a programmer's mistake: all of them are short. */
    CHECK(!err_is(buf_format(fields, "%s: ", name)));
    CHECK(!err_is(buf_reserve(fields, value.len + 2, &room)));
    for (size_t i = 0; i < value.len; i++)
        room[i] = (unsigned char)value.ptr[i] < 0x20 || value.ptr[i] == 0x7f ? '?' : value.ptr[i];
    memcpy(room + value.len, "\r\n", 2);
    buf_commit(fields, value.len + 2);
}

void admin_reply_start_json(struct admin_reply *reply, unsigned status, struct jsonout *ret_out)
{
    admin_reply_start(reply, status, ADMIN_REPLY_JSON);
    jsonout_init(ret_out, &reply->body);
}

void admin_reply_finish_json(struct admin_reply *reply, const struct jsonout *out)
{
    if (err_is(jsonout_finish(out)))
        admin_problem_reply(reply, 500, "The answer is larger than this server sends in one piece.");
}

void admin_reply_empty(struct admin_reply *reply) { admin_reply_start(reply, 204, NULL); }

const char *admin_reply_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

static struct err write_framing(const struct admin_reply *reply, enum admin_reply_framing framing, struct buf *head)
{
    /* RFC 9110, 8.6: no Content-Length with 204; with 304 it would have to be that of the full answer. */
    if (reply->status == 204 || reply->status == 304 || framing == ADMIN_REPLY_CLOSE)
        return OK;
    if (framing == ADMIN_REPLY_CHUNKED)
        return buf_append(head, STR("Transfer-Encoding: chunked\r\n"));
    return buf_format(head, "Content-Length: %zu\r\n", reply->body.len);
}

struct err admin_reply_write_head(const struct admin_reply *reply, enum admin_reply_framing framing, bool keeps_alive,
                                  struct buf *head)
{
    TRY(buf_format(head, "HTTP/1.1 %u %s\r\n", reply->status, admin_reply_reason(reply->status)));
    if (reply->type)
        TRY(buf_format(head, "Content-Type: %s\r\n", reply->type));
    TRY(write_framing(reply, framing, head));
    TRY(buf_append(head, reply->is_public ? STR("Cache-Control: no-cache\r\n") : STR("Cache-Control: no-store\r\n")));
    TRY(buf_append(head, str_from(guard_fields)));
    TRY(buf_append(head, buf_str(&reply->fields)));
    return buf_append(head, keeps_alive ? STR("\r\n") : STR("Connection: close\r\n\r\n"));
}
