/* SPDX-License-Identifier: Apache-2.0 */
/* A database that stores nothing and answers every append with success at once, so that a
 * measurement is never about the database. Speaks gossip (this node leads), server features,
 * BatchAppend, AppendRecords and Read (no stream is there); everything else is UNIMPLEMENTED. In
 * clear text, or TLS when it is given a certificate. One thread; owns the server and its calls. */
#include "bench/protobuf_walk.h"
#include "bench/sink_answer.h"

#include "client-core/base/alloc.h"
#include "client-core/base/list.h"

#include <getopt.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	POSITION_STEP = 1000,
	RECEIVE_MAX_BYTES = 64 * 1024 * 1024,
	WINDOW_BYTES = 8 * 1024 * 1024,
	PEM_MAX_BYTES = 64 * 1024
};

struct options {
	const char *address;
	const char *certificate; /* NULL: clear text */
	const char *key;
};

enum method {
	METHOD_OTHER,
	METHOD_GOSSIP,
	METHOD_FEATURES,
	METHOD_BATCH_APPEND,
	METHOD_APPEND_RECORDS,
	METHOD_READ
};

struct sink;

/* Each batch has a tag of its own: the function that goes on when the batch is done. */
struct tag {
	void (*run)(struct tag *tag, bool is_ok);
};

struct answer {
	struct kdb_list link;
	grpc_byte_buffer *bytes;
};

struct call {
	struct tag opened, received, sent, closed, ended;
	struct sink *sink;
	grpc_call *grpc;
	enum method method;
	unsigned tags_out;
	bool is_sending;
	bool is_half_closed;
	bool is_ended;
	int is_cancelled;
	grpc_byte_buffer *message;
	struct kdb_list answers;
	struct kdb_list waiting; /* link: answers wait for the end of the burst */
};

struct sink {
	struct tag accepted;
	grpc_completion_queue *queue;
	grpc_server *server;
	grpc_call *next_call;
	grpc_call_details details;
	grpc_metadata_array metadata;
	struct kdb_list waiting;
	uint64_t position;
	uint16_t port;
};

#define OWNER_OF(tag_, type, member)                                                     \
	((struct type *)(void *)((char *)(tag_)-offsetof(struct type, member)))

static volatile sig_atomic_t is_stopping;

static void
start(struct call *call, const grpc_op *ops, size_t count, struct tag *tag)
{
	call->tags_out++;
	if (grpc_call_start_batch(call->grpc, ops, count, tag, NULL) != GRPC_CALL_OK)
		abort();
}

static void
free_if_done(struct call *call)
{
	struct kdb_list *link;

	if (--call->tags_out > 0)
		return;
	while ((link = kdb_list_pop_front(&call->answers)) != NULL) {
		struct answer *answer = KDB_LIST_ITEM(link, struct answer, link);

		grpc_byte_buffer_destroy(answer->bytes);
		free(answer);
	}
	kdb_list_remove(&call->waiting);
	grpc_call_unref(call->grpc);
	free(call);
}

static void
receive_next(struct call *call)
{
	grpc_op op = { .op = GRPC_OP_RECV_MESSAGE,
		.data.recv_message.recv_message = &call->message };

	start(call, &op, 1, &call->received);
}

static void
end_call(struct call *call, grpc_status_code code)
{
	grpc_op op = { .op = GRPC_OP_SEND_STATUS_FROM_SERVER,
		.data.send_status_from_server.status = code };

	if (call->is_ended)
		return;
	call->is_ended = true;
	start(call, &op, 1, &call->ended);
}

/* Every message but the last of a burst stays in C core's buffer, so a burst is one write. */
static void
send_next(struct call *call)
{
	struct kdb_list *link;
	struct answer *answer;
	grpc_op op = { .op = GRPC_OP_SEND_MESSAGE };

	if (call->is_sending || call->is_ended)
		return;
	link = kdb_list_pop_front(&call->answers);
	if (link == NULL) {
		if (call->is_half_closed)
			end_call(call, GRPC_STATUS_OK);
		return;
	}
	answer = KDB_LIST_ITEM(link, struct answer, link);
	op.data.send_message.send_message = answer->bytes;
	op.flags = kdb_list_is_empty(&call->answers) ? 0 : GRPC_WRITE_BUFFER_HINT;
	call->is_sending = true;
	start(call, &op, 1, &call->sent);
	grpc_byte_buffer_destroy(answer->bytes);
	free(answer);
}

