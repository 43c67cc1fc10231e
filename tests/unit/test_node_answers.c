/* SPDX-License-Identifier: Apache-2.0 */
/* What a node says about its cluster and itself: gossip and server features, from hostile bytes
 * too. */
#include "client-core/features.h"
#include "client-core/gossip.h"
#include "proto/gossip.pb-c.h"
#include "proto/server_features.pb-c.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

typedef EventStore__Client__Gossip__MemberInfo member_info;
typedef EventStore__Client__Gossip__EndPoint end_point;

static size_t
pack_member(const char *host, uint32_t port, uint8_t *out)
{
	EventStore__Client__Gossip__ClusterInfo info =
	    EVENT_STORE__CLIENT__GOSSIP__CLUSTER_INFO__INIT;
	member_info member = EVENT_STORE__CLIENT__GOSSIP__MEMBER_INFO__INIT;
	end_point at = EVENT_STORE__CLIENT__GOSSIP__END_POINT__INIT;
	member_info *members[] = { &member };

	at.address = (char *)(uintptr_t)host;
	at.has_port = true;
	at.port = port;
	member.has_state = member.has_is_alive = member.has_time_stamp = true;
	member.state = (EventStore__Client__Gossip__MemberInfo__VNodeState)8;
	member.is_alive = true;
	member.time_stamp = 77;
	member.http_end_point = &at;
	info.n_members = 1;
	info.members = members;
	return event_store__client__gossip__cluster_info__pack(&info, out);
}

START_TEST(gossip_member_is_read)
{
	struct kdb_member members[KDB_MEMBERS_MAX];
	uint8_t bytes[400];
	size_t count;

	ck_assert(
	    kdb_gossip_read(bytes, pack_member("node-1", 2113, bytes), members, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(members[0].endpoint.host, "node-1");
	ck_assert_uint_eq(members[0].endpoint.port, 2113);
	ck_assert_int_eq(members[0].state, KDB_NODE_STATE_LEADER);
	ck_assert(members[0].is_alive);
	ck_assert_int_eq(members[0].time_stamp, 77);
}
END_TEST

START_TEST(gossip_without_usable_address_is_left_out)
{
	struct kdb_member members[KDB_MEMBERS_MAX];
	static char long_host[300];
	uint8_t bytes[600];
	size_t count;
	struct {
		const char *host;
		uint32_t port;
	} cases[] = { { "", 2113 }, { "a b", 2113 }, { "h\xc3\xb6", 2113 }, { "a\nb", 2113 }, { "n", 0 }, { "n", 65536 }, { long_host, 2113 } };

	memset(long_host, 'h', sizeof long_host - 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ck_assert(kdb_gossip_read(bytes,
		    pack_member(cases[i].host, cases[i].port, bytes), members, &count));
		ck_assert_uint_eq(count, 0);
	}
	ck_assert(kdb_gossip_read(bytes, 0, members, &count));
	ck_assert_uint_eq(count, 0);
	ck_assert(!kdb_gossip_read((const uint8_t *)"\xff\xff", 2, members, &count));
}
END_TEST

START_TEST(gossip_of_a_crowd_is_bounded)
{
	struct kdb_member members[KDB_MEMBERS_MAX];
	uint8_t one[400];
	size_t one_len = pack_member("n", 1, one);
	uint8_t *bytes = malloc(one_len * 200);
	size_t count;

	for (size_t i = 0; i < 200; i++)
		memcpy(bytes + i * one_len, one, one_len);
	ck_assert(kdb_gossip_read(bytes, one_len * 200, members, &count));
	ck_assert_uint_eq(count, KDB_MEMBERS_MAX);
	free(bytes);
}
END_TEST

static size_t
pack_features(const char *service, const char *method, const char *version, uint8_t *out)
{
	EventStore__Client__ServerFeatures__SupportedMethods methods =
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHODS__INIT;
	EventStore__Client__ServerFeatures__SupportedMethod one =
	    EVENT_STORE__CLIENT__SERVER_FEATURES__SUPPORTED_METHOD__INIT;
	EventStore__Client__ServerFeatures__SupportedMethod *list[] = { &one };

	one.service_name = (char *)(uintptr_t)service;
	one.method_name = (char *)(uintptr_t)method;
	methods.n_methods = 1;
	methods.methods = list;
	methods.event_store_server_version = (char *)(uintptr_t)version;
	return event_store__client__server_features__supported_methods__pack(&methods, out);
}

START_TEST(features_are_found_by_service_and_method)
{
	static const char v1[] = "event_store.client.streams.streams";
	static const char v2[] = "kurrentdb.protocol.v2.streams.streamsservice";
	static const struct {
		const char *service, *method;
		bool append, multi_append, append_records;
	} cases[] = {
		{ v1, "batchappend", true, false, false },
		{ v1, "append", false, false, false },
		{ v2, "appendsession", false, true, false },
		{ v2, "appendrecords", false, false, true },
		{ v2, "batchappend", false, false, false },
		{ "other", "batchappend", false, false, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct kdb_features features;
		uint8_t bytes[400];

		ck_assert(kdb_features_read(bytes,
		    pack_features(cases[i].service, cases[i].method, "26.1.0", bytes),
		    &features));
		ck_assert_int_eq(features.has_append, cases[i].append);
		ck_assert_int_eq(features.has_multi_append, cases[i].multi_append);
		ck_assert_int_eq(features.has_append_records, cases[i].append_records);
		ck_assert_str_eq(features.server_version, "26.1.0");
	}
}
END_TEST

START_TEST(version_text_is_bounded_and_printable)
{
	struct kdb_features features;
	static char version[200];
	uint8_t bytes[400];

	memset(version, '9', sizeof version - 1);
	version[1] = '\n';
	ck_assert(kdb_features_read(bytes, pack_features("s", "m", version, bytes), &features));
	ck_assert_uint_eq(
	    strlen(features.server_version), sizeof features.server_version - 1);
	ck_assert_int_eq(features.server_version[1], '?');
	ck_assert(kdb_features_read(bytes, 0, &features));
	ck_assert_str_eq(features.server_version, "");
	ck_assert(!kdb_features_read((const uint8_t *)"\x0a", 1, &features));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("node_answers");
	TCase *tcase = tcase_create("node_answers");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, gossip_member_is_read);
	tcase_add_test(tcase, gossip_without_usable_address_is_left_out);
	tcase_add_test(tcase, gossip_of_a_crowd_is_bounded);
	tcase_add_test(tcase, features_are_found_by_service_and_method);
	tcase_add_test(tcase, version_text_is_bounded_and_printable);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
