/* Covers the promise that a query means one thing: random queries are evaluated on random exchanges and asked of the
 * index made of them, and the answers are compared.
 *
 * SEKISHO_PAIRS sets how many pairs are tried (100,000 when unset), SEKISHO_SEED repeats a run; both are printed.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "model/facts_url.h"
#include "query/eval.h"
#include "query/parse.h"
#include "query/sql.h"
#include "support/query_sqlite.h"
#include "unit/query/specimen.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

enum {
    EXCHANGES = 25,
    QUERIES_PER_EXCHANGES = 40,
    NESTING_MAX = 4,
    TEXT_BYTES_MAX = 64,
};

static const struct query_parse_options options = {.now_us = 1795342000000000};

static uint64_t random_state;

/* xorshift64*; the same on every machine. */
static uint64_t random_number(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

static size_t below(size_t limit) { return (size_t)((random_number() >> 33) % limit); }

static bool one_in(size_t count) { return below(count) == 0; }

/* Pieces that texts are made of, in exchanges and in queries alike, so that they meet. */
static const struct str pieces[] = {
    BYTES("a"),
    BYTES("A"),
    BYTES("abc"),
    BYTES("ABC"),
    BYTES("b"),
    BYTES("\xc3\xa4"),
    BYTES("\xc3\x84"),
    BYTES("\xc3\x9f"),
    BYTES("\xe2\x84\xaa"),
    BYTES("k"),
    BYTES("K"),
    BYTES("\xc5\xbf"),
    BYTES("s"),
    BYTES("\xff"),
    BYTES("\xc3"),
    BYTES("a\0b"),
    BYTES("%"),
    BYTES("_"),
    BYTES("*"),
    BYTES("'; DROP TABLE exchange; --"),
    BYTES("\""),
    BYTES("\\"),
    BYTES("/"),
    BYTES("."),
    BYTES("?"),
    BYTES(":"),
    BYTES("example.com"),
    BYTES("GET"),
    BYTES("get"),
    BYTES("\xe6\x97\xa5\xe6\x9c\xac"),
    BYTES("\xe6\x97\xa5"),
    BYTES("HTTP/1.1"),
    BYTES("HTTP/2"),
    BYTES("http"),
    BYTES("https"),
    BYTES("TLSv1.3"),
    BYTES("."),
    BYTES("js"),
    BYTES("200"),
    BYTES(" "),
    BYTES("*"),
    BYTES("ok"),
    BYTES("\xc8\xba"),
    BYTES("\xe2\xb1\xa5"),
    BYTES("x,y"),
    BYTES("\xed\xa0\x80"),
    BYTES("\xf0\x90\x90\x80"),
};

static const struct str flags[] = {BYTES("ambiguous"),     BYTES("truncated"), BYTES("edited"),
                                   BYTES("browser-noise"), BYTES("cl-and-te"), BYTES("edit")};

static const int64_t numbers[] = {0, 1, 2, 60, 80, 200, 404, 443, 1000, 8080, 65535, 1000000, 1795342000000000};

static struct str random_text(struct arena *arena, size_t piece_max)
{
    size_t count = 1 + below(piece_max);
    char *text = arena_alloc(arena, TEXT_BYTES_MAX * piece_max);
    size_t len = 0;

    CHECK(text);
    for (size_t i = 0; i < count; i++) {
        struct str piece = pieces[below(COUNT(pieces))];

        memcpy(text + len, piece.ptr, piece.len);
        len += piece.len;
    }
    return (struct str){text, len};
}

/* The URLs of the exchanges there are: no random text would ever equal one. */
static struct str urls[EXCHANGES];

static struct str url_of(const struct exchange_facts *facts, struct arena *arena)
{
    struct str url;
    struct buf buf;

    buf_init(&buf, FACTS_URL_BYTES_MAX);
    CHECK(!err_is(facts_url_write(facts, &buf)));
    CHECK(!err_is(arena_copy(arena, buf_str(&buf), &url)));
    buf_deinit(&buf);
    return url;
}

/* Sometimes absent. */
static struct str maybe_text(struct arena *arena) { return one_in(3) ? STR_NONE : random_text(arena, 2); }

/* Hosts and media types are lower-case. */
static struct str maybe_lower(struct arena *arena)
{
    struct str text = maybe_text(arena);
    char *lowered = arena_alloc(arena, text.len + 1);

    CHECK(lowered);
    for (size_t i = 0; i < text.len; i++)
        lowered[i] = str_fold_char(text.ptr[i]);
    return (struct str){lowered, text.len};
}

static int64_t maybe_us(void) { return one_in(3) ? FACTS_UNKNOWN_US : numbers[below(COUNT(numbers))]; }

static struct str random_flags(struct arena *arena)
{
    char *list = arena_alloc(arena, 256);
    size_t len = 0;

    CHECK(list);
    for (size_t i = 0; i < COUNT(flags); i++) {
        if (one_in(3))
            len += (size_t)snprintf(list + len, 256 - len, "%s%.*s", len ? "," : "", STR_ARG(flags[i]));
    }
    return (struct str){list, len};
}

static void random_tls(struct facts_tls *tls, struct arena *arena)
{
    tls->version = maybe_text(arena);
    tls->cipher = maybe_text(arena);
    tls->alpn = maybe_text(arena);
    tls->sni = maybe_text(arena);
    tls->ja4 = maybe_text(arena);
    tls->verify = maybe_text(arena);
    tls->subject = maybe_text(arena);
    tls->issuer = maybe_text(arena);
    tls->sha256 = maybe_text(arena);
}

static void random_half(struct facts_half *half)
{
    half->wire_len = one_in(3) ? 0 : (uint64_t)numbers[below(COUNT(numbers))];
    half->body_len = (uint64_t)numbers[below(COUNT(numbers))];
    half->is_complete = one_in(2);
}

static void random_facts(struct exchange_facts *facts, struct arena *arena)
{
    static const struct str schemes[] = {BYTES(""),    BYTES("http"), BYTES("https"), BYTES("tcp"),
                                         BYTES("tls"), BYTES("ws"),   BYTES("wss")};
    static const uint16_t ports[] = {0, 80, 443, 8080};
    static const char *const addresses[] = {"", "127.0.0.1", "::1", "a"};

    facts->at_us = options.now_us - (int64_t)below(300000) * 1000000;
    facts->source = (enum exchange_source)below(3);
    facts->kind = (enum exchange_kind)below(4);
    facts->method = maybe_text(arena);
    facts->scheme = schemes[below(COUNT(schemes))];
    facts->host = one_in(8) ? STR("::1") : maybe_lower(arena);
    facts->port = ports[below(COUNT(ports))];
    facts->path = one_in(8) ? STR("*") : maybe_text(arena);
    facts->query = maybe_text(arena);
    facts->client_version = (enum http_version)below(5);
    facts->origin_version = (enum http_version)below(5);
    facts->status = (unsigned)numbers[below(8)];
    facts->reason = maybe_text(arena);
    facts->type = maybe_lower(arena);
    facts->title = maybe_text(arena);
    random_half(&facts->half[0]);
    random_half(&facts->half[1]);
    facts->time_us = maybe_us();
    facts->first_byte_us = maybe_us();
    facts->dns_us = maybe_us();
    facts->connect_us = maybe_us();
    facts->tls_us = maybe_us();
    snprintf(facts->client.ip, sizeof(facts->client.ip), "%s", addresses[below(COUNT(addresses))]);
    snprintf(facts->origin.ip, sizeof(facts->origin.ip), "%s", addresses[below(COUNT(addresses))]);
    facts->client.port = ports[below(COUNT(ports))];
    facts->origin.port = ports[below(COUNT(ports))];
    facts->client_connection = below(3);
    facts->origin_connection = below(3);
    random_tls(&facts->client_tls, arena);
    random_tls(&facts->origin_tls, arena);
    facts->flags = random_flags(arena);
    facts->error = maybe_text(arena);
    facts->error_text = maybe_text(arena);
}

static struct str random_head(struct arena *arena)
{
    struct str name = random_text(arena, 1);
    struct str value = random_text(arena, 2);
    struct str head;

    CHECK(!err_is(arena_format(arena, &head, "GET /%.*s HTTP/1.1\r\na: %.*s\r\n%.*s: b\r\nCookie: a=%.*s\r\n\r\n",
                               STR_ARG(value), STR_ARG(value), STR_ARG(name), STR_ARG(value))));
    return head;
}

static void random_specimen(struct specimen *specimen, uint64_t id, struct arena *arena)
{
    specimen_init(specimen);
    random_facts(&specimen->facts, arena);
    specimen->facts.id = id;
    for (int side = 0; side < 2; side++) {
        if (one_in(3))
            continue;
        specimen->sent[side].head = random_head(arena);
        specimen->sent[side].body = maybe_text(arena);
        specimen->sent[side].wire = maybe_text(arena);
        if (one_in(3))
            specimen->original[side] = (struct specimen_message){random_head(arena), maybe_text(arena), STR_NONE};
    }
    specimen->marks = (struct facts_marks){maybe_text(arena), random_flags(arena), maybe_text(arena)};
    specimen->is_in_scope = one_in(2);
    specimen->subject.project = maybe_text(arena);
}

static void put(struct buf *query, const char *text) { CHECK(!err_is(buf_append(query, str_from(text)))); }

static void put_quoted(struct buf *query, struct str text)
{
    put(query, "\"");
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c == '"' || c == '\\' || c < 0x20)
            CHECK(!err_is(buf_format(query, "\\x%02x", c)));
        else
            CHECK(!err_is(buf_append_char(query, (char)c)));
    }
    put(query, "\"");
}

