/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads streams back from a database for the scenario tests, byte for byte, deletes them, and
 * stores events that the gateway would not. Each line of standard input is "read", "delete",
 * "tombstone" or "store" and a stream name in base64, for "store" with id, type, content type
 * and data of an event, in base64 too; the answer is one JSON line per event that was read
 * with its bytes in base64, then {"end": …}. Whoever
 * READBACK_CREDENTIALS=USER:PASSWORD names asks, otherwise nobody in particular; READBACK_TLS says
 * whom to trust. Owns one channel; one call at a time.
 */
#include "proto/streams.pb-c.h"

#include <gnutls/gnutls.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS "/event_store.client.streams.Streams/"

enum { CALL_SECONDS = 10 };

/* What a line says after its word. */
enum { STREAM_NAME, EVENT_ID, EVENT_TYPE, CONTENT_TYPE, DATA, ARGUMENTS_MAX };

/* One thing that a line can ask for. */
struct command {
	const char *word;
	const char *method;
	size_t argument_count;
	grpc_byte_buffer *(*encode)(const gnutls_datum_t *arguments);
};

static void
print_base64(const char *name, const uint8_t *bytes, size_t len)
{
	const gnutls_datum_t source = {(unsigned char *)bytes, (unsigned)len};
	gnutls_datum_t text = {NULL, 0};

	if (len > 0 && gnutls_base64_encode2(&source, &text) != 0)
		abort();
	printf(
	    ",\"%s\":\"%.*s\"", name, (int)text.size, text.data ? (char *)text.data : "");
	gnutls_free(text.data);
}

static void
print_uuid(const EventStore__Client__UUID *id)
{
	printf(",\"id\":");
	if (id && id->value_case == EVENT_STORE__CLIENT__UUID__VALUE_STRUCTURED) {
		const uint64_t most = (uint64_t)id->structured->most_significant_bits;
		const uint64_t least = (uint64_t)id->structured->least_significant_bits;

		printf("\"%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64
		       "-%012" PRIx64 "\"",
		    most >> 32, (most >> 16) & 0xffff, most & 0xffff, least >> 48,
		    least & 0xffffffffffff);
	} else {
		printf("null");
	}
}

static ProtobufCBinaryData
metadata_value(
    const EventStore__Client__Streams__ReadResp__RecordedEvent *event, const char *key)
{
	for (size_t i = 0; i < event->n_metadata; i++)
		if (event->metadata[i]->key.len == strlen(key) &&
		    memcmp(event->metadata[i]->key.data, key, strlen(key)) == 0)
			return event->metadata[i]->value;
	return (ProtobufCBinaryData){0, NULL};
}

static void
print_event(const EventStore__Client__Streams__ReadResp__RecordedEvent *event)
{
	const ProtobufCBinaryData type = metadata_value(event, "type");
	const ProtobufCBinaryData content_type = metadata_value(event, "content-type");

	printf("{\"revision\":%" PRIu64 ",\"position\":%" PRIu64
	       ",\"content_type\":\"%.*s\"",
	    event->stream_revision, event->commit_position, (int)content_type.len,
	    content_type.data ? (char *)content_type.data : "");
	print_uuid(event->id);
	print_base64("type", type.data, type.len);
	print_base64("data", event->data.data, event->data.len);
	print_base64("metadata", event->custom_metadata.data, event->custom_metadata.len);
	printf("}\n");
}

static grpc_byte_buffer *
pack(const ProtobufCMessage *message)
{
	const size_t len = protobuf_c_message_get_packed_size(message);
	grpc_slice slice = grpc_slice_malloc(len);

	protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
	grpc_byte_buffer *packed = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	return packed;
}

static ProtobufCBinaryData
bytes_of(const gnutls_datum_t *datum)
{
	return (ProtobufCBinaryData){datum->size, datum->data};
}

/* The request for all events of a stream, from its start. */
static grpc_byte_buffer *
encode_read(const gnutls_datum_t *arguments)
{
	EventStore__Client__Empty empty = EVENT_STORE__CLIENT__EMPTY__INIT;
	EventStore__Client__StreamIdentifier name =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	EventStore__Client__Streams__ReadReq__Options__StreamOptions stream =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTIONS__INIT;
	EventStore__Client__Streams__ReadReq__Options__UUIDOption uuid =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__UUIDOPTION__INIT;
	EventStore__Client__Streams__ReadReq__Options options =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__INIT;
	EventStore__Client__Streams__ReadReq request =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__INIT;

	name.has_stream_name = true;
	name.stream_name = bytes_of(&arguments[STREAM_NAME]);
	stream.stream_identifier = &name;
	stream.revision_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTIONS__REVISION_OPTION_START;
	stream.start = &empty;
	uuid.content_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__UUIDOPTION__CONTENT_STRUCTURED;
	uuid.structured = &empty;
	options.stream_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__STREAM_OPTION_STREAM;
	options.stream = &stream;
	options.count_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__COUNT_OPTION_COUNT;
	options.count = INT64_MAX;
	options.filter_option_case =
	    EVENT_STORE__CLIENT__STREAMS__READ_REQ__OPTIONS__FILTER_OPTION_NO_FILTER;
	options.no_filter = &empty;
	options.uuid_option = &uuid;
	request.options = &options;

	return pack(&request.base);
}

