/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a request. Each does one thing and says how it goes on; one loop runs
 * them, and stops where the request waits or is answered. Owns the request, its
 * operation, and everything that decoding took from the body.
 */
#include "daemon/request.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"
#include "daemon/decimal.h"
#include "daemon/guard.h"
#include "daemon/json_write.h"
#include "daemon/log.h"
#include "daemon/uuid.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t status_age_ns = 250 * KDB_NS_PER_MS;

/* How a step ends. A refusal that is set ends the request whatever it says. */
enum verdict {
	GO_ON,
	READ_BODY,
	WAIT,  /* for another request; the next step follows */
	ASKED, /* the database; the last step follows */
	DONE,
};

static const struct kg_endpoint *const endpoints[KG_ROUTE_COUNT] = {
#define KG_ROUTE(name, method, template, endpoint) [KG_ROUTE_##name] = &endpoint,
#include "daemon/routes.def"
#undef KG_ROUTE
};

const struct kdb_client_status *
kg_request_status(struct kg_request *request)
{
	struct kg_gateway *gateway = request->gateway;
	int64_t now = kdb_clock_mono_ns();

	if (gateway->status_mono_ns == 0 ||
	    now - gateway->status_mono_ns > status_age_ns) {
		kdb_client_get_status(gateway->client, &gateway->status);
		gateway->status_mono_ns = now;
	}
	return &gateway->status;
}

void
kg_request_name_server(struct kg_request *request)
{
	const char *version;

	/* The version may be news that is younger than the status we hold. */
	request->gateway->status_mono_ns = 0;
	version = kg_request_status(request)->server_version;
	request->refusal->server_version = version[0] == '\0' ? NULL : version;
}

/* The steps, in the order of checks (api-design 2.1). */

/* Steps 1 to 4. */
static enum verdict
guard(struct kg_request *request)
{
	kg_guard_check(kg_http_head(request->exchange), request->gateway->config,
	    &request->target, request->refusal, &request->must_close);
	return GO_ON;
}

static void
answer_options(struct kg_request *request)
{
	struct kdb_buffer empty;

	kdb_buffer_init(&empty, 0);
	kg_request_answer(request, 204, NULL, &empty);
	kg_request_answer_field(request, "Allow", request->match.allow);
}

/* Steps 5 and 6. */
static enum verdict
route(struct kg_request *request)
{
	kg_claim_note_target(request, kg_http_head(request->exchange));
	if (!kg_router_find(request->method, &request->target,
		request->gateway->config->max_name_bytes, &request->match,
		request->refusal))
		return DONE;
	if (request->match.is_options) {
		answer_options(request);
		return DONE;
	}
	request->endpoint = endpoints[request->match.route];
	return GO_ON;
}

/* Steps 7 to 11; tokens of callers and rates come in front of them. */
static enum verdict
read_parameters(struct kg_request *request)
{
	struct kg_head *head = kg_http_head(request->exchange);
	const struct kg_config *config = request->gateway->config;
	unsigned takes = request->endpoint->takes;
	const struct kg_parameters_context context = {
	    .config = config, .takes = takes, .event_type = request->match.values[1]};

	if ((takes & KG_TAKES_DATABASE) != 0 &&
	    !kg_auth_take(head, config, &request->credentials, request->refusal))
		return DONE;
	if (kg_parameters_read(head, &request->target, &context, &request->parameters,
		request->refusal))
		kg_claim_note_parameters(request, head);
	return GO_ON;
}

/* Step 12. */
static enum verdict
check_length(struct kg_request *request)
{
	size_t max_len = request->gateway->config->max_body_bytes;
	struct kg_refusal *refusal = request->refusal;
	uint64_t len = 0;

	if (!kg_http_body_length(request->exchange, &len) || len <= max_len)
		return GO_ON;
	kg_refusal_set(refusal, KG_PROBLEM_BODY_TOO_LARGE,
	    "The body has %" PRIu64 " bytes, %zu are allowed.", len, max_len);
	refusal->limit_unit = "bytes";
	refusal->limit = (int64_t)max_len;
	refusal->actual = len > INT64_MAX ? INT64_MAX : (int64_t)len;
	refusal->enforced_by = "gateway";
	return DONE;
}

