/* `sekisho show`: one exchange: what is known of it, heads, bodies; or exactly the bytes that were asked for. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/jsonout.h"
#include "base/log.h"
#include "cli/safe.h"
#include "cli/say.h"
#include "cli/search.h"
#include "model/facts_json.h"
#include "model/facts_url.h"

#define PIECE_BYTES ((size_t)64 * 1024)
#define HEAD_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define BODY_BYTES_MAX ((size_t)1024 * 1024 * 1024)
#define PREVIEW_BYTES_MAX ((size_t)64 * 1024)
#define ITEM_BYTES_MAX ((size_t)32 * 1024 * 1024)
#define HEX_PREVIEW_BYTES ((size_t)512)

struct view {
    const struct cli_env *env;
    struct store_reader *reader;
    struct store_reader_item item;
    bool sides[2]; /* by enum exchange_side: which were asked for */
    bool has_side; /* one was named */
    bool is_hex;
    bool is_terminal;
};

static const char *const side_names[] = {"request", "response"};

/* ---- Facts ---- */

static void print_row(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print_row(const char *name, const char *format, ...)
{
    char text[2000], safe[2100];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    printf("%-10s %s\n", name, log_safe(str_from(text), safe, sizeof(safe)));
}

static void print_title(const struct exchange_facts *facts)
{
    char safe[4200];
    struct buf url;

    buf_init(&url, FACTS_URL_BYTES_MAX);
    IGNORE(facts_url_write(facts, &url));
    printf("#%" PRIu64 " ", facts->id);
    printf("%s ", log_safe(facts->method.len ? facts->method : facts_kind_name(facts->kind), safe, 100));
    printf("%s", log_safe(buf_str(&url), safe, sizeof(safe)));
    if (facts->status)
        printf(" -> %u %s", facts->status, log_safe(facts->reason, safe, 300));
    putchar('\n');
    buf_deinit(&url);
}

static void print_at(const struct exchange_facts *facts)
{
    time_t seconds = (time_t)(facts->at_us / 1000000);
    char text[64] = "";
    struct tm local;

    if (localtime_r(&seconds, &local))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &local);
    print_row("at", "%s, %.*s", text, STR_ARG(facts_source_name(facts->source)));
}

static void print_one_time(const char *name, int64_t us)
{
    if (us != FACTS_UNKNOWN_US)
        printf("  %s %.1f ms", name, (double)us / 1000);
}

static void print_times(const struct exchange_facts *facts)
{
    printf("%-9s", "time");
    print_one_time("dns", facts->dns_us);
    print_one_time("connect", facts->connect_us);
    print_one_time("tls", facts->tls_us);
    print_one_time("first byte", facts->first_byte_us);
    print_one_time("whole", facts->time_us);
    putchar('\n');
}

static void print_tls(const char *name, const struct facts_tls *tls)
{
    if (tls->version.len == 0 && tls->verify.len == 0)
        return;
    print_row(name, "%.*s %.*s%s%.*s%s%.*s%s%.*s%s%.*s", STR_ARG(tls->version), STR_ARG(tls->cipher),
              tls->alpn.len ? ", alpn " : "", STR_ARG(tls->alpn), tls->sni.len ? ", sni " : "", STR_ARG(tls->sni),
              tls->ja4.len ? ", ja4 " : "", STR_ARG(tls->ja4), tls->verify.len ? ", verify " : "",
              STR_ARG(tls->verify));
    if (tls->subject.len)
        print_row("", "%.*s, by %.*s, until %.*s", STR_ARG(str_head(tls->subject, 300)),
                  STR_ARG(str_head(tls->issuer, 300)), STR_ARG(tls->not_after));
}

static void print_facts(const struct view *view)
{
    const struct exchange_facts *facts = &view->item.facts;

    print_title(facts);
    print_at(facts);
    print_row("client", "%s:%u", facts->client.ip, facts->client.port);
    if (facts->origin.ip[0])
        print_row("origin", "%s:%u", facts->origin.ip, facts->origin.port);
    print_times(facts);
    print_tls("client tls", &facts->client_tls);
    print_tls("origin tls", &facts->origin_tls);
    if (facts->sent_target.len)
        print_row("sent as", "%.*s", STR_ARG(str_head(facts->sent_target, 1500)));
    if (facts->flags.len)
        print_row("flags", "%.*s", STR_ARG(facts->flags));
    if (facts->error.len)
        print_row("error", "%.*s: %.*s", STR_ARG(facts->error), STR_ARG(str_head(facts->error_text, 1500)));
    if (view->item.is_open)
        print_row("state", "not ended yet");
    if (view->item.marks.note.len)
        print_row("note", "%.*s", STR_ARG(str_head(view->item.marks.note, 1500)));
    if (view->item.marks.tags.len)
        print_row("tags", "%.*s", STR_ARG(view->item.marks.tags));
}

/* ---- One half, for a person ---- */

/* Up to `len` bytes of a half from `offset`; fewer only at its end. */
static struct err read_bytes(struct view *view, enum exchange_side side, uint64_t offset, struct str *ret_bytes)
{
    static char piece[PIECE_BYTES];
    struct store_reader_range range = {view->item.facts.id, side, offset, ret_bytes->len};
    size_t len;

