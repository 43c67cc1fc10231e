/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DEVDB_EMULATION_H
#define DEVDB_EMULATION_H

#include <stdbool.h>
#include <stddef.h>

/*
 * In what the servers of several versions differ, as recorded (tests/truth, and
 * wire-protocol 8.1). Code asks for a trait, never for a version. All texts are static.
 */
struct devdb_emulation {
	const char *name;    /* as --emulate takes it */
	const char *version; /* as server features tell it */

	/* Methods and limits. */
	bool has_append_session;
	bool has_append_records;
	bool lists_redaction_first; /* among server features */
	const char *redaction_service;
	const char *unknown_service; /* text of the status UNIMPLEMENTED */
	size_t max_append_bytes;     /* without --max-append-size */
	size_t max_append_event_bytes;
	bool counts_data_alone; /* against the limits, not metadata and type */

	/* Writes. */
	bool checks_empty_writes; /* where nothing is written, a deleted stream counts */
	const char *batch_missing_property; /* in-band; NULL: as Append says it */
	const char *batch_bad_stream; /* "$$", in-band; NULL: the stream's name is told */
	const char *batch_empty_stream; /* the same for an empty name */

	/* Reads. */
	const char *read_of_nothing;          /* count 0 */
	const char *read_without_uuid_option; /* NULL: never answered */

	/* The second generation. */
	bool omits_revision_zero;     /* in answers of AppendSession */
	bool fails_at_partial_retry;  /* over several streams: SERVER_MALFUNCTION */
	bool names_tombstoned_stream; /* not the first that failed of anything */
	bool ignores_stream_of_record;
	bool has_ascii_schema_names; /* and does not ask for Unicode NFC */
	const char *stream_twice;    /* after "Stream 'NAME' " */
	const char *schema_name_field;
	const char *empty_schema_name;
	const char *bad_schema_name; /* the name follows */
};

/* The newest version. */
extern const struct devdb_emulation *const devdb_emulation_default;

/* NULL when nothing is known about that version. */
const struct devdb_emulation *devdb_emulation_find(const char *name);

#endif
