/* process.h - what concerns the process as a whole: its files' limit, its dumps, its children. */
#ifndef OS_PROCESS_H
#define OS_PROCESS_H

#include "base/err.h"

/* Raises the soft limit of open files to the hard one; returns what is in force. */
uint64_t os_process_raise_file_limit(void);
/* No core dumps and no ptrace by others of the same user, since keys are in memory. */
void os_process_forbid_dump(void);
/* Starts a program without a shell; argv ends with NULL.  *ret_id is its process id. */
MUST_CHECK struct err os_process_spawn(const char *const *argv, int *ret_id);
/* Runs a program to its end; its exit status, 127 when it could not be started. */
int os_process_run(const char *const *argv);
/* Of a child. */
bool os_process_is_running(int id);
/* Of any process, also of other users. */
bool os_process_exists(int id);
/* Asks a child to end (SIGTERM). */
void os_process_stop(int id);
/* The full path of a program found in PATH; ERR_ABSENT. */
MUST_CHECK struct err os_process_find(const char *name, char *path, size_t size);
/* Environment variable; NULL when unset. */
const char *os_process_env(const char *name);
bool os_process_is_terminal(int fd);
int os_process_id(void);

#endif
