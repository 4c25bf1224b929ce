/* specimen_post.h - one specimen that has something of everything. */
#ifndef TESTS_UNIT_QUERY_SPECIMEN_POST_H
#define TESTS_UNIT_QUERY_SPECIMEN_POST_H

#include "unit/query/specimen.h"

/* A POST that was edited, answered with a page. */
static void specimen_fill(struct specimen *specimen)
{
    struct exchange_facts *facts = &specimen->facts;

    specimen_init(specimen);
    facts->id = 7;
    facts->at_us = 1795342000000000;
    facts->method = STR("POST");
    facts->scheme = STR("https");
    facts->host = STR("shop.example");
    facts->port = 8443;
    facts->path = STR("/Cart/add.php");
    facts->query = STR("item=Blue%20Shoe&q=a+b&item=2");
    facts->client_version = HTTP_VERSION_2;
    facts->origin_version = HTTP_VERSION_11;
    facts->status = 201;
    facts->reason = STR("Created");
    facts->type = STR("text/html");
    facts->title = STR("\xe3\x82\xab\xe3\x83\xbc\xe3\x83\x88");
    facts->half[EXCHANGE_REQUEST] = (struct facts_half){.wire_len = 300, .body_len = 60, .is_complete = true};
    facts->half[EXCHANGE_RESPONSE] = (struct facts_half){.wire_len = 9000, .body_len = 8800};
    facts->time_us = 750000;
    facts->first_byte_us = 40000;
    facts->client = (struct facts_address){"127.0.0.1", 50000};
    facts->origin = (struct facts_address){"2001:db8::1", 8443};
    facts->client_tls.version = STR("TLSv1.3");
    facts->client_tls.sni = STR("Shop.Example");
    facts->origin_tls.version = STR("TLSv1.2");
    facts->origin_tls.verify = STR("expired");
    facts->flags = STR("edited,truncated");
    facts->error = STR("reset");
    facts->error_text = STR("The origin closed the connection too early.");
    specimen->marks = (struct facts_marks){STR("look again"), STR("todo,xss"), STR("red")};
    specimen->is_in_scope = true;
    specimen->subject.project = STR("default");
    specimen->sent[EXCHANGE_REQUEST] = (struct specimen_message){
        STR("POST /Cart/add.php?item=2 HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"
            "X-Twice: one\r\nx-twice: two\r\nX-Empty:\r\nCookie: sid=abc; theme=dark\r\nCookie: sid=second\r\n"
            "X-Fold: a\r\n b\r\nnot a field\r\n\r\n"),
        STR("{\"user\":{\"id\":17,\"name\":\"J\\u00fcrgen\"},\"tags\":[\"new\",\"hot\"],\"ok\":true}"),
        STR("POST / HTTP/1.1\r\n\r\n\xff\x00\xfe raw")};
    specimen->original[EXCHANGE_REQUEST] = (struct specimen_message){
        STR("PUT /before.asp?old=1 HTTP/1.0\r\nX-Before: yes\r\n\r\n"), STR("before the edit"), STR("PUT raw")};
    specimen->sent[EXCHANGE_RESPONSE] =
        (struct specimen_message){STR("HTTP/1.1 201 Created\r\nContent-Type: Text/HTML; charset=utf-8\r\n"
                                      "Set-Cookie: token=t0; Path=/; HttpOnly\r\nSet-Cookie: b=2\r\n\r\n"),
                                  STR("<title>\xe3\x82\xab\xe3\x83\xbc\xe3\x83\x88</title> "
                                      "\xe5\x80\x8b\xe4\xba\xba\xe6\x83\x85\xe5\xa0\xb1 STRASSE"),
                                  STR("HTTP/1.1 201 Created\r\n\r\n...")};
}

#endif
