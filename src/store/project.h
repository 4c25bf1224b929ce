/* project.h - a project's folder: its name, its lock, and what people wrote in it.
 *
 * docs/project-format.md describes the folder.  A project is open for writing in one process at a time: that one holds
 * the lock for as long as the project is open, and only it may make a recorder.  Any number may be open for reading.
 *
 * Settings and trust live in project.db, every change synced to disk before the call returns.  Calls may come from any
 * thread.  The trust table is also held in memory: looking something up never touches the disk, so traffic loops may.
 *
 * A project.db that is damaged, foreign or of a later version is refused (ERR_DAMAGED) and left as it was.
 */
#ifndef STORE_PROJECT_H
#define STORE_PROJECT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define STORE_PROJECT_NAME_MAX 64       /* bytes */
#define STORE_PROJECT_SETTING_MAX 65536 /* bytes of a setting's value */
#define STORE_PROJECT_TRUST_MAX 10000   /* trusted certificates in one project */
#define STORE_PROJECT_SHA256_HEX 65     /* 64 lower-case hex digits and a NUL */

struct store_project;

enum store_project_mode {
    STORE_PROJECT_READ,  /* must exist; takes no lock, changes nothing */
    STORE_PROJECT_WRITE, /* takes the lock (ERR_BUSY when somebody has it); made when absent */
};

/* Whether the name is allowed: 1-64 of A-Z a-z 0-9 . _ -, first a letter or digit, no '.' at the end, no device name of
 * Windows. */
bool store_project_name_is_valid(struct str name);
/* Names of the projects under `projects_folder`, sorted, one call each; on_name returns false to stop.  A folder that
 * does not exist has none. */
MUST_CHECK struct err store_project_list(const char *projects_folder, bool (*on_name)(void *owner, const char *name),
                                         void *owner);

/* ERR_SYNTAX: bad name.  ERR_ABSENT: no such project (READ).  ERR_DAMAGED: project.db cannot be used. */
MUST_CHECK struct err store_project_open(const char *projects_folder, struct str name, enum store_project_mode mode,
                                         struct store_project **ret_project);
/* Recorder and readers must be closed before. */
void store_project_close(struct store_project **project);
/* "/home/x/.sekisho/projects/default", for store_reader_open(); lives as long as the project. */
const char *store_project_folder(const struct store_project *project);
const char *store_project_name(const struct store_project *project);
bool store_project_is_writable(const struct store_project *project);

/* Settings: UTF-8 names up to 128 bytes.  get appends to `value`; ERR_ABSENT when not set. */
MUST_CHECK struct err store_project_setting_get(struct store_project *project, struct str name, struct buf *value);
/* An empty value with ptr NULL (STR_NONE) removes it. */
MUST_CHECK struct err store_project_setting_set(struct store_project *project, struct str name, struct str value);
MUST_CHECK struct err store_project_setting_list(struct store_project *project,
                                                 bool (*on_setting)(void *owner, struct str name, struct str value),
                                                 void *owner);

/* Certificates of origins that the person accepts although they do not verify: host (lower-case) and port to the
 * SHA-256 of the certificate, or "any" for whatever it shows. */
struct store_project_trust {
    struct str host;
    uint16_t port;
    char sha256[STORE_PROJECT_SHA256_HEX]; /* lower-case hex, or "any" */
    int64_t at_us;                         /* when it was accepted */
};

/* False when nothing is trusted for host:port.  From memory; any thread. */
bool store_project_trust_get(struct store_project *project, struct str host, uint16_t port,
                             char ret_sha256[STORE_PROJECT_SHA256_HEX]);
/* Adds or replaces.  ERR_LIMIT over STORE_PROJECT_TRUST_MAX, ERR_SYNTAX for a bad host or digest. */
MUST_CHECK struct err store_project_trust_set(struct store_project *project, struct str host, uint16_t port,
                                              struct str sha256);
/* ERR_ABSENT when there was none. */
MUST_CHECK struct err store_project_trust_remove(struct store_project *project, struct str host, uint16_t port);
/* `on_trust` is called under the project's lock: it may read nothing from the project and write nothing to it. */
MUST_CHECK struct err store_project_trust_list(struct store_project *project,
                                               bool (*on_trust)(void *owner, const struct store_project_trust *trust),
                                               void *owner);

#endif
