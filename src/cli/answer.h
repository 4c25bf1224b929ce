/* answer.h - what the running program's API answered, in words for the terminal. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "base/err.h"
#include "base/str.h"

/* CLI_DONE for a status of 200 to 299; else says on stderr what the call or the problem document (RFC 9457) says. */
int cli_answer_check(const char *command, struct err err, unsigned status, struct str body);

#endif