static void
refuse_for_now(struct kg_request *request, enum kg_problem problem, const char *detail)
{
	kg_refusal_set(request->refusal, problem, "%s", detail);
	request->refusal->is_retryable = true;
	request->refusal->retry_after_seconds = 1;
}

/* Without a leader nobody knows what the next one has. */
static bool
lacks_support(struct kg_request *request)
{
	const struct kdb_client_status *status = kg_request_status(request);

	return status->has_leader && status->are_features_known &&
	       !request->endpoint->is_supported(status);
}

static void
check_support(struct kg_request *request)
{
	const struct kg_endpoint *endpoint = request->endpoint;

	if (endpoint->is_supported == NULL || !lacks_support(request))
		return;
	/* There may be another leader since the status that we hold. */
	request->gateway->status_mono_ns = 0;
	if (!lacks_support(request))
		return;
	kg_refusal_set(request->refusal, KG_PROBLEM_OPERATION_NOT_SUPPORTED,
	    "The database is too old for this operation.");
	request->refusal->requires = endpoint->requires;
	kg_request_name_server(request);
}

/* Step 13. */
static enum verdict
admit(struct kg_request *request)
{
	check_support(request);
	if (kg_http_is_draining(request->gateway->http) && !request->endpoint->is_probe)
		refuse_for_now(request, KG_PROBLEM_DRAINING, "The gateway is stopping.");
	if (kg_http_is_excess(request->exchange))
		refuse_for_now(request, KG_PROBLEM_OVERLOADED,
		    "The gateway has too many connections.");
	if (request->refusal->is_set)
		return DONE;
	if (request->endpoint->answer != NULL) {
		request->endpoint->answer(request);
		return DONE;
	}
	if (!kg_http_expect_body(request->exchange,
		request->gateway->config->max_body_bytes, request->parameters.is_gzip))
		refuse_for_now(request, KG_PROBLEM_OVERLOADED,
		    "The gateway holds as many bytes of requests as it may.");
	return READ_BODY;
}

static void
refuse_long_body(struct kg_request *request)
{
	uint64_t max_len = request->gateway->config->max_body_bytes;
	const bool is_gzip = request->parameters.is_gzip;

	if (is_gzip)
		max_len = kg_http_gzip_limit(request->exchange);
	kg_refusal_set(request->refusal, KG_PROBLEM_BODY_TOO_LARGE,
	    is_gzip ? "The body has more than %" PRIu64 " bytes after decompression."
		    : "The body has more than %" PRIu64 " bytes.",
	    max_len);
	request->refusal->limit_unit = "bytes";
	request->refusal->limit = (int64_t)max_len;
	request->refusal->enforced_by = "gateway";
}

/* Steps 14 to 17: the body is there, or was too long to keep. */
static enum verdict
decode(struct kg_request *request)
{
	const char *bytes;
	size_t len;

	request->times.whole_mono_ns = kdb_clock_mono_ns();
	switch (kg_http_body(request->exchange, &bytes, &len)) {
	case KG_HTTP_BODY_TOO_LARGE:
		refuse_long_body(request);
		break;
	case KG_HTTP_BODY_NO_ROOM:
		refuse_for_now(request, KG_PROBLEM_OVERLOADED,
		    "The gateway holds as many bytes of requests as it may.");
		break;
	case KG_HTTP_BODY_BROKEN_GZIP:
		kg_refusal_set(request->refusal, KG_PROBLEM_MALFORMED_REQUEST,
		    "The body is not in gzip form, or not to its end, or something "
		    "follows its end.");
		break;
	case KG_HTTP_BODY_LONG_TRAILERS:
		kg_refusal_set(request->refusal, KG_PROBLEM_HEADERS_TOO_LARGE,
		    "Header fields and trailers together are too large.");
		break;
	case KG_HTTP_BODY_WHOLE:
		request->log.body_len = len;
		request->endpoint->decode(request);
		break;
	}
	return GO_ON;
}

/* Steps 18 to 21 are the endpoint's. From here on the body is not needed any more. */
static enum verdict
prepare(struct kg_request *request)
{
	request->operation = request->endpoint->prepare(request);
	if (!request->refusal->is_set)
		kg_claim_note_body(request);
	kg_append_body_dispose(&request->append.body);
	kg_http_drop_body(request->exchange);
	return GO_ON;
}

