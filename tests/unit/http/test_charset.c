/* Covers http/charset: labels, choice, detection and conversion; hostile input 72 as far as charsets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <iconv.h>
#include <stdlib.h>
#include <cmocka.h>

#include "http/charset.h"

#define TEXT_MAX ((size_t)4 * 1024 * 1024)

/* A page as Japanese sites have them: kanji, kana of both widths, symbols, ASCII. */
static const char japanese[] =
    "<title>個人情報の取り扱いについて</title>\n"
    "<p>株式会社は、お客様の個人情報を「適切」に管理します。2026年１１月～電話：03-1234-5678</p>\n"
    "<p>半角ｶﾅ ﾃｽﾄ、カタカナ、ひらがな。ログインしてください。パスワード：</p>\n";

/* Encodes with iconv, as an origin would. */
static struct str encode(struct buf *buf, const char *charset, struct str text)
{
    iconv_t converter = iconv_open(charset, "UTF-8");
    char *input = (char *)(uintptr_t)text.ptr;
    size_t input_left = text.len;
    size_t room_len = text.len * 4 + 16;
    char *room;
    char *output;
    size_t output_left = room_len;

    assert_true(converter != (iconv_t)-1);
    buf_init(buf, TEXT_MAX);
    assert_false(err_is(buf_reserve(buf, room_len, &room)));
    output = room;
    if (iconv(converter, &input, &input_left, &output, &output_left) == (size_t)-1)
        fail_msg("%s cannot encode from %.20s", charset, input);
    iconv(converter, NULL, NULL, &output, &output_left);
    iconv_close(converter);
    buf_commit(buf, room_len - output_left);
    return buf_str(buf);
}

/* Converts in pieces of that length. */
static void convert(struct buf *text, const char *label, struct str encoded, size_t piece_len)
{
    const struct http_charset *charset = http_charset_find(str_from(label));
    struct http_charset_stream *stream;

    if (!charset)
        fail_msg("no charset %s", label);
    buf_init(text, TEXT_MAX);
    stream = http_charset_stream_new(charset, http_sink_to_buf(text));
    while (encoded.len) {
        assert_false(err_is(http_charset_stream_feed(stream, str_head(encoded, piece_len))));
        encoded = str_skip(encoded, piece_len);
    }
    assert_false(err_is(http_charset_stream_finish(stream)));
    http_charset_stream_free(&stream);
    assert_null(stream);
}

static void assert_text(const char *label, struct str encoded, struct str expected)
{
    for (size_t piece_len = 1; piece_len < 20; piece_len++) {
        struct buf text;

        convert(&text, label, encoded, piece_len < 19 ? piece_len : SIZE_MAX);
        if (!str_eq(buf_str(&text), expected))
            fail_msg("%s, pieces of %zu: %.*s is not %.*s", label, piece_len, STR_ARG(buf_str(&text)),
                     STR_ARG(expected));
        buf_deinit(&text);
    }
}

static void http_charset_converts_japanese(void **state)
{
    static const char *const names[][2] = {{"shift_jis", "CP932"},   {"euc-jp", "EUC-JP-MS"},  {"utf-8", "UTF-8"},
                                           {"utf-16le", "UTF-16LE"}, {"utf-16be", "UTF-16BE"}, {"gb18030", "GB18030"}};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buf encoded;

        assert_text(names[i][0], encode(&encoded, names[i][1], STR(japanese)), STR(japanese));
        buf_deinit(&encoded);
    }
}

static void http_charset_converts_what_windows_adds_to_jis(void **state)
{
    (void)state;
    /* NEC's and IBM's kanji (in their three places), circled digits, wave dash, half-width katakana. */
    assert_text("shift_jis", STR("\xfb\xfc\xfa\xb1 \xee\xe0\xed\x95 \x87\x40 \x81\x60 \xb6\xc5 \x5c"),
                STR("髙﨑 髙﨑 ① ～ ｶﾅ \\"));
    assert_text("euc-jp", STR("\xfc\xe2\xf9\xf5 \xad\xa1 \xa1\xc1 \x8e\xb6\x8e\xc5 \x8f\xb0\xa1"),
                STR("髙﨑 ① ～ ｶﾅ 丂"));
    assert_text("iso-2022-jp", STR("\x1b$B|byu\x1b(B \x1b$B-!!A\x1b(J \x1b(I6E\x1b(B \x1b$(D0!\x1b(B \x1b$@8D\x1b(B"),
                STR("髙﨑 ①～ ｶﾅ 丂 個"));
    assert_text("windows-31j", STR("\x8c\xc2\x90\x6c\x8f\xee\x95\xf1"), STR("個人情報"));
}

