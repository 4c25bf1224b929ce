#include "model/facts_json.h"

#include "model/facts_url.h"

static void write_duration(struct jsonout *out, struct str key, int64_t us)
{
    if (us == FACTS_UNKNOWN_US)
        jsonout_null(out, key);
    else
        jsonout_int(out, key, us);
}

static void write_number_or_null(struct jsonout *out, struct str key, uint64_t value)
{
    if (value)
        jsonout_uint(out, key, value);
    else
        jsonout_null(out, key);
}

/* "a,b" as ["a","b"]. */
static void write_list(struct jsonout *out, struct str key, struct str joined)
{
    jsonout_array_open(out, key);
    while (joined.len) {
        struct str member;

        str_cut(joined, ',', &member, &joined);
        if (member.len)
            jsonout_text(out, STR_NONE, member);
    }
    jsonout_array_close(out);
}

static void write_address(struct jsonout *out, struct str ip_key, struct str port_key,
                          const struct facts_address *address)
{
    jsonout_bytes(out, ip_key, (struct str){address->ip, strnlen(address->ip, sizeof(address->ip))});
    write_number_or_null(out, port_key, address->port);
}

static void write_tls(struct jsonout *out, struct str key, const struct facts_tls *tls)
{
    if (tls->version.len == 0 && tls->sni.len == 0 && tls->verify.len == 0 && tls->ja4.len == 0) {
        jsonout_null(out, key);
        return;
    }
    jsonout_object_open(out, key);
    jsonout_bytes(out, STR("version"), tls->version);
    jsonout_bytes(out, STR("cipher"), tls->cipher);
    jsonout_bytes(out, STR("alpn"), tls->alpn);
    jsonout_bytes(out, STR("sni"), tls->sni);
    jsonout_bytes(out, STR("verify"), tls->verify);
    jsonout_bytes(out, STR("ja4"), tls->ja4);
    jsonout_bytes(out, STR("subject"), tls->subject);
    jsonout_bytes(out, STR("issuer"), tls->issuer);
    jsonout_bytes(out, STR("sha256"), tls->sha256);
    jsonout_bytes(out, STR("not_before"), tls->not_before);
    jsonout_bytes(out, STR("not_after"), tls->not_after);
    jsonout_bool(out, STR("resumed"), tls->is_resumed);
    jsonout_object_close(out);
}

static void write_url(struct jsonout *out, const struct exchange_facts *facts)
{
    struct buf url;

    buf_init(&url, FACTS_URL_BYTES_MAX);
    if (err_is(facts_url_write(facts, &url)))
        jsonout_null(out, STR("url"));
    else
        jsonout_bytes(out, STR("url"), buf_str(&url));
    buf_deinit(&url);
}

static void write_request(struct jsonout *out, const struct exchange_facts *facts)
{
    jsonout_bytes(out, STR("method"), facts->method);
    jsonout_bytes(out, STR("scheme"), facts->scheme);
    jsonout_bytes(out, STR("host"), facts->host);
    write_number_or_null(out, STR("port"), facts->port);
    jsonout_bytes(out, STR("path"), facts->path);
    jsonout_bytes(out, STR("query"), facts->query);
    write_url(out, facts);
    jsonout_bytes(out, STR("target"), facts->target);
    jsonout_bytes(out, STR("sent_target"), facts->sent_target);
    jsonout_bytes(out, STR("client_proto"), http_message_version_name(facts->client_version));
    jsonout_bytes(out, STR("origin_proto"), http_message_version_name(facts->origin_version));
}

static void write_response(struct jsonout *out, const struct exchange_facts *facts)
{
    write_number_or_null(out, STR("status"), facts->status);
    jsonout_bytes(out, STR("reason"), facts->reason);
    jsonout_bytes(out, STR("type"), facts->type);
    jsonout_bytes(out, STR("title"), facts->title);
}

static void write_sizes(struct jsonout *out, const struct exchange_facts *facts)
{
    const struct facts_half *request = &facts->half[EXCHANGE_REQUEST];
    const struct facts_half *response = &facts->half[EXCHANGE_RESPONSE];

    jsonout_uint(out, STR("req_len"), request->wire_len);
    jsonout_uint(out, STR("req_head_len"), request->head_len);
    jsonout_uint(out, STR("req_body_len"), request->body_len);
    jsonout_bool(out, STR("req_complete"), request->is_complete);
    jsonout_uint(out, STR("res_len"), response->wire_len);
    jsonout_uint(out, STR("res_head_len"), response->head_len);
    jsonout_uint(out, STR("res_body_len"), response->body_len);
    jsonout_bool(out, STR("res_complete"), response->is_complete);
}

static void write_times(struct jsonout *out, const struct exchange_facts *facts)
{
    write_duration(out, STR("time_us"), facts->time_us);
    write_duration(out, STR("first_byte_us"), facts->first_byte_us);
    write_duration(out, STR("dns_us"), facts->dns_us);
    write_duration(out, STR("connect_us"), facts->connect_us);
    write_duration(out, STR("tls_us"), facts->tls_us);
}

static void write_connections(struct jsonout *out, const struct exchange_facts *facts)
{
    write_address(out, STR("client_ip"), STR("client_port"), &facts->client);
    write_address(out, STR("origin_ip"), STR("origin_port"), &facts->origin);
    write_address(out, STR("listener_ip"), STR("listener_port"), &facts->listener);
    write_number_or_null(out, STR("client_connection"), facts->client_connection);
    write_number_or_null(out, STR("origin_connection"), facts->origin_connection);
    write_tls(out, STR("client_tls"), &facts->client_tls);
    write_tls(out, STR("origin_tls"), &facts->origin_tls);
}

void facts_json_member(struct jsonout *out, struct str key, const struct exchange_facts *facts,
                       const struct facts_marks *marks)
{
    static const struct facts_marks no_marks;

    marks = marks ? marks : &no_marks;
    jsonout_object_open(out, key);
    jsonout_uint(out, STR("id"), facts->id);
    jsonout_time(out, STR("at"), facts->at_us);
    jsonout_text(out, STR("source"), facts_source_name(facts->source));
    jsonout_text(out, STR("kind"), facts_kind_name(facts->kind));
    write_request(out, facts);
    write_response(out, facts);
    write_sizes(out, facts);
    write_times(out, facts);
    jsonout_bytes(out, STR("error"), facts->error);
    jsonout_bytes(out, STR("error_text"), facts->error_text);
    write_list(out, STR("flags"), facts->flags);
    write_connections(out, facts);
    jsonout_bytes(out, STR("note"), marks->note);
    write_list(out, STR("tags"), marks->tags);
    jsonout_bytes(out, STR("color"), marks->color);
    jsonout_object_close(out);
}

struct err facts_json_write(const struct exchange_facts *facts, const struct facts_marks *marks, struct buf *buf)
{
    struct jsonout out;

    jsonout_init(&out, buf);
    facts_json_member(&out, STR_NONE, facts, marks);
    return jsonout_finish(&out);
}