static void put_number(struct buf *query, enum query_type type)
{
    static const char *const times[] = {"today",      "yesterday",           "-1h", "-30m", "now",
                                        "2026-11-20", "2026-11-22T08:00:00Z"};
    static const char *const durations[] = {"0us", "1us", "60us", "1ms", "1s", "0.2ms"};
    static const char *const sizes[] = {"0", "60", "200", "1kb", "1mb", "1kib", "0.2kb"};

    if (type == QUERY_TIME)
        put(query, times[below(COUNT(times))]);
    else if (type == QUERY_DURATION)
        put(query, durations[below(COUNT(durations))]);
    else if (type == QUERY_SIZE)
        put(query, sizes[below(COUNT(sizes))]);
    else if (type == QUERY_BOOLEAN)
        put(query, one_in(2) ? "true" : "false");
    else
        CHECK(!err_is(buf_format(query, "%" PRId64, numbers[below(COUNT(numbers))])));
}

static struct str random_operand(struct arena *arena, const struct query_field *field)
{
    static const struct str known[] = {BYTES("proxy"),    BYTES("sender"),    BYTES("http"),
                                       BYTES("tunnel"),   BYTES("https"),     BYTES("::1"),
                                       BYTES("HTTP/1.1"), BYTES("127.0.0.1"), BYTES("")};