static void http_charset_reads_iso_2022_jp_with_errors(void **state)
{
    (void)state;
    assert_text("iso-2022-jp", STR("\x1b$B8D?M\nabc"), STR("個人\nabc"));
    assert_text("iso-2022-jp", STR("\x1b$B8D?"), STR("個\xef\xbf\xbd"));
    assert_text("iso-2022-jp", STR("\x1b$B8\x1b(Ba"),
                STR("\xef\xbf\xbd"
                    "a"));
    assert_text("iso-2022-jp", STR("a\x1b[0mb\x1b"), STR("a\x1b[0mb\x1b"));
    assert_text("iso-2022-jp", STR("\x1b\x1b$B8D"), STR("\x1b個"));
    assert_text("iso-2022-jp",
                STR("\xff\x1b$B\x80"
                    "8D"),
                STR("\xef\xbf\xbd\xef\xbf\xbd個"));
}

static void http_charset_converts_others(void **state)
{
    (void)state;
    assert_text("iso-8859-1", STR("caf\xe9 \x93x\x94 \x80"), STR("café “x” €"));
    assert_text("koi8-r", STR("\xf0\xd2\xc9\xd7\xc5\xd4"), STR("Привет"));
    assert_text("euc-kr", STR("\xc7\xd1\xb1\xdb"), STR("한글"));
    assert_text("gb2312", STR("\xb8\xf6\xc8\xcb"), STR("个人"));
    assert_text("big5", STR("\xad\xd3\xa4\x48"), STR("個人"));
    assert_text("windows-1258", STR("a\xcc"), STR("à"));
}

static void http_charset_replaces_what_is_no_character(void **state)
{
#define BAD "\xef\xbf\xbd"
    (void)state;
    assert_text("utf-8",
                STR("a\xff"
                    "b\xe5\x80"
                    "c\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xf0\x9f\x98"),
                STR("a" BAD "b" BAD "c" BAD BAD BAD BAD BAD BAD BAD BAD BAD BAD));
    assert_text("utf-8", STR("\xe5\x80\x8b\xf0\x9f\x98\x80"), STR("個😀"));
    assert_text("shift_jis", STR("\x82 a\x81\xad\x82"), STR(BAD " a" BAD BAD));
    assert_text("euc-jp",
                STR("\xa4"
                    "a\xa4\xa2\xff\xa4"),
                STR(BAD "aあ" BAD BAD));
    assert_text("utf-16le",
                STR("a\0\x00\xd8"
                    "b\0\x00\xdc"
                    "c\0d"),
                STR("a" BAD "b" BAD "c" BAD));
    assert_text("windows-1252",
                STR("\x81"
                    "a"),
                STR(BAD "a"));
}

static void http_charset_leaves_out_the_byte_order_mark(void **state)
{
    (void)state;
    assert_text("utf-8",
                STR("\xef\xbb\xbf"
                    "a\xef\xbb\xbf"),
                STR("a\xef\xbb\xbf"));
    assert_text("utf-8", STR("\xef\xbb\xbf"), STR(""));
    assert_text("utf-16be", STR("\xfe\xff\0a"), STR("a"));
    assert_text("utf-16le",
                STR("\xff\xfe"
                    "a\0"),
                STR("a"));
    assert_text("utf-8", STR(""), STR(""));
}

static void http_charset_stops_at_a_full_buffer_between_characters(void **state)
{
    static const char *const labels[] = {"utf-8", "shift_jis"};
    static const struct str encoded[] = {{"\xe5\x80\x8b\xe4\xba\xba", 6}, {"\x8c\xc2\x90\x6c", 4}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t max = 1; max <= 7; max++) {
            struct buf text;

            buf_init(&text, max);
            assert_int_equal(http_charset_convert(http_charset_find(str_from(labels[i])), encoded[i], &text), max >= 6);
            assert_int_equal(text.len, max / 3 * 3);
            buf_deinit(&text);
        }
    }
}