static void
run_sent(struct tag *tag, bool is_ok)
{
	struct call *call = OWNER_OF(tag, call, sent);

	call->is_sending = false;
	if (is_ok)
		send_next(call);
	free_if_done(call);
}

static void
queue_answer(struct call *call, grpc_slice bytes)
{
	struct answer *answer = kdb_alloc(sizeof(*answer));

	answer->bytes = grpc_raw_byte_buffer_create(&bytes, 1);
	grpc_slice_unref(bytes);
	kdb_list_push_back(&call->answers, &answer->link);
	if (kdb_list_is_empty(&call->waiting))
		kdb_list_push_back(&call->sink->waiting, &call->waiting);
}

/* Answers the last message of an append; the messages before it are only taken. */
static bool
take_append(struct call *call, struct protobuf_walk walk)
{
	struct protobuf_walk correlation = { 0 };
	struct protobuf_field field;
	bool is_final = false;

	while (protobuf_walk_next(&walk, &field)) {
		if (field.number == 1 && field.bytes.at != NULL)
			correlation = field.bytes;
		else if (field.number == 4 && field.bytes.at == NULL)
			is_final = field.value != 0;
	}
	if (walk.at != walk.end || correlation.at == NULL ||
	    correlation.end - correlation.at > SINK_CORRELATION_MAX_BYTES)
		return false;
	if (is_final)
		queue_answer(call,
		    sink_answer_append(&correlation, call->sink->position += POSITION_STEP));
	return true;
}

static bool
take_message(struct call *call, const grpc_slice *bytes)
{
	struct protobuf_walk walk = { GRPC_SLICE_START_PTR(*bytes),
		GRPC_SLICE_END_PTR(*bytes) };

	switch (call->method) {
	case METHOD_BATCH_APPEND: return take_append(call, walk);
	case METHOD_APPEND_RECORDS:
		queue_answer(call,
		    sink_answer_records(walk, call->sink->position += POSITION_STEP));
		return true;
	case METHOD_READ: queue_answer(call, sink_answer_no_stream()); return true;
	case METHOD_GOSSIP: queue_answer(call, sink_answer_gossip(call->sink->port)); return true;
	case METHOD_FEATURES: queue_answer(call, sink_answer_features()); return true;
	case METHOD_OTHER: break;
	}
	return false;
}

static void
take_half_close(struct call *call)
{
	call->is_half_closed = true;
	if (kdb_list_is_empty(&call->waiting))
		send_next(call);
}

static void
run_received(struct tag *tag, bool is_ok)
{
	struct call *call = OWNER_OF(tag, call, received);
	grpc_byte_buffer *message = call->message;
	grpc_byte_buffer_reader reader;
	grpc_slice bytes;
	bool is_good;

	call->message = NULL;
	if (!is_ok || message == NULL) {
		take_half_close(call);
		free_if_done(call);
		return;
	}
	receive_next(call);
	is_good = grpc_byte_buffer_reader_init(&reader, message);
	if (is_good) {
		bytes = grpc_byte_buffer_reader_readall(&reader);
		is_good = take_message(call, &bytes);
		grpc_slice_unref(bytes);
		grpc_byte_buffer_reader_destroy(&reader);
	}
	grpc_byte_buffer_destroy(message);
	if (!is_good)
		end_call(call, GRPC_STATUS_INVALID_ARGUMENT);
	free_if_done(call);
}

static void
run_nothing(struct tag *tag, bool is_ok)
{
	(void)is_ok;
	free_if_done(OWNER_OF(tag, call, opened));
}

static void
run_closed(struct tag *tag, bool is_ok)
{
	struct call *call = OWNER_OF(tag, call, closed);

	(void)is_ok;
	if (call->is_cancelled)
		end_call(call, GRPC_STATUS_CANCELLED);
	free_if_done(call);
}

