/* hooks.h - what OpenSSL asks during a handshake: the protocol, the verdict, what to do with a new session. */
#ifndef TLS_HOOKS_H
#define TLS_HOOKS_H

#include <openssl/ssl.h>

#include "tls/layer.h"

void tls_hooks_install(SSL_CTX *side_of_loop, enum tls_layer_side side, bool has_keylog);

#endif