static void assert_chosen(const char *content_type, struct str start, const char *name, const char *reason)
{
    struct http_charset_choice choice = http_charset_choose(str_from(content_type), start);

    if (strcmp(http_charset_name(choice.charset), name) != 0 ||
        strcmp(http_charset_reason_name(choice.reason), reason) != 0)
        fail_msg("%s, %.*s: %s by %s is not %s by %s", content_type, STR_ARG(start), http_charset_name(choice.charset),
                 http_charset_reason_name(choice.reason), name, reason);
}

static void http_charset_takes_declarations_in_order(void **state)
{
    (void)state;
    assert_chosen("text/html; charset=shift_jis",
                  STR("\xef\xbb\xbf"
                      "a"),
                  "utf-8", "bom");
    assert_chosen("text/html; charset=shift_jis",
                  STR("\xff\xfe"
                      "a"),
                  "utf-16le", "bom");
    assert_chosen("text/html; charset=shift_jis",
                  STR("\xfe\xff"
                      "a"),
                  "utf-16be", "bom");
    assert_chosen("text/html; charset=\" X-SJIS \"", STR("<meta charset=utf-8>"), "shift_jis", "content-type");
    assert_chosen("text/html; charset=utf-7", STR("<meta charset=euc-jp>"), "euc-jp", "meta");
    assert_chosen("text/html; charset=utf-7", STR("+ADw-script+AD4-"), "utf-8", "default");
    assert_chosen("application/xml", STR("<?xml version='1.0' encoding='EUC-JP'?><a/>"), "euc-jp", "xml");
    assert_chosen("text/html", STR("<?xml version=\"1.0\" encoding=\"Shift_JIS\"?><meta charset=utf-8>"), "shift_jis",
                  "xml");
    assert_chosen("application/xml", STR("<\0?\0x\0"), "utf-16le", "xml");
    assert_chosen("text/css", STR("@charset \"shift_jis\";a{}"), "shift_jis", "meta");
    assert_chosen("text/css", STR("@charset 'shift_jis';a{}"), "utf-8", "default");
    assert_chosen("text/plain", STR("<meta charset=euc-jp>"), "utf-8", "default");
    assert_chosen("", STR("<meta charset=euc-jp>"), "euc-jp", "meta");
    assert_chosen("application/json", STR("{\"a\": \"\xe9\"}"), "utf-8", "default");
    assert_chosen("text/plain", STR("caf\xe9"), "windows-1252", "default");
    assert_chosen("", STR(""), "utf-8", "default");
}