static int64_t
effective_timeout_ns(const struct kg_request *request)
{
	const struct kg_config *config = request->gateway->config;
	int64_t timeout_ns = request->parameters.has_timeout
				 ? request->parameters.timeout_ns
				 : config->default_timeout_ns;

	return timeout_ns > config->max_timeout_ns ? config->max_timeout_ns : timeout_ns;
}

/* Step 22: who comes second with an Idempotency-Key waits for the first. */
static enum verdict
claim(struct kg_request *request)
{
	struct kg_request_times *times = &request->times;
	const int64_t now = kdb_clock_mono_ns();
	bool is_taken;

	times->timeout_ns = effective_timeout_ns(request);
	is_taken = kg_claim_take(request);
	if (!request->refusal->is_set)
		times->submit_mono_ns = now;
	return is_taken ? GO_ON : WAIT;
}

/* Suspends first: the completion may run before the submit has returned. */
static enum verdict
submit(struct kg_request *request)
{
	struct kg_request_times *times = &request->times;

	times->asked_timeout_ns = times->timeout_ns;
	request->is_submitted = true;
	if (kg_write_is_fresh(&request->write))
		kdb_operation_mark_fresh(request->operation);
	kg_http_suspend(request->exchange);
	kdb_client_submit(request->gateway->client, request->operation,
	    times->whole_mono_ns + times->timeout_ns);
	return ASKED;
}

static void
refuse_unasked(struct kg_request *request)
{
	refuse_for_now(request, KG_PROBLEM_DRAINING, "The gateway is stopping.");
}

static enum verdict finish(struct kg_request *request);

/* What the database told the first request is what it would tell this one. */
static enum verdict
take_answer(struct kg_request *request)
{
	struct kdb_operation *operation = kg_claim_next(request);

	if (operation == NULL) {
		refuse_unasked(request);
		return DONE;
	}
	kdb_operation_free(request->operation);
	request->operation = operation;
	request->write.is_duplicate = true;
	return finish(request);
}

/* Whoever took the place of the first request may find that nobody can be asked any more:
 * all others are not run again after that. For a client that has left meanwhile nobody is
 * asked either, and the next one has the place. */
static enum verdict
take_place(struct kg_request *request)
{
	const bool is_stopped = kg_http_is_stopped(request->gateway->http);

	if (!is_stopped && !request->is_gone)
		return GO_ON;
	refuse_unasked(request);
	if (is_stopped)
		kg_claim_give_up(request);
	else
		kg_claim_settle(request);
	return DONE;
}

/* Comes behind the wait for the first request, if there was one. */
static enum verdict
rejoin(struct kg_request *request)
{
	switch (request->claim.state) {
	case KG_CLAIM_LATE:
		kg_write_refuse_late(request);
		return DONE;
	case KG_CLAIM_ANSWERED:
		return take_answer(request);
	case KG_CLAIM_HELD:
		return take_place(request);
	default:
		return GO_ON;
	}
}

/* Asks the database once more, unless nobody waits for it or nobody is left to ask. */
static enum verdict
submit_next(struct kg_request *request, struct kdb_operation *next)
{
	const bool is_unwanted = request->is_gone && !kg_claim_is_awaited(request);

	if (request->claim.state == KG_CLAIM_ANSWERED) {
		kdb_operation_free(next);
		return take_answer(request);
	}
	if (is_unwanted || kg_http_is_stopped(request->gateway->http)) {
		kdb_operation_free(next);
		refuse_unasked(request);
		return GO_ON;
	}
	if (!kg_claim_keep(request, request->operation))
		kdb_operation_free(request->operation);
	request->operation = next;
	return submit(request);
}

static void
note_durations(struct kg_request *request)
{
	if (!request->is_submitted)
		return;
	request->is_submitted = false;
	request->times.queued_ns += kdb_operation_queued_ns(request->operation);
	request->times.database_ns += kdb_operation_database_ns(request->operation);
}