static void
run_ended(struct tag *tag, bool is_ok)
{
	(void)is_ok;
	free_if_done(OWNER_OF(tag, call, ended));
}

static enum method
method_of(const grpc_slice *path)
{
	static const struct {
		const char *path;
		enum method method;
	} methods[] = {
		{ "/event_store.client.streams.Streams/BatchAppend", METHOD_BATCH_APPEND },
		{ "/kurrentdb.protocol.v2.streams.StreamsService/AppendRecords",
		    METHOD_APPEND_RECORDS },
		{ "/event_store.client.streams.Streams/Read", METHOD_READ },
		{ "/event_store.client.gossip.Gossip/Read", METHOD_GOSSIP },
		{ "/event_store.client.server_features.ServerFeatures/GetSupportedMethods",
		    METHOD_FEATURES },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (grpc_slice_str_cmp(*path, methods[i].path) == 0)
			return methods[i].method;
	return METHOD_OTHER;
}

static void
accept_next(struct sink *sink)
{
	grpc_call_details_init(&sink->details);
	grpc_metadata_array_init(&sink->metadata);
	if (grpc_server_request_call(sink->server, &sink->next_call, &sink->details,
		&sink->metadata, sink->queue, sink->queue, &sink->accepted) != GRPC_CALL_OK)
		abort();
}

static void
open_call(struct sink *sink, enum method method)
{
	struct call *call = kdb_alloc_zero(1, sizeof(*call));
	grpc_op head = { .op = GRPC_OP_SEND_INITIAL_METADATA };
	grpc_op close = { .op = GRPC_OP_RECV_CLOSE_ON_SERVER,
		.data.recv_close_on_server.cancelled = &call->is_cancelled };

	call->opened.run = run_nothing;
	call->received.run = run_received;
	call->sent.run = run_sent;
	call->closed.run = run_closed;
	call->ended.run = run_ended;
	call->sink = sink;
	call->grpc = sink->next_call;
	call->method = method;
	kdb_list_init(&call->answers);
	kdb_list_init(&call->waiting);
	start(call, &close, 1, &call->closed);
	start(call, &head, 1, &call->opened);
	if (method == METHOD_OTHER)
		end_call(call, GRPC_STATUS_UNIMPLEMENTED);
	else
		receive_next(call);
}

static void
run_accepted(struct tag *tag, bool is_ok)
{
	struct sink *sink = OWNER_OF(tag, sink, accepted);
	enum method method = METHOD_OTHER;

	if (is_ok)
		method = method_of(&sink->details.method);
	grpc_call_details_destroy(&sink->details);
	grpc_metadata_array_destroy(&sink->metadata);
	if (!is_ok)
		return;
	open_call(sink, method);
	accept_next(sink);
}

static void
flush(struct sink *sink)
{
	struct kdb_list *link;

	while ((link = kdb_list_pop_front(&sink->waiting)) != NULL)
		send_next(KDB_LIST_ITEM(link, struct call, waiting));
}

/* Takes all that is there, answers it as one burst, then sleeps: until a signal at the longest
 * for 200 ms, since a signal does not wake C core. */
static void
serve(struct sink *sink)
{
	while (!is_stopping) {
		gpr_timespec until = kdb_list_is_empty(&sink->waiting)
		    ? gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			  gpr_time_from_millis(200, GPR_TIMESPAN))
		    : gpr_inf_past(GPR_CLOCK_MONOTONIC);
		grpc_event event = grpc_completion_queue_next(sink->queue, until, NULL);

		if (event.type == GRPC_OP_COMPLETE) {
			struct tag *tag = event.tag;

			tag->run(tag, event.success != 0);
		} else {
			flush(sink);
		}
	}
}

static void
run_stopped(struct tag *tag, bool is_ok)
{
	(void)tag;
	(void)is_ok;
}