static void http_charset_reads_meta_as_browsers_do(void **state)
{
    static const char *const found[] = {
        "<meta charset=euc-jp>",
        "<META CharSet = 'EUC-JP' />",
        "<meta/charset=\"euc-jp\"/>",
        "<html><head><title>x</title><meta name=a content=b><meta charset=\"x-euc-jp\">",
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=euc-jp\">",
        "<meta content='text/html;charset=EUC-JP' http-equiv=content-type>",
        "<meta http-equiv=content-type content='text/html; charset = \"euc-jp\"'>",
        "<!-- <meta charset=utf-8> --><meta charset=euc-jp>",
        "<meta charset=nonsense><meta charset=euc-jp>",
        "<a b='<'><meta charset=euc-jp>",
    };
    static const char *const not_found[] = {
        "<metas charset=euc-jp>",
        "<meta content=\"charset=euc-jp\">",
        "<!-- <meta charset=euc-jp>",
        "<meta charset=",
        "<meta charset",
        "<meta",
        "<meta =euc-jp>",
        "<meta http-equiv=refresh content='1; charset=euc-jp'>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
        assert_chosen("text/html", str_from(found[i]), "euc-jp", "meta");
    for (size_t i = 0; i < sizeof(not_found) / sizeof(not_found[0]); i++)
        assert_chosen("text/html", str_from(not_found[i]), "utf-8", "default");
    assert_chosen("text/html", STR("<meta charset=utf-16>"), "utf-8", "meta");
}

static void http_charset_looks_for_meta_in_1024_bytes(void **state)
{
    static const struct str meta = {"<meta charset=euc-jp>", 21};
    char page[1024 + 64];

    (void)state;
    for (size_t end = 1023; end <= 1025; end++) {
        memset(page, ' ', sizeof(page));
        memcpy(page + end - meta.len, meta.ptr, meta.len);
        assert_chosen("text/html", (struct str){page, sizeof(page)}, end <= 1025 ? "euc-jp" : "utf-8",
                      end <= 1025 ? "meta" : "default");
    }
    memset(page, ' ', sizeof(page));
    memcpy(page + 1024 - 6, meta.ptr, meta.len);
    assert_chosen("text/html", (struct str){page, sizeof(page)}, "utf-8", "default");
}

static void http_charset_detects_japanese(void **state)
{
    static const char *const texts[] = {japanese,       "個人情報",
                                        "ログイン",     "東京都 name=山田太郎&x=1",
                                        "半角ｶﾅと全角", "{\"氏名\":\"髙橋\",\"住所\":\"大阪府\"}"};
    static const char *const names[][2] = {
        {"shift_jis", "CP932"}, {"euc-jp", "EUC-JP-MS"}, {"utf-8", "UTF-8"}, {"iso-2022-jp", "ISO-2022-JP-3"}};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
            struct buf encoded;

            if (strcmp(names[j][0], "iso-2022-jp") == 0 && strstr(texts[i], "髙"))
                continue; /* The encoder does not have it. */
            assert_chosen("text/plain", encode(&encoded, names[j][1], str_from(texts[i])), names[j][0], "bytes");
            buf_deinit(&encoded);
        }
    }
}

static void http_charset_detects_a_text_cut_at_any_byte(void **state)
{
    static const char *const names[][2] = {{"shift_jis", "CP932"}, {"euc-jp", "EUC-JP-MS"}, {"utf-8", "UTF-8"}};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct buf encoded;
        struct str whole = encode(&encoded, names[i][1], STR(japanese));

        for (size_t len = 30; len < whole.len; len++)
            assert_chosen("text/plain", str_head(whole, len), names[i][0], "bytes");
        buf_deinit(&encoded);
    }
}

static void http_charset_does_not_take_others_for_japanese(void **state)
{
    static const char *const texts[][2] = {
        {"CP1252", "It’s a “nice” café – naïve façade, déjà vu, garçon, crème brûlée, Übergröße, señor"},
        {"CP1252", "don’t can’t won’t"},
        {"CP1252", "© 2026 Müller & Söhne, Größe: 5 m²"},
        {"CP1251", "Привет, это обычный текст на русском языке для проверки."},
        {"KOI8-R", "Привет, это обычный текст на русском языке для проверки."},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct buf encoded;

        assert_chosen("text/plain", encode(&encoded, texts[i][0], str_from(texts[i][1])), "windows-1252", "default");
        buf_deinit(&encoded);
    }
}

static void http_charset_detects_utf_16_of_latin_text(void **state)
{
    struct buf encoded;

    (void)state;
    assert_chosen("text/plain", encode(&encoded, "UTF-16LE", STR("plain text")), "utf-16le", "bytes");
    buf_deinit(&encoded);
    assert_chosen("text/plain", encode(&encoded, "UTF-16BE", STR("plain text")), "utf-16be", "bytes");
    buf_deinit(&encoded);
}

static void http_charset_finds_labels(void **state)
{
    static const char *const pairs[][2] = {{"UTF8", "utf-8"},
                                           {"unicode-1-1-utf-8", "utf-8"},
                                           {"latin1", "windows-1252"},
                                           {"us-ascii", "windows-1252"},
                                           {"ISO-8859-1", "windows-1252"},
                                           {"x-x-big5", "big5"},
                                           {"windows-31j", "shift_jis"},
                                           {"MS_Kanji", "shift_jis"},
                                           {"cseucpkdfmtjapanese", "euc-jp"},
                                           {"csiso2022jp", "iso-2022-jp"},
                                           {"\t\n utf-16 \r\f", "utf-16le"},
                                           {"ks_c_5601-1987", "euc-kr"},
                                           {"iso-8859-8-i", "iso-8859-8-i"},
                                           {"iso-8859-9", "windows-1254"}};

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(http_charset_name(http_charset_find(str_from(pairs[i][0]))), pairs[i][1]);
    assert_null(http_charset_find(STR("utf-7")));
    assert_null(http_charset_find(STR("")));
    assert_null(http_charset_find(STR("utf-8 utf8")));
    assert_null(http_charset_find(STR("utf")));
}