/* Steps 23 and 24: what the database said. Comes again when there is more to ask. */
static enum verdict
finish(struct kg_request *request)
{
	struct kdb_operation *next = NULL;
	enum verdict verdict;

	note_durations(request);
	if (request->endpoint->proceed != NULL)
		next = request->endpoint->proceed(request);
	if (next != NULL) {
		verdict = submit_next(request, next);
		if (verdict != GO_ON)
			return verdict;
	}
	if (!request->refusal->is_set)
		request->endpoint->encode(request);
	kg_claim_settle(request);
	return DONE;
}

typedef enum verdict (*step_fn)(struct kg_request *request);

static const step_fn steps[] = {
    guard,
    route,
    read_parameters,
    check_length,
    admit,
    decode,
    prepare,
    claim,
    rejoin,
    submit,
    finish,
};

/* The last step, which every operation that the request needs comes back to. */
enum { STEP_FINISH = sizeof(steps) / sizeof(steps[0]) - 1 };

/* Answers. */

/* Appends a name and milliseconds with a tenth. */
static char *
put_duration(char *at, const char *name, int64_t ns)
{
	const uint64_t tenths =
	    (uint64_t)(ns + KDB_NS_PER_MS / 20) / (KDB_NS_PER_MS / 10);
	const size_t name_len = strlen(name);

	at = kg_decimal_put(mempcpy(at, name, name_len), tenths / 10, 1);
	*at++ = '.';
	return kg_decimal_put(at, tenths % 10, 1);
}

/* The effective timeout, exactly. */
static char *
put_deadline(char *at, int64_t ns)
{
	static const char name[] = ", deadline;dur=";
	const uint64_t rest = (uint64_t)(ns % KDB_NS_PER_MS);

	at = mempcpy(at, name, sizeof(name) - 1);
	at = kg_decimal_put(at, (uint64_t)(ns / KDB_NS_PER_MS), 1);
	if (rest == 0)
		return at;
	*at++ = '.';
	return kg_decimal_put(at, rest, 6);
}

static bool
is_timing_wanted(const struct kg_request *request)
{
	const int option = request->gateway->config->server_timing;

	if (request->times.submit_mono_ns == 0 || option == KG_SERVER_TIMING_OFF)
		return false;
	return option == KG_SERVER_TIMING_ON || kg_http_is_local(request->exchange);
}

static void
put_server_timing(struct kg_request *request)
{
	const struct kg_request_times *times = &request->times;
	char text[5 * (KG_DECIMAL_MAX + 20)];
	char *at = text;

	if (!is_timing_wanted(request))
		return;
	at = put_duration(at, "parse;dur=", times->submit_mono_ns - times->whole_mono_ns);
	at = put_duration(at, ", queue;dur=", times->queued_ns);
	at = put_duration(at, ", db;dur=", times->database_ns);
	*put_deadline(at, times->timeout_ns) = '\0';
	kg_request_answer_field(request, "Server-Timing", text);
}

void
kg_request_answer_field(struct kg_request *request, const char *name, const char *value)
{
	kg_http_answer_field(request->exchange, name, value);
}

static void
finish_answer(struct kg_request *request, unsigned status, const char *media_type)
{
	request->log.status = status;
	if (media_type != NULL)
		kg_request_answer_field(request, "Content-Type", media_type);
	kg_request_answer_field(request, "X-Request-Id", request->id);
	if (request->endpoint == NULL ||
	    (request->endpoint->takes & KG_TAKES_WRITE) != 0 ||
	    request->endpoint->is_probe || request->refusal->is_set)
		kg_request_answer_field(request, "Cache-Control", "no-store");
	if (request->parameters.preference_applied != NULL)
		kg_request_answer_field(request, "Preference-Applied",
		    request->parameters.preference_applied);
	put_server_timing(request);
	if (request->must_close || kg_http_is_draining(request->gateway->http))
		kg_http_answer_close(request->exchange);
}

void
kg_request_answer(struct kg_request *request, unsigned status, const char *media_type,
    struct kdb_buffer *body)
{
	size_t len = body->len;
	char *bytes;

	/* Every answer has a bound that its buffer was given. */
	assert(!body->is_overflowed);
	bytes = kdb_buffer_take(body, &len);
	kg_http_answer(request->exchange, status, bytes, len);
	finish_answer(request, status, media_type);
}

