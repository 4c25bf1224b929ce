/* Fuzzes tls/hello: any bytes get an answer, and the same one whole and in pieces whose size the first byte gives. */
#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static enum tls_hello_state push(struct tls_hello *hello, struct str bytes, size_t step)
{
    enum tls_hello_state state = TLS_HELLO_MORE;

    tls_hello_init(hello);
    while (bytes.len && state == TLS_HELLO_MORE) {
        state = tls_hello_push(hello, str_head(bytes, step));
        bytes = str_skip(bytes, step);
    }
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str input = {(const char *)bytes, len};
    struct tls_hello whole, pieces;
    enum tls_hello_state state;

    if (len < 2)
        return 0;
    input = str_skip(input, 1);
    state = push(&whole, input, input.len);
    CHECK(push(&pieces, input, 1u + bytes[0]) == state);
    CHECK(str_eq(whole.sni, pieces.sni) && whole.alpn_count == pieces.alpn_count);
    CHECK(strcmp(whole.ja4, pieces.ja4) == 0);
    CHECK((state == TLS_HELLO_NOT) == (whole.why_not != NULL));
    CHECK((state == TLS_HELLO_IS) == (whole.ja4[0] != '\0'));
    tls_hello_deinit(&whole);
    tls_hello_deinit(&pieces);
    return 0;
}
