#include "store/digest.h"

#include <openssl/evp.h>

struct store_digest {
    EVP_MD *algorithm;
    EVP_MD_CTX *state;
};

/* OpenSSL fails here only without memory or without its default provider: nothing could go on. */
struct store_digest *store_digest_new(void)
{
    struct store_digest *digest = calloc(1, sizeof(*digest));

    CHECK(digest);
    digest->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    digest->state = EVP_MD_CTX_new();
    CHECK(digest->algorithm && digest->state);
    return digest;
}

void store_digest_free(struct store_digest **digest)
{
    if (!*digest)
        return;
    EVP_MD_CTX_free((*digest)->state);
    EVP_MD_free((*digest)->algorithm);
    free(*digest);
    *digest = NULL;
}

void store_digest_start(struct store_digest *digest)
{
    CHECK(EVP_DigestInit_ex2(digest->state, digest->algorithm, NULL) == 1);
}

void store_digest_add(struct store_digest *digest, struct str bytes)
{
    if (bytes.len)
        CHECK(EVP_DigestUpdate(digest->state, bytes.ptr, bytes.len) == 1);
}

void store_digest_finish(struct store_digest *digest, uint8_t ret_sha256[STORE_DIGEST_BYTES])
{
    unsigned len = 0;

    CHECK(EVP_DigestFinal_ex(digest->state, ret_sha256, &len) == 1 && len == STORE_DIGEST_BYTES);
}