void
kg_request_answer_constant(
    struct kg_request *request, const char *media_type, const char *bytes, size_t len)
{
	kg_http_answer_constant(request->exchange, 200, bytes, len);
	finish_answer(request, 200, media_type);
}

void
kg_request_print_time(int64_t wall_ns, char text[KG_REQUEST_TIME_SIZE])
{
	time_t seconds = wall_ns / KDB_NS_PER_SECOND;
	struct tm broken_down;

	if (gmtime_r(&seconds, &broken_down) == NULL ||
	    strftime(text, KG_REQUEST_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &broken_down) == 0)
		text[0] = '\0';
}

static void
put_accepted_types(struct kg_request *request, const char *const *types)
{
	char text[128] = "";
	size_t len = 0;

	for (; *types != NULL && len < sizeof(text); types++)
		len += (size_t)snprintf(
		    text + len, sizeof(text) - len, "%s%s", len == 0 ? "" : ", ", *types);
	kg_request_answer_field(request,
	    strcmp(request->method, "PUT") == 0 ? "Accept" : "Accept-Post", text);
}

/* The fields that belong to one problem or to a few. */
static void
put_problem_fields(struct kg_request *request)
{
	const struct kg_refusal *refusal = request->refusal;
	char text[16];

	if (refusal->problem == KG_PROBLEM_METHOD_NOT_ALLOWED)
		kg_request_answer_field(request, "Allow", request->match.allow);
	if (refusal->problem == KG_PROBLEM_UNAUTHENTICATED)
		kg_request_answer_field(
		    request, "WWW-Authenticate", "Basic realm=\"KurrentDB\"");
	if (refusal->accepted_types != NULL)
		put_accepted_types(request, refusal->accepted_types);
	if (refusal->is_coding_refused)
		kg_request_answer_field(request, "Accept-Encoding", "gzip");
	/* Of several streams, the members tell. */
	if (refusal->has_conflict && !refusal->has_failures)
		kg_write_put_version(request, refusal->actual_version);
	if (request->write.is_duplicate)
		kg_request_answer_field(request, "Idempotent-Replayed", "true");
	if (refusal->retry_after_seconds > 0) {
		snprintf(text, sizeof(text), "%u", refusal->retry_after_seconds);
		kg_request_answer_field(request, "Retry-After", text);
	}
}

static void
answer_refusal(struct kg_request *request)
{
	const struct kg_problem_row *row = kg_problem_row(request->refusal->problem);
	struct kdb_buffer body;

	request->log.code = row->code;
	request->log.outcome =
	    request->refusal->outcome == KDB_OUTCOME_UNKNOWN ? "unknown" : "not_written";
	kdb_buffer_init(&body, kg_problem_body_max(request->refusal));
	kg_problem_print(
	    request->refusal, request->id, request->parameters.int64_form, &body);
	kg_request_answer(request, row->status, "application/problem+json", &body);
	put_problem_fields(request);
}

static enum kg_http_next
run(void *context)
{
	struct kg_request *request = context;
	struct kg_refusal refusal;
	enum verdict verdict;

	kg_refusal_init(&refusal);
	request->refusal = &refusal;
	do
		verdict = steps[request->step++](request);
	while (verdict == GO_ON && !refusal.is_set);
	if (verdict == ASKED)
		request->step = STEP_FINISH;
	if (refusal.is_set) {
		answer_refusal(request);
		verdict = DONE;
	}
	request->refusal = NULL;
	kg_refusal_dispose(&refusal);
	return verdict == DONE        ? KG_HTTP_ANSWER
	       : verdict == READ_BODY ? KG_HTTP_READ_BODY
				      : KG_HTTP_WAIT;
}

/* Begin and end. */