static void
stop(struct sink *sink)
{
	struct tag stopped = { .run = run_stopped };
	grpc_event event;

	grpc_server_shutdown_and_notify(sink->server, sink->queue, &stopped);
	grpc_server_cancel_all_calls(sink->server);
	do {
		event = grpc_completion_queue_next(
		    sink->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_OP_COMPLETE)
			((struct tag *)event.tag)->run(event.tag, event.success != 0);
	} while (event.tag != &stopped);
	grpc_completion_queue_shutdown(sink->queue);
	do {
		event = grpc_completion_queue_next(
		    sink->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
		if (event.type == GRPC_OP_COMPLETE)
			((struct tag *)event.tag)->run(event.tag, event.success != 0);
	} while (event.type != GRPC_QUEUE_SHUTDOWN);
	grpc_server_destroy(sink->server);
	grpc_completion_queue_destroy(sink->queue);
	grpc_shutdown();
}

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = kdb_alloc_zero(1, PEM_MAX_BYTES + 1);

	if (file == NULL || fread(text, 1, PEM_MAX_BYTES, file) == 0) {
		fprintf(stderr, "sink: cannot read %s\n", path);
		exit(1);
	}
	fclose(file);
	return text;
}

static grpc_server_credentials *
make_credentials(const struct options *options)
{
	grpc_server_credentials *credentials;
	char *certificate, *key;
	grpc_ssl_pem_key_cert_pair pair;

	if (options->certificate == NULL)
		return grpc_insecure_server_credentials_create();
	certificate = read_file(options->certificate);
	key = read_file(options->key);
	pair = (grpc_ssl_pem_key_cert_pair){ key, certificate };
	credentials = grpc_ssl_server_credentials_create_ex(
	    NULL, &pair, 1, GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, NULL);
	free(certificate);
	free(key);
	return credentials;
}

static void
open_server(struct sink *sink, const struct options *options)
{
	char keys[][48] = { GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, GRPC_ARG_HTTP2_BDP_PROBE,
		GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES };
	const int values[] = { RECEIVE_MAX_BYTES, 0, WINDOW_BYTES };
	grpc_arg args[3];
	grpc_channel_args server_args = { 3, args };
	grpc_server_credentials *credentials = make_credentials(options);

	for (size_t i = 0; i < 3; i++)
		args[i] = (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = keys[i],
			.value.integer = values[i] };
	sink->queue = grpc_completion_queue_create_for_next(NULL);
	sink->server = grpc_server_create(&server_args, NULL);
	grpc_server_register_completion_queue(sink->server, sink->queue, NULL);
	sink->port = (uint16_t)grpc_server_add_http2_port(
	    sink->server, options->address, credentials);
	grpc_server_credentials_release(credentials);
	if (sink->port == 0) {
		fprintf(stderr, "sink: cannot listen on %s\n", options->address);
		exit(1);
	}
	grpc_server_start(sink->server);
}

static void
ask_to_stop(int signal_number)
{
	(void)signal_number;
	is_stopping = 1;
}

static void
usage(void)
{
	fputs("usage: sink --listen 127.0.0.1:PORT (0: any; it is printed)\n"
	      "            [--tls-cert FILE --tls-key FILE]\n",
	    stderr);
	exit(2);
}

static void
read_options(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "tls-cert", required_argument, NULL, 'c' },
		{ "tls-key", required_argument, NULL, 'k' },
		{ 0 },
	};
	int name;

	*options = (struct options){ 0 };
	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 'l': options->address = optarg; break;
		case 'c': options->certificate = optarg; break;
		case 'k': options->key = optarg; break;
		default: usage();
		}
	}
	if (options->address == NULL || optind != argc ||
	    (options->certificate == NULL) != (options->key == NULL))
		usage();
}

int
main(int argc, char **argv)
{
	struct sink sink = { .accepted = { run_accepted } };
	struct options options;

	read_options(&options, argc, argv);
	signal(SIGTERM, ask_to_stop);
	signal(SIGINT, ask_to_stop);
	grpc_init();
	kdb_list_init(&sink.waiting);
	open_server(&sink, &options);
	printf("listening on 127.0.0.1:%u\n", sink.port);
	fflush(stdout);
	accept_next(&sink);
	serve(&sink);
	stop(&sink);
	return 0;
}