/* The request to delete a stream at whatever version; that of Tombstone is the same. */
static grpc_byte_buffer *
encode_delete(const gnutls_datum_t *arguments)
{
	EventStore__Client__Empty empty = EVENT_STORE__CLIENT__EMPTY__INIT;
	EventStore__Client__StreamIdentifier name =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	EventStore__Client__Streams__DeleteReq__Options options =
	    EVENT_STORE__CLIENT__STREAMS__DELETE_REQ__OPTIONS__INIT;
	EventStore__Client__Streams__DeleteReq request =
	    EVENT_STORE__CLIENT__STREAMS__DELETE_REQ__INIT;

	name.has_stream_name = true;
	name.stream_name = bytes_of(&arguments[STREAM_NAME]);
	options.stream_identifier = &name;
	options.expected_stream_revision_case =
	    EVENT_STORE__CLIENT__STREAMS__DELETE_REQ__OPTIONS__EXPECTED_STREAM_REVISION_ANY;
	options.any = &empty;
	request.options = &options;
	return pack(&request.base);
}

static EventStore__Client__Streams__BatchAppendReq__ProposedMessage__MetadataEntry
entry_of(const char *key, const gnutls_datum_t *value)
{
	EventStore__Client__Streams__BatchAppendReq__ProposedMessage__MetadataEntry entry =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__PROPOSED_MESSAGE__METADATA_ENTRY__INIT;

	entry.has_key = true;
	entry.key = (ProtobufCBinaryData){strlen(key), (uint8_t *)(uintptr_t)key};
	entry.has_value = true;
	entry.value = bytes_of(value);
	return entry;
}

static EventStore__Client__UUID
uuid_of(const gnutls_datum_t *text)
{
	EventStore__Client__UUID uuid = EVENT_STORE__CLIENT__UUID__INIT;

	uuid.value_case = EVENT_STORE__CLIENT__UUID__VALUE_STRING;
	uuid.string = bytes_of(text);
	return uuid;
}

/* The request to append one event at whatever version. */
static grpc_byte_buffer *
encode_store(const gnutls_datum_t *arguments)
{
	EventStore__Client__Streams__BatchAppendReq__ProposedMessage__MetadataEntry
	    entries[] = {entry_of("type", &arguments[EVENT_TYPE]),
		entry_of("content-type", &arguments[CONTENT_TYPE])};
	EventStore__Client__Streams__BatchAppendReq__ProposedMessage__MetadataEntry
	    *metadata[] = {&entries[0], &entries[1]};
	EventStore__Client__UUID id = uuid_of(&arguments[EVENT_ID]);
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
	EventStore__Client__StreamIdentifier name =
	    EVENT_STORE__CLIENT__STREAM_IDENTIFIER__INIT;
	EventStore__Client__Streams__BatchAppendReq__Options options =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__INIT;
	EventStore__Client__Streams__BatchAppendReq__ProposedMessage event =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__PROPOSED_MESSAGE__INIT;
	EventStore__Client__Streams__BatchAppendReq__ProposedMessage *events[] = {&event};
	EventStore__Client__Streams__BatchAppendReq request =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__INIT;

	name.has_stream_name = true;
	name.stream_name = bytes_of(&arguments[STREAM_NAME]);
	options.stream_identifier = &name;
	options.expected_stream_position_case =
	    EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_ANY;
	options.any = &empty;
	event.id = &id;
	event.n_metadata = 2;
	event.metadata = metadata;
	event.has_data = true;
	event.data = bytes_of(&arguments[DATA]);
	request.correlation_id = &id;
	request.options = &options;
	request.n_proposed_messages = 1;
	request.proposed_messages = events;
	request.has_is_final = true;
	request.is_final = true;
	return pack(&request.base);
}

static const struct command commands[] = {
    {"read", STREAMS "Read", 1, encode_read},
    {"delete", STREAMS "Delete", 1, encode_delete},
    {"tombstone", STREAMS "Tombstone", 1, encode_delete},
    {"store", STREAMS "BatchAppend", ARGUMENTS_MAX, encode_store},
};

