/* digest.h - SHA-256, with the algorithm looked up once and the state used again. */
#ifndef STORE_DIGEST_H
#define STORE_DIGEST_H

#include "base/err.h"
#include "base/str.h"

#define STORE_DIGEST_BYTES 32

struct store_digest;

struct store_digest *store_digest_new(void);
void store_digest_free(struct store_digest **digest);

void store_digest_start(struct store_digest *digest);
void store_digest_add(struct store_digest *digest, struct str bytes);
void store_digest_finish(struct store_digest *digest, uint8_t ret_sha256[STORE_DIGEST_BYTES]);

#endif
