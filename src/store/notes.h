/* notes.h - what a person says about one exchange: a note, tags, a colour.  Kept in project.db by exchange id. */
#ifndef STORE_NOTES_H
#define STORE_NOTES_H

#include "base/buf.h"
#include "base/err.h"
#include "store/project.h"

#define STORE_NOTES_TEXT_MAX 65536 /* bytes of a note */
#define STORE_NOTES_TAG_MAX 64     /* bytes of a tag; no comma, no control characters */
#define STORE_NOTES_TAG_COUNT 64   /* tags on one exchange */
#define STORE_NOTES_COLOR_MAX 32   /* bytes of a colour's name */

/* Appends to `text`; ERR_ABSENT when there is none. */
MUST_CHECK struct err store_notes_text_get(struct store_project *project, uint64_t id, struct buf *text);
/* An empty text removes the note. */
MUST_CHECK struct err store_notes_text_set(struct store_project *project, uint64_t id, struct str text);

/* Appends "a,b" in the order of bytes; ERR_ABSENT when there are none. */
MUST_CHECK struct err store_notes_tags_get(struct store_project *project, uint64_t id, struct buf *tags);
MUST_CHECK struct err store_notes_tag_add(struct store_project *project, uint64_t id, struct str tag);
MUST_CHECK struct err store_notes_tag_remove(struct store_project *project, uint64_t id, struct str tag);

MUST_CHECK struct err store_notes_color_get(struct store_project *project, uint64_t id, struct buf *color);
/* An empty colour removes it. */
MUST_CHECK struct err store_notes_color_set(struct store_project *project, uint64_t id, struct str color);

#endif