    TRY(store_reader_raw(view->reader, &range, piece, &len));
    *ret_bytes = (struct str){piece, len};
    return OK;
}

static struct err print_head(struct view *view, enum exchange_side side)
{
    uint64_t head_len = view->item.facts.half[side].head_len, offset = 0;
    struct str piece = STR_NONE;

    do {
        uint64_t left = head_len - offset;

        piece.len = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        TRY(read_bytes(view, side, offset, &piece));
        cli_safe_print(stdout, piece);
        offset += piece.len;
    } while (piece.len && offset < head_len);
    return OK;
}

static void print_remarks(const struct store_reader_body *about)
{
    if (about->is_incomplete)
        puts("[the message ended early]");
    if (about->is_bomb)
        puts("[decompressing was stopped: it grew too much]");
    if (about->is_coding_unknown)
        puts("[its content coding is unknown here; shown as it came]");
    if (about->is_malformed)
        puts("[its framing or coding is damaged; shown as far as it went]");
}

static struct err print_body(struct view *view, enum exchange_side side)
{
    struct store_reader_body about;
    struct buf body;
    struct err err;

    if (view->item.facts.half[side].body_len == 0)
        return OK;
    buf_init(&body, PREVIEW_BYTES_MAX);
    err = store_reader_text(view->reader, view->item.facts.id, side, &body, &about);
    if (!err_is(err)) {
        if (cli_safe_is_text(buf_str(&body))) {
            cli_safe_print(stdout, buf_str(&body));
        } else {
            cli_safe_hex(stdout, str_head(buf_str(&body), HEX_PREVIEW_BYTES), 0);
            if (body.len > HEX_PREVIEW_BYTES)
                about.is_truncated = true;
        }
        if (about.is_truncated)
            printf("[and more: --%s --body shows all]\n", side_names[side]);
        print_remarks(&about);
    }
    buf_deinit(&body);
    return err;
}

static struct err print_tunnelled(struct view *view, enum exchange_side side)
{
    struct str piece = {.len = HEX_PREVIEW_BYTES};

    TRY(read_bytes(view, side, 0, &piece));
    cli_safe_hex(stdout, piece, 0);
    if (view->item.facts.half[side].wire_len > piece.len)
        printf("[and more: --%s --raw gives all]\n", side_names[side]);
    return OK;
}

static struct err print_half(struct view *view, enum exchange_side side)
{
    const struct facts_half *half = &view->item.facts.half[side];

    if (half->wire_len == 0)
        return OK;
    printf("\n--- %s: %" PRIu64 " bytes on the wire, body %" PRIu64 "%s ---\n", side_names[side], half->wire_len,
           half->body_len, half->is_complete ? "" : ", incomplete");
    if (half->head_len == 0)
        return print_tunnelled(view, side);
    TRY(print_head(view, side));
    return print_body(view, side);
}

static struct err show_for_person(struct view *view)
{
    print_facts(view);
    for (int side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE; side++) {
        if (view->sides[side])
            TRY(print_half(view, (enum exchange_side)side));
    }
    return OK;
}

/* ---- Exactly what was asked for ---- */

static void print_exact(const struct view *view, struct str bytes, uint64_t offset)
{
    if (view->is_hex)
        cli_safe_hex(stdout, bytes, offset);
    else if (view->is_terminal)
        cli_safe_print(stdout, bytes);
    else
        fwrite(bytes.ptr, 1, bytes.len, stdout);
}

static struct err show_raw(struct view *view, enum exchange_side side)
{
    struct str piece;
    uint64_t offset = 0;

    do {
        piece.len = PIECE_BYTES;
        TRY(read_bytes(view, side, offset, &piece));
        print_exact(view, piece, offset);
        offset += piece.len;
    } while (piece.len);
    return OK;
}

static struct err show_body(struct view *view, enum exchange_side side)
{
    struct store_reader_body about;
    struct buf body;
    struct err err;

    buf_init(&body, BODY_BYTES_MAX);
    err = store_reader_decoded(view->reader, view->item.facts.id, side, &body, &about);
    if (!err_is(err)) {
        print_exact(view, buf_str(&body), 0);
        if (about.is_truncated)
            cli_say("sekisho: the body is longer than 1 GB and was cut; --raw gives all of it");
        if (about.is_bomb || about.is_malformed || about.is_coding_unknown)
            cli_say("sekisho: the body could not be decoded to its end; --raw gives what was on the wire");
    }
    buf_deinit(&body);
    return err;
}

static struct err show_raw_halves(struct view *view)
{
    for (int side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE; side++) {
        if (view->sides[side])
            TRY(show_raw(view, (enum exchange_side)side));
    }
    return OK;
}

/* ---- JSON ---- */

static struct err read_head(struct view *view, enum exchange_side side, struct buf *head)
{
    uint64_t head_len = view->item.facts.half[side].head_len;
    struct store_reader_range range = {view->item.facts.id, side, 0, (size_t)head_len};
    size_t len;
    char *room;

