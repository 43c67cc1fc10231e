/* SPDX-License-Identifier: Apache-2.0 */
/* What the options of a batch mean, and the sentences about wrong ones. Owns nothing. */
#include "devdb/batch_options.h"

#include "client-core/base/clock.h"
#include "devdb/expectation.h"

#define WRITE_TIMEOUT_NS (2 * KDB_NS_PER_SECOND)
#define MAX_DURATION_S INT64_C(315576000000)
#define MIN_TIMESTAMP_S INT64_C(-62135596800)
#define MAX_TIMESTAMP_S INT64_C(253402300799)
#define NS_PER_S 1000000000

#define POSITION_CASE(name)                                                              \
	EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__EXPECTED_STREAM_POSITION_##name
#define DEADLINE_CASE(name)                                                              \
	EVENT_STORE__CLIENT__STREAMS__BATCH_APPEND_REQ__OPTIONS__DEADLINE_OPTION_##name

static const char *
read_duration(const Google__Protobuf__Duration *duration, int64_t *timeout_ns)
{
	int64_t seconds = duration->has_seconds ? duration->seconds : 0;
	int32_t nanos = duration->has_nanos ? duration->nanos : 0;

	if (seconds < -MAX_DURATION_S || seconds > MAX_DURATION_S || nanos <= -NS_PER_S ||
	    nanos >= NS_PER_S || (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0))
		return "Duration was not a valid normalized duration";
	if (seconds > WRITE_TIMEOUT_NS / NS_PER_S)
		*timeout_ns = WRITE_TIMEOUT_NS;
	else
		*timeout_ns = seconds < 0 ? -1 : seconds * NS_PER_S + nanos;
	return NULL;
}

static const char *
read_timestamp(const Google__Protobuf__Timestamp *timestamp, int64_t *timeout_ns)
{
	int64_t seconds = timestamp->has_seconds ? timestamp->seconds : 0;
	int32_t nanos = timestamp->has_nanos ? timestamp->nanos : 0;
	int64_t now_ns = kdb_clock_wall_ns();

	if (seconds < MIN_TIMESTAMP_S || seconds > MAX_TIMESTAMP_S || nanos < 0 ||
	    nanos >= NS_PER_S)
		return "Timestamp contains invalid values: Seconds={Seconds}; "
		       "Nanos={Nanos}";
	if (seconds < now_ns / NS_PER_S - 1)
		*timeout_ns = -1;
	else if (seconds > now_ns / NS_PER_S + 2 * WRITE_TIMEOUT_NS / NS_PER_S)
		*timeout_ns = WRITE_TIMEOUT_NS;
	else
		*timeout_ns = seconds * NS_PER_S + nanos - now_ns;
	return NULL;
}

const char *
devdb_batch_options_timeout(
    const EventStore__Client__Streams__BatchAppendReq__Options *options,
    int64_t *timeout_ns)
{
	const char *fault = NULL;

	*timeout_ns = WRITE_TIMEOUT_NS;
	if (options->deadline_option_case == DEADLINE_CASE(DEADLINE))
		fault = read_duration(options->deadline, timeout_ns);
	else if (options->deadline_option_case == DEADLINE_CASE(DEADLINE_21_10_0))
		fault = read_timestamp(options->deadline_21_10_0, timeout_ns);
	if (*timeout_ns > WRITE_TIMEOUT_NS)
		*timeout_ns = WRITE_TIMEOUT_NS;
	return fault;
}

const char *
devdb_batch_options_expectation(
    const EventStore__Client__Streams__BatchAppendReq__Options *options,
    int64_t *expected)
{
	switch (options->expected_stream_position_case) {
	case POSITION_CASE(STREAM_POSITION):
		if (!devdb_expectation_from_revision(options->stream_position, expected))
			return "Specified argument was out of the range of valid values. "
			       "(Parameter 'value')";
		return NULL;
	case POSITION_CASE(NO_STREAM):
		*expected = DEVDB_NO_STREAM;
		return NULL;
	case POSITION_CASE(ANY):
		*expected = DEVDB_ANY;
		return NULL;
	case POSITION_CASE(STREAM_EXISTS):
		*expected = DEVDB_EXISTS;
		return NULL;
	default:
		return "Status(StatusCode=\"InvalidArgument\", Detail=\"'None' is not a "
		       "valid "
		       "EventStore.Client.Streams.BatchAppendReq+Types+Options+"
		       "ExpectedStreamPositionOneofCase\")";
	}
}