static const struct command *
find_command(const char *word)
{
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(word, commands[i].word) == 0)
			return &commands[i];
	return NULL;
}

/* Waits for one batch of operations. */
static bool
run_batch(grpc_call *call, grpc_completion_queue *queue, const grpc_op *ops, size_t count)
{
	void *const tag = call;

	if (grpc_call_start_batch(call, ops, count, tag, NULL) != GRPC_CALL_OK)
		abort();
	const grpc_event event = grpc_completion_queue_pluck(
	    queue, tag, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
	return event.success != 0;
}

/* Prints an answer; false when the stream does not exist. */
static bool
print_answer(grpc_byte_buffer *message)
{
	grpc_byte_buffer_reader reader;
	bool is_found = true;

	if (!grpc_byte_buffer_reader_init(&reader, message))
		abort();
	grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
	EventStore__Client__Streams__ReadResp *answer =
	    event_store__client__streams__read_resp__unpack(
		NULL, GRPC_SLICE_LENGTH(slice), GRPC_SLICE_START_PTR(slice));
	if (!answer)
		abort();
	if (answer->content_case ==
		EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_EVENT &&
	    answer->event->event)
		print_event(answer->event->event);
	else if (answer->content_case ==
		 EVENT_STORE__CLIENT__STREAMS__READ_RESP__CONTENT_STREAM_NOT_FOUND)
		is_found = false;
	event_store__client__streams__read_resp__free_unpacked(answer, NULL);
	grpc_slice_unref(slice);
	grpc_byte_buffer_reader_destroy(&reader);
	return is_found;
}

/* "Basic …" for the user and password of the environment; the caller frees it. NULL: none. */
static char *
basic_credentials(void)
{
	const char *text = getenv("READBACK_CREDENTIALS");
	gnutls_datum_t coded = {NULL, 0};
	char *value;

	if (!text)
		return NULL;
	const gnutls_datum_t plain = {(unsigned char *)text, (unsigned)strlen(text)};

	if (gnutls_base64_encode2(&plain, &coded) != 0 ||
	    asprintf(&value, "Basic %.*s", (int)coded.size, (char *)coded.data) < 0)
		abort();
	gnutls_free(coded.data);
	return value;
}

static void
start_call(grpc_call *call, grpc_completion_queue *queue, grpc_byte_buffer *message,
    grpc_metadata_array *initial)
{
	char *credentials = basic_credentials();
	grpc_metadata header;
	grpc_op ops[4];

	memset(&header, 0, sizeof header);
	header.key = grpc_slice_from_static_string("authorization");
	header.value = grpc_slice_from_copied_string(credentials ? credentials : "");

	memset(ops, 0, sizeof ops);
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[0].flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY;
	ops[0].data.send_initial_metadata.metadata = &header;
	ops[0].data.send_initial_metadata.count = credentials ? 1 : 0;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = message;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = initial;
	run_batch(call, queue, ops, 4);
	grpc_slice_unref(header.value);
	free(credentials);
}

/* Prints every event that comes; false when the stream does not exist. */
static bool
print_events(grpc_call *call, grpc_completion_queue *queue, bool is_read)
{
	bool is_found = true;

	for (;;) {
		grpc_byte_buffer *message = NULL;
		grpc_op op;

		memset(&op, 0, sizeof op);
		op.op = GRPC_OP_RECV_MESSAGE;
		op.data.recv_message.recv_message = &message;
		if (!run_batch(call, queue, &op, 1) || !message)
			return is_found;
		if (is_read)
			is_found = print_answer(message) && is_found;
		grpc_byte_buffer_destroy(message);
	}
}

static void
print_end(grpc_call *call, grpc_completion_queue *queue, bool is_found)
{
	grpc_metadata_array trailing;
	grpc_status_code status = GRPC_STATUS_UNKNOWN;
	grpc_slice details = grpc_empty_slice();
	grpc_op op;

	grpc_metadata_array_init(&trailing);
	memset(&op, 0, sizeof op);
	op.op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	op.data.recv_status_on_client.trailing_metadata = &trailing;
	op.data.recv_status_on_client.status = &status;
	op.data.recv_status_on_client.status_details = &details;
	run_batch(call, queue, &op, 1);
	if (status != GRPC_STATUS_OK)
		printf("{\"end\":\"status %d\"", (int)status);
	else
		printf("{\"end\":\"%s\"", is_found ? "ok" : "not-found");
	print_base64(
	    "details", GRPC_SLICE_START_PTR(details), GRPC_SLICE_LENGTH(details));
	printf("}\n");
	grpc_slice_unref(details);
	grpc_metadata_array_destroy(&trailing);
}

static void
carry_out(const struct command *command, grpc_channel *channel,
    grpc_completion_queue *queue, const gnutls_datum_t *arguments)
{
	const gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
	    gpr_time_from_seconds(CALL_SECONDS, GPR_TIMESPAN));
	grpc_call *call = grpc_channel_create_call(channel, NULL, 0, queue,
	    grpc_slice_from_static_string(command->method), NULL, deadline, NULL);
	grpc_byte_buffer *message = command->encode(arguments);
	grpc_metadata_array initial;

	grpc_metadata_array_init(&initial);
	start_call(call, queue, message, &initial);
	print_end(call, queue, print_events(call, queue, command->encode == encode_read));
	fflush(stdout);
	grpc_metadata_array_destroy(&initial);
	grpc_byte_buffer_destroy(message);
	grpc_call_unref(call);
}