static bool
is_request_id(const struct kg_head_field *field)
{
	if (field->value_len == 0 || field->value_len > KG_REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < field->value_len; i++) {
		char c = field->value[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

static void
set_id(struct kg_request *request, const struct kg_head *head)
{
	const struct kg_head_field *field = head->known[KG_FIELD_X_REQUEST_ID];
	uint8_t id[16];

	if (field != NULL && head->times[KG_FIELD_X_REQUEST_ID] == 1 &&
	    is_request_id(field)) {
		memcpy(request->id, field->value, field->value_len);
		return;
	}
	kg_uuid_make_v7(id);
	kg_uuid_print(id, request->id);
}

static void *new (void *context, struct kg_http_exchange *exchange)
{
	struct kg_request *request = kdb_alloc_zero(1, sizeof(*request));
	const struct kg_head *head = kg_http_head(exchange);

	request->gateway = context;
	request->exchange = exchange;
	request->match.route = KG_ROUTE_COUNT;
	request->times.start_mono_ns = kdb_clock_mono_ns();
	snprintf(request->method, sizeof(request->method), "%s", head->method);
	set_id(request, head);
	return request;
}

static void
gone(void *context)
{
	struct kg_request *request = context;

	request->is_gone = true;
	kg_claim_leave(request);
	if (request->is_submitted && !kg_claim_is_awaited(request))
		kdb_client_cancel(request->gateway->client, request->operation);
}

static void
log_end(const struct kg_request *request, enum kg_http_end end)
{
	bool is_probe = request->endpoint != NULL && request->endpoint->is_probe;
	enum kg_log_level level = is_probe ? KG_LOG_DEBUG : KG_LOG_INFO;
	struct kg_log_request line = {.method = request->method,
	    .route = kg_router_template(request->match.route),
	    .status = end == KG_HTTP_SENT ? request->log.status : 0,
	    .code = request->log.code,
	    .outcome = request->log.outcome,
	    .request_id = request->id,
	    .duration_ns = kdb_clock_mono_ns() - request->times.start_mono_ns,
	    .database_ns = request->times.database_ns,
	    .body_bytes = request->log.body_len};

	if (!kg_log_is_on(level))
		return;
	if (request->parameters.trace != NULL)
		line.trace_id = request->parameters.trace->trace_id;
	if (end != KG_HTTP_SENT)
		line.code = kg_problem_row(end == KG_HTTP_TOO_SLOW
					       ? KG_PROBLEM_REQUEST_READ_TIMEOUT
					       : KG_PROBLEM_CLIENT_CLOSED)
				->code;
	if (request->endpoint != NULL &&
	    request->match.value_count > 0 &&
	    (request->endpoint->takes & KG_TAKES_DATABASE) != 0 &&
	    (request->gateway->config->log_stream_names || kg_log_is_on(KG_LOG_DEBUG))) {
		line.stream_name = request->match.values[0].data;
		line.stream_name_len = request->match.values[0].len;
	}
	if (request->operation != NULL &&
	    kdb_operation_error(request->operation)->code != KDB_OK)
		line.detail = kdb_operation_error(request->operation)->detail;
	kg_log_request(level, &line);
}

static void
end_request(void *context, enum kg_http_end end)
{
	struct kg_request *request = context;

	log_end(request, end);
	kdb_operation_free(request->operation);
	kg_append_body_dispose(&request->append.body);
	kg_auth_dispose(&request->credentials);
	kg_parameters_dispose(&request->parameters);
	kg_write_dispose(&request->write);
	kg_claim_dispose(request);
	if (request->endpoint != NULL && request->endpoint->dispose != NULL)
		request->endpoint->dispose(request);
	free(request);
}

static int64_t
end_round(void *context)
{
	struct kg_gateway *gateway = context;

	kdb_client_flush(gateway->client);
	return kg_claim_expire(gateway);
}

void
kg_request_handler(struct kg_gateway *gateway, struct kg_http_handler *handler)
{
	kg_claim_start(gateway);
	*handler = (struct kg_http_handler){.context = gateway,
	    .new = new,
	    .run = run,
	    .gone = gone,
	    .free = end_request,
	    .round = end_round};
}

void
kg_request_stop(struct kg_gateway *gateway)
{
	kg_claim_stop(gateway);
}

void
kg_request_completed(struct kdb_operation *operation, void *context)
{
	const struct kg_request *request = context;

	(void)operation;
	kg_http_ready(request->exchange);
}

void
kg_request_wake(void *context)
{
	const struct kg_gateway *gateway = context;

	kg_http_wake(gateway->http);
}