/* Every encoding of the table must be one that iconv has: two bytes that are characters in all of them come out as
 * some, and ASCII as it is. */
static void http_charset_has_every_encoding(void **state)
{
    static const char *const labels[] = {
        "ibm866",       "iso-8859-2",   "iso-8859-3",   "iso-8859-4",     "iso-8859-5",   "iso-8859-6",
        "iso-8859-7",   "iso-8859-8",   "iso-8859-8-i", "iso-8859-10",    "iso-8859-13",  "iso-8859-14",
        "iso-8859-15",  "iso-8859-16",  "koi8-r",       "koi8-u",         "macintosh",    "windows-874",
        "windows-1250", "windows-1251", "windows-1252", "windows-1253",   "windows-1254", "windows-1255",
        "windows-1256", "windows-1257", "windows-1258", "x-mac-cyrillic", "gbk",          "gb18030",
        "big5",         "euc-jp",       "shift_jis",    "euc-kr"};

    (void)state;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        struct buf text;

        convert(&text, labels[i], STR("\xe0\xe1"), SIZE_MAX);
        if (text.len < 2 || str_find(buf_str(&text), STR(BAD)) != STR_ABSENT)
            fail_msg("%s: %.*s", labels[i], STR_ARG(buf_str(&text)));
        buf_deinit(&text);
        assert_text(labels[i], STR("<a b=\"c\">\r\n\t$'{}[]|^@`~"), STR("<a b=\"c\">\r\n\t$'{}[]|^@`~"));
    }
}

static void http_charset_knows_text(void **state)
{
    static const char *const texts[] = {"text/html; charset=x",  "TEXT/plain",    "application/json",
                                        "application/ld+json",   "image/svg+xml", "application/x-www-form-urlencoded",
                                        "application/javascript"};
    static const char *const others[] = {"image/png", "application/pdf", "font/woff2", "video/mp4", "application/zip"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_true(http_charset_is_text(str_from(texts[i]), STR("\0")));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(http_charset_is_text(str_from(others[i]), STR("abc")));
    assert_true(http_charset_is_text(STR(""), STR("abc")));
    assert_false(http_charset_is_text(STR(""), STR("a\0bc")));
    assert_true(http_charset_is_text(STR("multipart/form-data; boundary=x"), STR("--x")));
    assert_true(http_charset_is_text(STR("application/octet-stream"), STR("abc")));
    assert_false(http_charset_is_text(STR("application/octet-stream"), STR("\0")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_charset_converts_japanese),
        cmocka_unit_test(http_charset_converts_what_windows_adds_to_jis),
        cmocka_unit_test(http_charset_reads_iso_2022_jp_with_errors),
        cmocka_unit_test(http_charset_converts_others),
        cmocka_unit_test(http_charset_replaces_what_is_no_character),
        cmocka_unit_test(http_charset_leaves_out_the_byte_order_mark),
        cmocka_unit_test(http_charset_stops_at_a_full_buffer_between_characters),
        cmocka_unit_test(http_charset_takes_declarations_in_order),
        cmocka_unit_test(http_charset_reads_meta_as_browsers_do),
        cmocka_unit_test(http_charset_looks_for_meta_in_1024_bytes),
        cmocka_unit_test(http_charset_detects_japanese),
        cmocka_unit_test(http_charset_detects_a_text_cut_at_any_byte),
        cmocka_unit_test(http_charset_does_not_take_others_for_japanese),
        cmocka_unit_test(http_charset_detects_utf_16_of_latin_text),
        cmocka_unit_test(http_charset_finds_labels),
        cmocka_unit_test(http_charset_has_every_encoding),
        cmocka_unit_test(http_charset_knows_text),
    };

    return cmocka_run_group_tests_name("http/charset", tests, NULL, NULL);
}