    if ((field->traits & QUERY_FIELD_LIST) && !one_in(6))
        return flags[below(COUNT(flags))];
    if (field->origin == QUERY_FROM_URL && !one_in(4))
        return urls[below(EXCHANGES)];
    return one_in(4) ? known[below(COUNT(known))] : random_text(arena, 1);
}

static void put_value(struct buf *query, struct arena *arena, const struct query_field *field)
{
    if (field->type == QUERY_TEXT)
        put_quoted(query, random_operand(arena, field));
    else
        put_number(query, field->type);
}

static void put_pattern(struct buf *query)
{
    static const char *const patterns[] = {"/a/",       "/A/i",     "/^a.*b$/s",      "/\\./",       "/^$/",
                                           "/[^a]/",    "/^http/",  "/(a|b)+c/",      "/\xc3\xa4/i", "/\\xff/",
                                           "/^(a+)+$/", "/\\d{3}/", "/\xe6\x97\xa5./"};

    put(query, patterns[below(COUNT(patterns))]);
}

static void put_list(struct buf *query, struct arena *arena, const struct query_field *field)
{
    size_t count = 1 + below(4);

    put(query, " IN (");
    for (size_t i = 0; i < count; i++) {
        put(query, i ? ", " : "");
        put_value(query, arena, field);
    }
    put(query, ")");
}