/* Decodes what follows the word. False: it is something else than the command wants. */
static bool
read_arguments(const struct command *command, char *rest, gnutls_datum_t *arguments)
{
	for (size_t i = 0; i < command->argument_count; i++) {
		char *coded = strsep(&rest, " ");
		const gnutls_datum_t text = {
		    (unsigned char *)coded, coded ? (unsigned)strlen(coded) : 0};

		if (!coded ||
		    (text.size > 0 && gnutls_base64_decode2(&text, &arguments[i]) != 0))
			return false;
	}
	return rest == NULL;
}

static bool
carry_out_line(char *line, grpc_channel *channel, grpc_completion_queue *queue)
{
	const struct command *command = find_command(strsep(&line, " "));
	gnutls_datum_t arguments[ARGUMENTS_MAX] = {0};
	bool is_good = command != NULL && read_arguments(command, line, arguments);

	if (is_good)
		carry_out(command, channel, queue, arguments);
	for (size_t i = 0; i < ARGUMENTS_MAX; i++)
		gnutls_free(arguments[i].data);
	return is_good;
}

/* Carries out lines until the end of input; false when one cannot be understood. */
static bool
serve(grpc_channel *channel, grpc_completion_queue *queue)
{
	char *line = NULL;
	size_t capacity = 0;
	bool is_good = true;

	while (is_good && getline(&line, &capacity, stdin) > 0) {
		line[strcspn(line, "\n")] = '\0';
		is_good = carry_out_line(line, channel, queue);
	}
	free(line);
	return is_good;
}

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t capacity = 0;

	if (file == NULL || getdelim(&text, &capacity, '\0', file) < 0) {
		fprintf(stderr, "readback: cannot read %s\n", path);
		exit(1);
	}
	fclose(file);
	return text;
}

static grpc_channel_credentials *
trust_anybody(void)
{
	grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
	grpc_tls_certificate_verifier *verifier =
	    grpc_tls_certificate_verifier_no_op_create();

	grpc_tls_credentials_options_set_verify_server_cert(options, 0);
	grpc_tls_credentials_options_set_certificate_verifier(options, verifier);
	grpc_tls_certificate_verifier_release(verifier);
	grpc_tls_credentials_options_set_check_call_host(options, 0);
	return grpc_tls_credentials_create(options);
}

/* READBACK_TLS is a file of authorities, or "unverified"; without it there is no TLS. */
static grpc_channel_credentials *
make_credentials(void)
{
	const char *tls = getenv("READBACK_TLS");
	grpc_channel_credentials *credentials;
	char *roots;

	if (tls == NULL)
		return grpc_insecure_credentials_create();
	if (strcmp(tls, "unverified") == 0)
		return trust_anybody();
	roots = read_file(tls);
	credentials = grpc_ssl_credentials_create_ex(roots, NULL, NULL, NULL);
	free(roots);
	return credentials;
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: readback HOST:PORT < commands\n");
		return 2;
	}
	grpc_init();
	grpc_arg limit = {.type = GRPC_ARG_INTEGER,
	    .key = (char *)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
	    .value.integer = -1};
	const grpc_channel_args args = {1, &limit};
	grpc_channel_credentials *credentials = make_credentials();
	grpc_channel *channel = grpc_channel_create(argv[1], credentials, &args);
	grpc_completion_queue *queue = grpc_completion_queue_create_for_pluck(NULL);
	const bool is_good = serve(channel, queue);

	grpc_channel_destroy(channel);
	grpc_channel_credentials_release(credentials);
	grpc_completion_queue_shutdown(queue);
	grpc_completion_queue_destroy(queue);
	grpc_shutdown();
	return is_good ? 0 : 1;
}