    if (head_len > HEAD_BYTES_MAX)
        return ERR(ERR_LIMIT, 0, "the head is too large for JSON");
    TRY(buf_reserve(head, (size_t)head_len + 1, &room));
    TRY(store_reader_raw(view->reader, &range, room, &len));
    buf_commit(head, len);
    return OK;
}

/* The row of the log, and the heads as further members. */
static struct err show_json(struct view *view)
{
    static const struct str keys[] = {{"request_head", 12}, {"response_head", 13}};
    struct jsonout out;
    struct buf row, heads;
    struct err err;

    buf_init(&row, HEAD_BYTES_MAX);
    buf_init(&heads, 4 * HEAD_BYTES_MAX);
    jsonout_init(&out, &heads);
    err = facts_json_write(&view->item.facts, &view->item.marks, &row);
    for (int side = EXCHANGE_REQUEST; side <= EXCHANGE_RESPONSE && !err_is(err); side++) {
        struct buf head;

        buf_init(&head, HEAD_BYTES_MAX + 1);
        err = read_head(view, (enum exchange_side)side, &head);
        jsonout_bytes(&out, keys[side], buf_str(&head));
        buf_deinit(&head);
    }
    if (!err_is(err))
        err = jsonout_finish(&out);
    if (!err_is(err))
        printf("%.*s,%.*s}\n", STR_ARG(str_head(buf_str(&row), row.len - 1)), STR_ARG(buf_str(&heads)));
    buf_deinit(&heads);
    buf_deinit(&row);
    return err;
}

/* ---- The command ---- */

static struct err show(struct view *view, const struct cli_args *args)
{
    bool is_body = cli_args_has(args, "body"), is_raw = cli_args_has(args, "raw");
    bool has_response = view->item.facts.half[EXCHANGE_RESPONSE].wire_len > 0;

    if (is_body)
        return show_body(view, view->has_side ? (view->sides[EXCHANGE_REQUEST] ? EXCHANGE_REQUEST : EXCHANGE_RESPONSE)
                               : has_response ? EXCHANGE_RESPONSE
                                              : EXCHANGE_REQUEST);
    if (is_raw || view->is_hex)
        return show_raw_halves(view);
    return view->env->is_json ? show_json(view) : show_for_person(view);
}

static int find_and_show(struct view *view, const struct cli_args *args, uint64_t id)
{
    struct arena arena;
    struct err err;
    int status = CLI_DONE;

    arena_init(&arena, ITEM_BYTES_MAX);
    err = store_reader_get(view->reader, id, &arena, &view->item);
    if (err.code == ERR_ABSENT) {
        cli_say_error("there is no exchange %" PRIu64 " in project '%s'; `sekisho log` lists them", id,
                      view->env->project);
        status = CLI_FAILED;
    } else if (err_is(err) || err_is(err = show(view, args))) {
        status = cli_search_failed(view->env, err);
    }
    arena_deinit(&arena);
    return status;
}

static bool choose_sides(struct view *view, const struct cli_args *args)
{
    bool wants_request = cli_args_has(args, "request"), wants_response = cli_args_has(args, "response");

    view->has_side = wants_request != wants_response;
    view->sides[EXCHANGE_REQUEST] = wants_request || !wants_response;
    view->sides[EXCHANGE_RESPONSE] = wants_response || !wants_request;
    view->is_hex = cli_args_has(args, "hex");
    if (!cli_args_has(args, "raw") || !cli_args_has(args, "body"))
        return true;
    cli_say_error("show: --raw is the bytes on the wire, --body what they decode to; choose one");
    return false;
}

static int run(const struct cli_env *env, const struct cli_args *args)
{
    struct view view = {.env = env, .is_terminal = cli_say_is_terminal(STDOUT_FILENO)};
    struct cli_search search;
    uint64_t id;
    int status;

    if (!str_to_u64(str_from(args->operands[0]), &id) || id == 0) {
        cli_say_error("show: an id is a number, as `sekisho log` prints it");
        return CLI_USAGE;
    }
    if (!choose_sides(&view, args))
        return CLI_USAGE;
    status = cli_search_open(&search, env);
    if (status != CLI_DONE)
        return status;
    view.reader = search.reader;
    status = find_and_show(&view, args, id);
    cli_search_close(&search);
    return cli_say_finish() == CLI_DONE ? status : CLI_FAILED;
}

static const struct cli_option options[] = {
    {"request", NULL, "only the request", NULL, NULL},
    {"response", NULL, "only the response", NULL, NULL},
    {"raw", NULL, "exactly the bytes on the wire", NULL, NULL},
    {"body", NULL, "the body, decoded (of the response, unless --request)", NULL, NULL},
    {"hex", NULL, "in hexadecimal; with --body the decoded body", NULL, NULL},
};

const struct cli_command cli_show = {
    .name = "show",
    .summary = "Show one exchange",
    .usage = "ID [--request|--response] [--raw|--body|--hex]",
    .about =
        "On a terminal everything that could drive it is made visible; to a file or pipe --raw and --body give exact\n"
        "bytes. With --json an object: the row that `sekisho log --json` prints, with request_head and response_head.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .operand_min = 1,
    .operand_max = 1,
    .run = run,
};