static void put_comparison(struct buf *query, struct arena *arena, bool columns_only)
{
    static const char *const ops[] = {" = ", " != ", " : ", " !: ", " < ", " <= ", " > ", " >= "};
    const struct query_field *field;
    size_t op = below(10);

    do {
        field = query_field_at(below(query_field_count()));
    } while (columns_only && field->origin != QUERY_FROM_COLUMN && field->origin != QUERY_FROM_URL);
    if (!columns_only && (field->traits & QUERY_FIELD_ORIGINAL) && one_in(4))
        put(query, "orig.");
    put(query, field->name);
    put(query, field->traits & QUERY_FIELD_NAMED ? "[a]" : "");
    if (op == 8 && field->type == QUERY_TEXT && !columns_only) {
        put(query, one_in(2) ? " =~ " : " !~ ");
        put_pattern(query);
    } else if (op == 9 || (op == 8 && field->type != QUERY_TEXT)) {
        put_list(query, arena, field);
    } else {
        bool has_order = field->type != QUERY_BOOLEAN && !(columns_only && (field->traits & QUERY_FIELD_LIST));

        put(query, ops[has_order ? op % COUNT(ops) : op % 4]);
        put_value(query, arena, field);
    }
}

static void put_condition(struct buf *query, struct arena *arena, bool columns_only)
{
    static const char *const predicates[] = {"is:tls",   "is:edited",   "has:body",    "has:response", "is:https",
                                             "has:url",  "has:error",   "from:sender", "has:flag",     "is:incomplete",
                                             "has:path", "has:tls.sni", "has:req.len", "is:tunnel",    "has:host"};

    if (one_in(8)) {
        put(query, predicates[below(COUNT(predicates))]);
    } else if (!columns_only && one_in(10)) {
        put(query, one_in(2) ? "in:scope" : "");
        put_quoted(query, random_text(arena, 1));
    } else {
        put_comparison(query, arena, columns_only);
    }
}

static void put_query(struct buf *query, struct arena *arena, bool columns_only, unsigned nesting)
{
    size_t count = 1 + below(3);

    for (size_t i = 0; i < count; i++) {
        if (i)
            put(query, one_in(3) ? " " : one_in(2) ? " AND " : " OR ");
        put(query, one_in(4) ? "NOT " : "");
        if (nesting == 0 || one_in(2)) {
            put_condition(query, arena, columns_only);
            continue;
        }
        put(query, "(");
        put_query(query, arena, columns_only, nesting - 1);
        put(query, ")");
    }
}

struct tally {
    uint64_t pairs, matches, exact_queries, queries, undecided;
};

struct world {
    sqlite3 *db;
    struct arena arena;
    struct specimen specimens[EXCHANGES];
};

static void world_fill(struct world *world)
{
    query_sqlite_check(world->db, sqlite3_exec(world->db, "DELETE FROM exchange", NULL, NULL, NULL), "delete");
    arena_reset(&world->arena);
    for (size_t i = 0; i < EXCHANGES; i++) {
        random_specimen(&world->specimens[i], i + 1, &world->arena);
        urls[i] = url_of(&world->specimens[i].facts, &world->arena);
        query_sqlite_insert(world->db, &world->specimens[i].facts);
    }
}

