/* SPDX-License-Identifier: Apache-2.0 */
/* /livez, /readyz and /readyz/{check} (api-design 9). Owns nothing. */
#include "client-core/base/clock.h"
#include "daemon/json_write.h"
#include "daemon/request.h"

enum { BODY_MAX = 16384 };

/* The completion thread comes round every second; so late, it hangs. */
static const int64_t stall_ns = 10 * KDB_NS_PER_SECOND;

static void
print_and_answer(struct kg_request *request, unsigned status, struct kg_json_node *root)
{
	struct kdb_buffer body;

	kdb_buffer_init(&body, BODY_MAX);
	kg_json_print(root, &body);
	kg_json_free(root);
	kg_request_answer(request, status, "application/json", &body);
}

static void
answer_livez(struct kg_request *request)
{
	struct kg_json_node *root = kg_json_object_new();
	int64_t tick_ns = kdb_client_last_tick_ns(request->gateway->client);
	bool is_alive = kdb_clock_mono_ns() - tick_ns < stall_ns;

	kg_json_put_string(root, "status", is_alive ? "alive" : "stalled");
	print_and_answer(request, is_alive ? 200 : 503, root);
}

/* Why a check fails; NULL: it passes. */
typedef const char *(*trouble_fn)(struct kg_request *request);

static const char *
listener_trouble(struct kg_request *request)
{
	/* This very request came in through one. */
	(void)request;
	return NULL;
}

static const char *
draining_trouble(struct kg_request *request)
{
	return kg_http_is_draining(request->gateway->http) ? "the gateway is stopping"
							   : NULL;
}

static const char *
leader_trouble(struct kg_request *request)
{
	const struct kdb_client_status *status = kg_request_status(request);

	if (status->has_leader)
		return NULL;
	return status->reason[0] == '\0' ? "no leader is known" : status->reason;
}

static const char *
credentials_trouble(struct kg_request *request)
{
	return kg_request_status(request)->are_credentials_refused
		   ? "the database refused those of the connection string"
		   : NULL;
}

static const struct {
	unsigned bit;
	const char *name;
	trouble_fn trouble;
} checks[] = {
    {KG_CHECK_LISTENER, "listener", listener_trouble},
    {KG_CHECK_DRAINING, "draining", draining_trouble},
    {KG_CHECK_LEADER, "leader", leader_trouble},
    {KG_CHECK_CREDENTIALS, "credentials", credentials_trouble},
};

static void
put_since(struct kg_json_node *check, int64_t wall_ns)
{
	char text[KG_REQUEST_TIME_SIZE];

	kg_request_print_time(wall_ns, text);
	if (wall_ns > 0 && text[0] != '\0')
		kg_json_put_string(check, "since", text);
}

/* Writes the checks that were asked for. */
static void
put_checks(struct kg_request *request, struct kg_json_node *parent, unsigned asked,
    unsigned counted)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const char *trouble;
		struct kg_json_node *check;

		if ((asked & checks[i].bit) == 0)
			continue;
		trouble = checks[i].trouble(request);
		check = kg_json_put_object(parent, checks[i].name);
		kg_json_put_string(check, "status", trouble == NULL ? "ok" : "fail");
		if ((counted & checks[i].bit) == 0)
			kg_json_put_bool(check, "counted", false);
		if (trouble == NULL)
			continue;
		kg_json_put_string(check, "reason", trouble);
		if (checks[i].bit == KG_CHECK_LEADER)
			put_since(
			    check, kg_request_status(request)->leader_since_wall_ns);
	}
}

static unsigned
failing(struct kg_request *request, unsigned asked)
{
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if ((asked & checks[i].bit) != 0 && checks[i].trouble(request) != NULL)
			failed |= checks[i].bit;
	return failed;
}

static void
answer_readyz(struct kg_request *request)
{
	const bool is_sidecar =
	    request->gateway->config->readiness_profile == KG_PROFILE_SIDECAR;
	unsigned asked = KG_CHECK_ALL;
	unsigned counted =
	    is_sidecar ? KG_CHECK_ALL & ~(unsigned)KG_CHECK_LEADER : KG_CHECK_ALL;
	struct kg_json_node *root;
	bool is_ready;

	if (request->match.value_count > 0) {
		asked = counted = kg_parameters_check(
		    request->match.values[0].data, request->match.values[0].len);
		if (asked == 0) {
			kg_refusal_set(request->refusal, KG_PROBLEM_NOT_FOUND,
			    "There is no such check.");
			return;
		}
	}
	asked &= ~request->parameters.excluded;
	is_ready = (failing(request, asked) & counted) == 0;
	root = kg_json_object_new();
	kg_json_put_string(root, "status", is_ready ? "ready" : "not_ready");
	put_checks(request, kg_json_put_object(root, "checks"), asked, counted);
	print_and_answer(request, is_ready ? 200 : 503, root);
}

const struct kg_endpoint kg_livez_endpoint = {
    .operation = "getLiveness",
    .is_probe = true,
    .answer = answer_livez,
};

const struct kg_endpoint kg_readyz_endpoint = {
    .operation = "getReadiness",
    .takes = KG_TAKES_READINESS,
    .is_probe = true,
    .answer = answer_readyz,
};

const struct kg_endpoint kg_readyz_check_endpoint = {
    .operation = "getReadinessCheck",
    .takes = KG_TAKES_READINESS,
    .is_probe = true,
    .answer = answer_readyz,
};
