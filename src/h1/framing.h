/* framing.h - how long a message is: the one decision that smuggling is made of (RFC 9112, 6.3).
 *
 * What cannot be decided is H1_FRAMING_CLOSE, for requests too: all that comes until the sender ends is passed on, and
 * no byte of it is ever taken for the next message.
 */
#ifndef H1_FRAMING_H
#define H1_FRAMING_H

#include "h1/decoder.h"

/* The request that a response answers, as far as the framing of the response depends on it. */
enum h1_framing_answered {
    H1_FRAMING_ANSWERED_OTHER,
    H1_FRAMING_ANSWERED_HEAD,
    H1_FRAMING_ANSWERED_CONNECT,
};

struct h1_framing_decision {
    enum h1_framing framing;
    uint64_t content_length; /* with H1_FRAMING_LENGTH */
    bool is_interim;
    bool keeps_alive;
    uint32_t flags; /* to add to those of the head */
};

/* `head_flags` are those of the head: only one with H1_FLAG_BAD_FIELD is searched for fields that resemble others. */
struct h1_framing_decision h1_framing_of_request(const struct http_message *message, uint32_t head_flags);
struct h1_framing_decision h1_framing_of_response(const struct http_message *message, uint32_t head_flags,
                                                  enum h1_framing_answered answered);

#endif