static void select_rows(struct world *world, const struct query_sql *sql, bool is_selected[EXCHANGES])
{
    sqlite3_stmt *statement = query_sqlite_prepare(world->db, sql);
    int code;

    memset(is_selected, 0, EXCHANGES * sizeof(bool));
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        is_selected[sqlite3_column_int64(statement, 0) - 1] = true;
    query_sqlite_check(world->db, code, sql->where.ptr);
    sqlite3_finalize(statement);
}

static void compare_answers(struct world *world, const struct query_tree *tree, const struct query_sql *sql,
                            struct tally *tally)
{
    bool is_selected[EXCHANGES];

    select_rows(world, sql, is_selected);
    for (size_t i = 0; i < EXCHANGES; i++) {
        bool is_match = false;
        struct err failure = query_eval(tree, &world->specimens[i].subject, NULL, &is_match);
        bool may_match = is_match || err_is(failure);

        tally->pairs++;
        tally->matches += is_match;
        tally->undecided += err_is(failure);
        if ((may_match && !is_selected[i]) || (sql->is_exact && (is_match != is_selected[i] || err_is(failure))))
            fail_msg("exchange %zu: evaluated %d, selected %d\n%.*s\n%.*s", i + 1, may_match, is_selected[i],
                     STR_ARG(tree->text), STR_ARG(sql->where));
    }
}

static void try_query(struct world *world, struct tally *tally)
{
    bool columns_only = one_in(2);
    struct query_tree *tree = NULL;
    struct query_error error = {0};
    struct query_sql sql;
    struct arena arena;
    struct buf text;

    buf_init(&text, 1 << 20);
    arena_init(&arena, 16 << 20);
    put_query(&text, &arena, columns_only, NESTING_MAX);
    if (err_is(query_parse(buf_str(&text), &options, &tree, &error)))
        fail_msg("%s at %zu\n%.*s", error.message, error.position, STR_ARG(buf_str(&text)));
    assert_false(err_is(query_sql(tree, &arena, &sql)));
    assert_int_equal(strlen(sql.where.ptr), sql.where.len);
    if (columns_only && !sql.is_exact)
        fail_msg("a query on columns is not exact\n%.*s", STR_ARG(tree->text));
    tally->queries++;
    tally->exact_queries += sql.is_exact;
    compare_answers(world, tree, &sql, tally);
    query_tree_free(&tree);
    arena_deinit(&arena);
    buf_deinit(&text);
}

static uint64_t number_from_environment(const char *name, uint64_t otherwise)
{
    uint64_t value;

    return str_to_u64(str_from(getenv(name)), &value) ? value : otherwise;
}

static void query_sql_agrees_with_query_eval(void **state)
{
    static struct world world;
    struct tally tally = {0};
    uint64_t pairs = number_from_environment("SEKISHO_PAIRS", 100000);
    uint64_t seed = number_from_environment("SEKISHO_SEED", (uint64_t)time(NULL) << 20 | (uint64_t)clock());

    (void)state;
    print_message("# SEKISHO_SEED=%" PRIu64 " SEKISHO_PAIRS=%" PRIu64 "\n", seed, pairs);
    random_state = seed ? seed : 1;
    world.db = query_sqlite_open();
    arena_init(&world.arena, 64 << 20);
    while (tally.pairs < pairs) {
        world_fill(&world);
        for (size_t i = 0; i < QUERIES_PER_EXCHANGES && tally.pairs < pairs; i++)
            try_query(&world, &tally);
    }
    print_message("# %" PRIu64 " queries (%" PRIu64 " exact), %" PRIu64 " pairs, %" PRIu64 " matches, %" PRIu64
                  " undecided\n",
                  tally.queries, tally.exact_queries, tally.pairs, tally.matches, tally.undecided);
    /* A generator whose queries match nothing, or everything, would show nothing. */
    assert_true(tally.matches > tally.pairs / 10 && tally.matches < tally.pairs * 9 / 10);
    assert_true(tally.exact_queries > tally.queries / 3);
    sqlite3_close(world.db);
    arena_deinit(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(query_sql_agrees_with_query_eval)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
