/* Covers h1/decoder, h1/framing and h1/chunk: where messages end, and what is flagged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "h1/decoder.h"
#include "unit/h1/splits.h"

static void h1_decoder_frames_ordinary_requests(void **state)
{
    static const struct splits_row rows[] = {
        {"no body", STR(GET "\r\n"), "head:none keep;end;closed;"},
        {"a length", STR(POST "Content-Length: 5\r\n\r\nhello"), "head:length=5 keep;body:hello;end;closed;"},
        {"length 0", STR(POST "Content-Length: 0\r\n\r\n"), "head:length=0 keep;end;closed;"},
        {"chunks", STR(CHUNKED_POST "5\r\nhello\r\n00A;x=\"y\"\r\n, world!!!\r\n0\r\n\r\n"),
         "head:chunked keep;body:hello, world!!!;trailers:\\r\\n;end;closed;"},
        {"pipelined", STR(GET "\r\n" POST "Content-Length: 2\r\n\r\nab" GET "\r\n"),
         "head:none keep;end;head:length=2 keep;body:ab;end;head:none keep;end;closed;"},
        {"close", STR(GET "Connection: x, Close\r\n\r\nsurplus"), "head:none close;end;rest:surplus;"},
        {"HTTP/1.0", STR("GET / HTTP/1.0\r\n\r\nsurplus"), "head:none close;end;rest:surplus;"},
        {"HTTP/1.0 kept alive", STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), "head:none keep;end;closed;"},
        {"absolute form", STR("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "head:none keep;end;closed;"},
        {"asterisk", STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "head:none keep;end;closed;"},
        {"nothing", STR(""), "closed;"},
        {"one empty line before, as some clients send", STR("\r\n" GET "\r\n"),
         "head:none keep empty-lines;end empty-lines;closed;"},
        {"an empty line after the last", STR(GET "\r\n\r\n"), "head:none keep;end;closed;partial:\\r\\n;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

static void h1_decoder_frames_ordinary_responses(void **state)
{
    static const struct splits_row rows[] = {
        {"a length", STR(OK_200 "Content-Length: 2\r\n\r\nok"), "head:length=2 keep;body:ok;end;closed;"},
        {"chunks", STR(OK_200 "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
         "head:chunked keep;body:ok;trailers:\\r\\n;end;closed;"},
        {"until close", STR(OK_200 "\r\nall of it\r\n"), "head:close close;body:all of it\\r\\n;end;"},
        {"until close, empty", STR(OK_200 "\r\n"), "head:close close;end;"},
        {"no reason", STR("HTTP/1.1 204 \r\n\r\n"), "head:none keep;end;closed;"},
        {"no reason and no space", STR("HTTP/1.1 204\r\n\r\n"), "head:none keep;end;closed;"},
        {"304 with the length that 200 would have", STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"),
         "head:none keep;end;closed;"},
        {"interim",
         STR("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK_200
             "Content-Length: 1\r\n\r\n!"),
         "head:none interim keep;end;head:none interim keep;end;head:length=1 keep;body:!;end;closed;"},
        {"switching protocols", STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x01!"),
         "head:tunnel close;end;rest:\\x81\\x01!;"},
        {"HTTP/1.0", STR("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n!"), "head:length=1 close;body:!;end;"},
        {"HTTP/1.0 kept alive", STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n!"),
         "head:length=1 keep;body:!;end;closed;"},
    };

    (void)state;
    SPLITS_CHECK_RESPONSES(rows);
}

static void h1_decoder_frames_responses_by_the_request_they_answer(void **state)
{
    static const struct splits_row head_rows[] = {
        {"length", STR(OK_200 "Content-Length: 5\r\n\r\n"), "head:none keep;end;closed;"},
        {"chunked", STR(OK_200 "Transfer-Encoding: chunked\r\n\r\n"), "head:none keep;end;closed;"},
        {"interim first", STR("HTTP/1.1 100 Continue\r\n\r\n" OK_200 "Content-Length: 5\r\n\r\n"),
         "head:none interim keep;end;head:none keep;end;closed;"},
        {"with a body all the same, which is no response", STR(OK_200 "Content-Length: 5\r\n\r\nhello"),
         "head:none keep;end;error:syntax 502;partial:he;rest:llo;"},
    };
    static const struct splits_row connect_rows[] = {
        {"tunnel", STR(OK_200 "\r\nraw bytes"), "head:tunnel close;end;rest:raw bytes;"},
        {"tunnel with a length", STR(OK_200 "Content-Length: 3\r\n\r\nraw"),
         "head:tunnel close body-unexpected;end body-unexpected;rest:raw;"},
        {"tunnel with chunked", STR("HTTP/1.1 299 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "head:tunnel close body-unexpected;end body-unexpected;rest:0\\r\\n\\r\\n;"},
        {"refused", STR("HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"), "head:length=2 keep;body:no;end;closed;"},
    };

    (void)state;
    splits_check_rows(head_rows, SPLITS_COUNT(head_rows), (struct transcript_options){.method = "HEAD"});
    splits_check_rows(connect_rows, SPLITS_COUNT(connect_rows), (struct transcript_options){.method = "CONNECT"});
}

/* Hostile input 29 to 32. */
static void h1_decoder_flags_ambiguous_request_lengths(void **state)
{
#define SURPLUS "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
#define SURPLUS_SHOWN "GET /smuggled HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"
#define UNTIL_CLOSE(flags, body) "head:close close " flags ";body:" body ";end " flags ";"
    static const struct splits_row rows[] = {
        {"CL and TE", STR(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
         "head:chunked keep cl-and-te;body:x;trailers:\\r\\n;end cl-and-te;closed;"},
        {"TE and CL", STR(POST "transfer-encoding: Chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
         "head:chunked keep cl-and-te;body:;trailers:\\r\\n;end cl-and-te;closed;"},
        {"two lengths", STR(POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc"),
         "head:length=2 keep cl-different;body:ab;end cl-different;error:syntax 400 truncated;partial:c;"},
        {"two lengths in one", STR(POST "Content-Length: 2, 3\r\n\r\nab"),
         "head:length=2 keep cl-different;body:ab;end cl-different;closed;"},
        {"one length twice", STR(POST "Content-Length: 2\r\ncontent-length: 2\r\n\r\nab"),
         "head:length=2 keep cl-repeated;body:ab;end cl-repeated;closed;"},
        {"5, 5", STR(POST "Content-Length: 5, 5\r\n\r\nhello"),
         "head:length=5 keep cl-repeated;body:hello;end cl-repeated;closed;"},
        {"5, 05", STR(POST "Content-Length: 5, 05\r\n\r\nhello"),
         "head:length=5 keep cl-repeated;body:hello;end cl-repeated;closed;"},
        {"a list of one", STR(POST "Content-Length: 5,\r\n\r\nhello"),
         "head:length=5 keep cl-repeated;body:hello;end cl-repeated;closed;"},
        {"white space", STR(POST "Content-Length:\t 5 \r\n\r\nhello"), "head:length=5 keep;body:hello;end;closed;"},
        {"leading zeros", STR(POST "Content-Length: 0000000000000000000000005\r\n\r\nhello"),
         "head:length=5 keep;body:hello;end;closed;"},
        {"+5", STR(POST "Content-Length: +5\r\n\r\nhello" SURPLUS), UNTIL_CLOSE("cl-invalid", "hello" SURPLUS_SHOWN)},
        {"-6", STR(POST "Content-Length: -6\r\n\r\n" SURPLUS), UNTIL_CLOSE("cl-invalid", SURPLUS_SHOWN)},
        {"0x5", STR(POST "Content-Length: 0x5\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"5_0", STR(POST "Content-Length: 5_0\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"5 5", STR(POST "Content-Length: 5 5\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"\"5\"", STR(POST "Content-Length: \"5\"\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"5\\v", STR(POST "Content-Length: 5\v\r\n\r\nhello"), UNTIL_CLOSE("bad-value,cl-invalid", "hello")},
        {"empty length", STR(POST "Content-Length:\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"empty second length", STR(POST "Content-Length: 5\r\nContent-Length:\r\n\r\nhello"),
         UNTIL_CLOSE("cl-invalid", "hello")},
        {"2^64-1", STR(POST "Content-Length: 18446744073709551615\r\n\r\nhello"),
         "head:length=18446744073709551615 keep;body:hello;error:syntax 400 truncated;"},
        {"2^64", STR(POST "Content-Length: 18446744073709551616\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"2^64+5", STR(POST "Content-Length: 18446744073709551621\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"valid and invalid", STR(POST "Content-Length: 5\r\nContent-Length: x\r\n\r\nhello"),
         UNTIL_CLOSE("cl-invalid", "hello")},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 33. */
static void h1_decoder_flags_ambiguous_transfer_codings(void **state)
{
    static const struct splits_row rows[] = {
        {"xchunked", STR(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SURPLUS),
         UNTIL_CLOSE("te-odd", "0\\r\\n\\r\\n" SURPLUS_SHOWN)},
        {"xchunked and a length", STR(POST "Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n\r\nab"),
         UNTIL_CLOSE("cl-and-te,te-odd", "ab")},
        {"chunked, identity", STR(POST "Transfer-Encoding: chunked, identity\r\n\r\nab"), UNTIL_CLOSE("te-odd", "ab")},
        {"identity, chunked", STR(POST "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n"),
         "head:chunked keep te-odd;body:;trailers:\\r\\n;end te-odd;closed;"},
        {"gzip, chunked", STR(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "head:chunked keep te-odd;body:;trailers:\\r\\n;end te-odd;closed;"},
        {"chunked, then another", STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\nab"),
         UNTIL_CLOSE("te-odd", "ab")},
        {"chunked twice", STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "head:chunked keep te-odd;body:;trailers:\\r\\n;end te-odd;closed;"},
        {"tab chunked", STR(POST "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"),
         "head:chunked keep;body:;trailers:\\r\\n;end;closed;"},
        {"chunked vertical tab", STR(POST "Transfer-Encoding: chunked\v\r\n\r\nab"),
         UNTIL_CLOSE("bad-value,te-odd", "ab")},
        {"quoted", STR(POST "Transfer-Encoding: \"chunked\"\r\n\r\nab"), UNTIL_CLOSE("te-odd", "ab")},
        {"parameter", STR(POST "Transfer-Encoding: chunked;q=1\r\n\r\nab"), UNTIL_CLOSE("te-odd", "ab")},
        {"empty coding", STR(POST "Transfer-Encoding: \r\n\r\nab"), UNTIL_CLOSE("te-odd", "ab")},
        {"space before colon", STR(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
         UNTIL_CLOSE("bad-field", "0\\r\\n\\r\\n")},
        {"tab before colon, length", STR(POST "Content-Length\t: 2\r\n\r\nab"), UNTIL_CLOSE("bad-field", "ab")},
        {"NUL in the name", STR(POST "Transfer\0-Encoding: chunked\r\n\r\nab"), UNTIL_CLOSE("bad-field", "ab")},
        {"space first", STR("POST / HTTP/1.1\r\n Content-Length: 2\r\nHost: a\r\n\r\nab"),
         UNTIL_CLOSE("bad-field", "ab")},
        {"HTTP/1.0 chunked",
         STR("POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
             "1\r\nx\r\n0\r\n\r\n"),
         "head:chunked close te-in-10;body:x;trailers:\\r\\n;end te-in-10;"},
        {"folded chunked", STR(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
         "head:chunked keep obs-fold;body:;trailers:\\r\\n;end obs-fold;closed;"},
        {"chunked, folded inside", STR(POST "Transfer-Encoding: chun\r\n ked\r\n\r\nab"),
         UNTIL_CLOSE("obs-fold,te-odd", "ab")},
        {"GET with a body", STR(GET "Content-Length: 2\r\n\r\nab"), "head:length=2 keep;body:ab;end;closed;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

static void h1_decoder_flags_ambiguous_response_framing(void **state)
{
    static const struct splits_row rows[] = {
        {"CL and TE", STR(OK_200 "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
         "head:chunked keep cl-and-te;body:x;trailers:\\r\\n;end cl-and-te;closed;"},
        {"two lengths", STR(OK_200 "Content-Length: 2\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"),
         "head:length=2 close cl-different;body:ab;end cl-different;rest:c;"},
        {"5, 5", STR(OK_200 "Content-Length: 5, 5\r\n\r\nhello"),
         "head:length=5 keep cl-repeated;body:hello;end cl-repeated;closed;"},
        {"-1", STR(OK_200 "Content-Length: -1\r\n\r\nhello"), UNTIL_CLOSE("cl-invalid", "hello")},
        {"identity", STR(OK_200 "Transfer-Encoding: identity\r\n\r\nhello"), UNTIL_CLOSE("te-odd", "hello")},
        {"space before colon", STR(OK_200 "Transfer-Encoding : chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
         "head:chunked keep bad-field;body:x;trailers:\\r\\n;end bad-field;closed;"},
        {"space before colon, length", STR(OK_200 "Content-Length : 1\r\n\r\nx"),
         "head:length=1 keep bad-field;body:x;end bad-field;closed;"},
        {"204 with a body", STR("HTTP/1.1 204 x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"),
         "head:none close body-unexpected;end body-unexpected;rest:hello;"},
        {"204 with length 0", STR("HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n"), "head:none keep;end;closed;"},
        {"304 with a body", STR("HTTP/1.1 304 x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"),
         "head:none close;end;rest:hello;"},
        {"100 with a body", STR("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n" OK_200 "Content-Length: 0\r\n\r\n"),
         "head:none interim keep body-unexpected;end body-unexpected;head:length=0 keep;end;closed;"},
        {"length too long", STR(OK_200 "Content-Length: 5\r\n\r\nabc"),
         "head:length=5 keep;body:abc;error:syntax 502 truncated;"},
        {"length too short", STR(OK_200 "Content-Length: 1\r\n\r\nabc"),
         "head:length=1 keep;body:a;end;error:syntax 502;partial:b;rest:c;"},
    };

    (void)state;
    SPLITS_CHECK_RESPONSES(rows);
}

/* Hostile input 34. */
static void h1_decoder_reads_or_gives_up_odd_chunks(void **state)
{
#define CHUNKS(body, payload, flags, rest)                                                                             \
    STR(CHUNKED_POST body), "head:chunked keep;body:" payload ";" rest "end" flags ";"
    static const struct splits_row rows[] = {
        {"space after the size", CHUNKS("2 \r\nab\r\n0\r\n\r\n", "ab", " chunk-odd", "trailers:\\r\\n;") "closed;"},
        {"space before the size", CHUNKS(" 2\r\nab\r\n0\r\n\r\n", "ab", " chunk-odd", "trailers:\\r\\n;") "closed;"},
        {"space before the extension",
         CHUNKS("2 ;x\r\nab\r\n0\r\n\r\n", "ab", " chunk-odd", "trailers:\\r\\n;") "closed;"},
        {"extensions", CHUNKS("2;a;b=c;d=\"e;\xe9\"\r\nab\r\n0;f\r\n\r\n", "ab", "", "trailers:\\r\\n;") "closed;"},
        {"bare CR in an extension",
         CHUNKS("2;\rx\r\nab\r\n0\r\n\r\n", "ab", " chunk-odd", "trailers:\\r\\n;") "closed;"},
        {"17 digits", CHUNKS("00000000000000002\r\nab\r\n0\r\n\r\n", "ab", " chunk-odd", "trailers:\\r\\n;") "closed;"},
        {"16 digits", CHUNKS("0000000000000002\r\nab\r\n0\r\n\r\n", "ab", "", "trailers:\\r\\n;") "closed;"},
        {"LF after the size", CHUNKS("2\nab\r\n0\r\n\r\n", "ab", " bare-lf", "trailers:\\r\\n;") "closed;"},
        {"LF after the data", CHUNKS("2\r\nab\n0\r\n\r\n", "ab", " bare-lf", "trailers:\\r\\n;") "closed;"},
        {"LF after the trailers", CHUNKS("2\r\nab\r\n0\r\n\n", "ab", " bare-lf", "trailers:\\n;") "closed;"},
        {"0x5", CHUNKS("0x5\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"+5", CHUNKS("+5\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"-5", CHUNKS("-5\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"5_0", CHUNKS("5_0\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"no size", CHUNKS("\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"extension without a size", CHUNKS(";x\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"2^64", CHUNKS("10000000000000000\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"2^64+5", CHUNKS("10000000000000005\r\nhello\r\n0\r\n\r\n", "", " chunk-odd", "")},
        {"nothing after the data", CHUNKS("2\r\nab0\r\n\r\n", "ab", " chunk-odd", "")},
        {"other bytes after the data", CHUNKS("2\r\nabcd\r\n0\r\n\r\n", "ab", " chunk-odd", "")},
        {"CR only after the data", CHUNKS("2\r\nab\r0\r\n\r\n", "ab", " chunk-odd", "")},
        {"2^64-1", STR(CHUNKED_POST "ffffffffffffffff\r\nhello"),
         "head:chunked keep;body:hello;error:syntax 400 truncated;"},
        {"ends in a chunk line", STR(CHUNKED_POST "5"), "head:chunked keep;body:;error:syntax 400 truncated;"},
        {"ends in the data", STR(CHUNKED_POST "5\r\nhel"), "head:chunked keep;body:hel;error:syntax 400 truncated;"},
        {"ends after the data", STR(CHUNKED_POST "3\r\nhel"), "head:chunked keep;body:hel;error:syntax 400 truncated;"},
        {"ends in the line end", STR(CHUNKED_POST "3\r\nhel\r"),
         "head:chunked keep;body:hel;error:syntax 400 truncated;"},
        {"ends before the trailers", STR(CHUNKED_POST "0\r\n"), "head:chunked keep;body:;error:syntax 400 truncated;"},
        {"ends in the trailers", STR(CHUNKED_POST "0\r\na: b\r\n"),
         "head:chunked keep;body:;error:syntax 400 truncated;partial:a: b\\r\\n;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 35. */
static void h1_decoder_keeps_trailers_apart(void **state)
{
    static const struct splits_row rows[] = {
        {"framing fields in trailers",
         STR(CHUNKED_POST "0\r\nContent-Length: 9\r\nHost: b\r\nAuthorization: x\r\nTransfer-Encoding: y\r\n\r\n" GET
                          "\r\n"),
         "head:chunked keep;body:;trailers:Content-Length: 9\\r\\nHost: b\\r\\nAuthorization: x\\r\\n"
         "Transfer-Encoding: y\\r\\n\\r\\n;end;head:none keep;end;closed;"},
        {"odd trailers", STR(CHUNKED_POST "0\r\na b: c\r\n d\nno colon\r\ne: \x01\r\n\r\n"),
         "head:chunked keep;body:;trailers:a b: c\\r\\n d\\nno colon\\r\\ne: \\x01\\r\\n\\r\\n;"
         "end bare-lf,obs-fold,bad-field,bad-value;closed;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 43 to 45. */
static void h1_decoder_treats_connect_upgrade_and_expect_as_messages(void **state)
{
    static const struct splits_row rows[] = {
        {"CONNECT", STR("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), "head:none keep;end;closed;"},
        {"CONNECT with a body", STR("CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"),
         "head:length=2 keep;body:ab;end;closed;"},
        {"CONNECT with chunks",
         STR("CONNECT [::1]:0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         "head:chunked keep;body:;trailers:\\r\\n;end;closed;"},
        {"upgrade to h2c", STR(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n" GET "\r\n"),
         "head:none keep;end;head:none keep;end;closed;"},
        {"frames after an upgrade that was not answered",
         STR(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85\n"),
         "head:none keep;end;error:syntax 400;partial:\\x81\\x85\\n;"},
        {"expect", STR(POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx"),
         "head:length=1 keep;body:x;end;closed;"},
        {"expect something else", STR(POST "Expect: x\r\nContent-Length: 1\r\n\r\nx"),
         "head:length=1 keep;body:x;end;closed;"},
    };

    (void)state;
    SPLITS_CHECK_REQUESTS(rows);
}

/* Hostile input 42. */
static void h1_decoder_keeps_the_order_of_1000_pipelined_requests(void **state)
{
    struct transcript transcript;
    struct buf buf;
    struct str input =
        splits_make_long(&buf, "", POST "Content-Length: 1\r\n\r\nx" CHUNKED_POST "1\r\ny\r\n0\r\n\r\n", 500, "");

    (void)state;
    transcript = splits_run_large((struct transcript_options){.is_request = true}, input);
    assert_int_equal(transcript.message_count, 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(transcript.payload.bytes[i], i % 2 ? 'y' : 'x');
    splits_assert_end(&transcript, "closed;");
    buf_deinit(&buf);
}

static void h1_decoder_passes_large_bodies_uncopied(void **state)
{
    static const struct h1_limits limits = {0};
    struct h1_decoder *decoder = h1_decoder_new(false, &limits);
    struct str input = STR(OK_200 "Content-Length: 1000000\r\n\r\n0123456789");
    struct h1_event event;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    h1_decoder_expect(decoder, STR("GET"));
    assert_false(h1_decoder_is_at_start(decoder));
    h1_decoder_next(decoder, &arena);
    assert_true(h1_decoder_is_at_start(decoder));
    assert_false(err_is(h1_decoder_step(decoder, &input, &event)));
    assert_int_equal(event.kind, H1_EVENT_HEAD);
    for (int i = 0; i < 1000; i++) {
        struct str piece = {input.ptr, 10};

        assert_false(err_is(h1_decoder_step(decoder, &piece, &event)));
        assert_int_equal(event.kind, H1_EVENT_BODY);
        assert_ptr_equal(event.wire.ptr, input.ptr);
        assert_int_equal(event.wire.len, 10);
    }
    assert_true(arena.used_bytes < 2048);
    h1_decoder_free(&decoder);
    assert_null(decoder);
    arena_deinit(&arena);
}

static void h1_decoder_names_all_flags(void **state)
{
    char names[256];
    uint32_t all = H1_FLAG_BODY_UNEXPECTED * 2 - 1;

    (void)state;
    assert_string_equal(h1_decoder_flag_names(0, names, sizeof(names)), "");
    assert_string_equal(h1_decoder_flag_names(H1_FLAG_BARE_LF | H1_FLAG_CL_AND_TE, names, sizeof(names)),
                        "bare-lf,cl-and-te");
    assert_string_equal(h1_decoder_flag_names(all, names, sizeof(names)),
                        "bare-lf,obs-fold,bad-field,bad-value,bad-start,cl-and-te,cl-repeated,cl-different,cl-invalid,"
                        "te-odd,te-in-10,chunk-odd,host-missing,host-repeated,empty-lines,truncated,body-unexpected");
}

static void h1_decoder_stays_broken(void **state)
{
    static const struct h1_limits limits = {0};
    struct h1_decoder *decoder = h1_decoder_new(true, &limits);
    struct str input = STR("nonsense\r\nmore");
    struct h1_event event;
    struct arena arena;

    (void)state;
    arena_init(&arena, 4096);
    h1_decoder_next(decoder, &arena);
    assert_int_equal(h1_decoder_step(decoder, &input, &event).code, ERR_SYNTAX);
    assert_int_equal(h1_decoder_step(decoder, &input, &event).code, ERR_SYNTAX);
    assert_int_equal(h1_decoder_finish(decoder, &event).code, ERR_SYNTAX);
    assert_true(str_eq(input, STR("more")));
    assert_true(str_eq(h1_decoder_partial(decoder), STR("nonsense\r\n")));
    h1_decoder_free(&decoder);
    arena_deinit(&arena);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(h1_decoder_frames_ordinary_requests),
        cmocka_unit_test(h1_decoder_frames_ordinary_responses),
        cmocka_unit_test(h1_decoder_frames_responses_by_the_request_they_answer),
        cmocka_unit_test(h1_decoder_flags_ambiguous_request_lengths),
        cmocka_unit_test(h1_decoder_flags_ambiguous_transfer_codings),
        cmocka_unit_test(h1_decoder_flags_ambiguous_response_framing),
        cmocka_unit_test(h1_decoder_reads_or_gives_up_odd_chunks),
        cmocka_unit_test(h1_decoder_keeps_trailers_apart),
        cmocka_unit_test(h1_decoder_treats_connect_upgrade_and_expect_as_messages),
        cmocka_unit_test(h1_decoder_keeps_the_order_of_1000_pipelined_requests),
        cmocka_unit_test(h1_decoder_passes_large_bodies_uncopied),
        cmocka_unit_test(h1_decoder_names_all_flags),
        cmocka_unit_test(h1_decoder_stays_broken),
    };

    return cmocka_run_group_tests_name("h1/decoder", tests, NULL, NULL);
}
