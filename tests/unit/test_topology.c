/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asked, and when the answer counts as a leader. */
#include "client-core/base/clock.h"
#include "client-core/topology.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEADER = 8, FOLLOWER = 6, PRE_LEADER = 7, INTERVAL_MS = 100, PATIENCE = 3 };

static struct kdb_endpoint
at(const char *host, uint16_t port)
{
	struct kdb_endpoint endpoint = { .port = port };

	snprintf(endpoint.host, sizeof endpoint.host, "%s", host);
	return endpoint;
}

static struct kdb_member
member(const char *host, int32_t state, bool is_alive, int64_t time_stamp)
{
	return (struct kdb_member){ .endpoint = at(host, 2113),
		.state = state,
		.is_alive = is_alive,
		.time_stamp = time_stamp };
}

static struct kdb_topology *
one_seed(void)
{
	struct kdb_endpoint seed = at("seed", 2113);

	return kdb_topology_new(&seed, 1, INTERVAL_MS, PATIENCE, 7);
}

static void
expect_ask(struct kdb_topology *topology, int64_t now, const char *host)
{
	struct kdb_topology_step step = kdb_topology_next(topology, now);

	ck_assert_int_eq(step.kind, KDB_TOPOLOGY_ASK);
	ck_assert_str_eq(step.endpoint.host, host);
}

static int64_t
expect_wait(struct kdb_topology *topology, int64_t now)
{
	struct kdb_topology_step step = kdb_topology_next(topology, now);

	ck_assert_int_eq(step.kind, KDB_TOPOLOGY_WAIT);
	return step.at_mono_ns - now;
}

START_TEST(single_member_keeps_the_dialled_address)
{
	struct kdb_topology *topology = one_seed();
	struct kdb_endpoint seed = at("seed", 2113);
	struct kdb_member members[] = { member("172.17.0.2", LEADER, true, 1) };

	expect_ask(topology, 0, "seed");
	ck_assert(kdb_topology_answered(topology, &seed, members, 1));
	ck_assert_str_eq(kdb_topology_reason(topology), "");
	ck_assert(kdb_topology_has_contact(topology));
	kdb_topology_free(topology);
}
END_TEST

START_TEST(leader_is_asked_itself_before_it_counts)
{
	struct kdb_topology *topology = one_seed();
	struct kdb_endpoint seed = at("seed", 2113);
	struct kdb_endpoint leader = at("n2", 2113);
	struct kdb_member members[] = { member("n1", FOLLOWER, true, 1),
		member("n2", LEADER, true, 1), member("n3", FOLLOWER, true, 1) };

	expect_ask(topology, 0, "seed");
	ck_assert(!kdb_topology_answered(topology, &seed, members, 3));
	expect_ask(topology, 0, "n2");
	ck_assert(kdb_topology_answered(topology, &leader, members, 3));
	kdb_topology_free(topology);
}
END_TEST

START_TEST(dead_and_older_leaders_do_not_count)
{
	struct kdb_topology *topology = one_seed();
	struct kdb_endpoint seed = at("seed", 2113);
	struct kdb_member members[] = { member("dead", LEADER, false, 9),
		member("old", LEADER, true, 1), member("new", LEADER, true, 2) };

	expect_ask(topology, 0, "seed");
	ck_assert(!kdb_topology_answered(topology, &seed, members, 3));
	expect_ask(topology, 0, "new");
	kdb_topology_free(topology);
}
END_TEST

START_TEST(no_leader_is_asked_again_after_the_interval)
{
	struct kdb_topology *topology = one_seed();
	struct kdb_endpoint seed = at("seed", 2113);
	struct kdb_member members[] = { member("seed", PRE_LEADER, true, 1) };

	expect_ask(topology, 0, "seed");
	ck_assert(!kdb_topology_answered(topology, &seed, members, 1));
	ck_assert_str_eq(kdb_topology_reason(topology), "no leader in last gossip");
	ck_assert_int_eq(expect_wait(topology, 0), INTERVAL_MS * KDB_NS_PER_MS);
	expect_ask(topology, INTERVAL_MS * KDB_NS_PER_MS, "seed");
	kdb_topology_free(topology);
}
END_TEST

START_TEST(every_seed_is_asked_once_a_round)
{
	struct kdb_endpoint seeds[] = { at("a", 1), at("b", 1), at("c", 1), at("a", 1) };
	struct kdb_topology *topology =
	    kdb_topology_new(seeds, 4, INTERVAL_MS, PATIENCE, 99);
	int seen[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		struct kdb_topology_step step = kdb_topology_next(topology, 0);

		ck_assert_int_eq(step.kind, KDB_TOPOLOGY_ASK);
		seen[step.endpoint.host[0] - 'a']++;
		kdb_topology_failed(topology, &step.endpoint, "refused");
	}
	ck_assert(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
	expect_wait(topology, 0);
	ck_assert(!kdb_topology_has_contact(topology));
	kdb_topology_free(topology);
}
END_TEST

START_TEST(pause_grows_to_a_second_and_never_ends)
{
	struct kdb_topology *topology = one_seed();
	int64_t now = 0;
	int64_t pause_ns = 0;

	for (int round = 1; round <= 50; round++) {
		expect_ask(topology, now, "seed");
		kdb_topology_failed(topology, &(struct kdb_endpoint){ .host = "seed" }, "x");
		pause_ns = expect_wait(topology, now);
		ck_assert_int_eq(pause_ns,
		    round < PATIENCE ? INTERVAL_MS * KDB_NS_PER_MS : KDB_NS_PER_SECOND);
		now += pause_ns;
	}
	kdb_topology_free(topology);
}
END_TEST

START_TEST(redirect_target_is_asked_first)
{
	struct kdb_topology *topology = one_seed();
	struct kdb_endpoint target = at("target", 2113);

	expect_ask(topology, 0, "seed");
	kdb_topology_search(topology, &target, 0);
	expect_ask(topology, 0, "target");
	kdb_topology_failed(topology, &target, "refused");
	ck_assert_ptr_nonnull(strstr(kdb_topology_reason(topology), "target:2113: refused"));
	expect_ask(topology, 0, "seed");
	kdb_topology_free(topology);
}
END_TEST

START_TEST(failure_of_the_named_leader_is_the_reason)
{
	struct kdb_topology *topology = one_seed();
	struct kdb_member members[] = { member("seed", FOLLOWER, true, 1),
		member("other", LEADER, true, 1) };
	struct kdb_endpoint seed = at("seed", 2113);
	struct kdb_endpoint other = at("other", 2113);

	ck_assert(!kdb_topology_answered(topology, &seed, members, 2));
	ck_assert_ptr_nonnull(strstr(kdb_topology_reason(topology), "not confirmed"));
	kdb_topology_failed(topology, &other, "expired");
	ck_assert(!kdb_topology_answered(topology, &seed, members, 2));
	ck_assert_str_eq(kdb_topology_reason(topology), "other:2113: expired");
	/* Another leader, or none, is another story. */
	members[0].state = LEADER;
	members[0].time_stamp = 2;
	ck_assert(kdb_topology_answered(topology, &seed, members, 2));
	ck_assert_str_eq(kdb_topology_reason(topology), "");
	members[0].state = FOLLOWER;
	ck_assert(!kdb_topology_answered(topology, &seed, members, 2));
	ck_assert_ptr_nonnull(strstr(kdb_topology_reason(topology), "not confirmed"));
	kdb_topology_free(topology);
}
END_TEST

START_TEST(leader_lost_at_once_again_does_not_spin)
{
	struct kdb_topology *topology = one_seed();
	int64_t asks = 0;

	for (int64_t now = 0; now < KDB_NS_PER_SECOND; now += KDB_NS_PER_MS) {
		if (kdb_topology_next(topology, now).kind == KDB_TOPOLOGY_ASK) {
			asks++;
			kdb_topology_search(topology, NULL, now);
		}
	}
	ck_assert_int_ge(asks, 9);
	ck_assert_int_le(asks, 12);
	kdb_topology_free(topology);
}
END_TEST

START_TEST(many_searches_at_once_do_not_put_it_off)
{
	struct kdb_topology *topology = one_seed();
	int64_t now = KDB_NS_PER_MS;

	expect_ask(topology, 0, "seed");
	for (int i = 0; i < 1000; i++)
		kdb_topology_search(topology, NULL, now);
	expect_ask(topology, now, "seed");
	/* Nor do those that come all the time. */
	for (int i = 0; i < INTERVAL_MS; i++, now += KDB_NS_PER_MS)
		kdb_topology_search(topology, NULL, now);
	expect_ask(topology, now, "seed");
	kdb_topology_search(topology, NULL, now);
	ck_assert_int_eq(expect_wait(topology, now), INTERVAL_MS * KDB_NS_PER_MS);
	kdb_topology_free(topology);
}
END_TEST

START_TEST(ipv6_prints_with_brackets)
{
	struct kdb_endpoint endpoint = at("::1", 2113);
	char text[64];

	kdb_endpoint_print(&endpoint, text, sizeof text);
	ck_assert_str_eq(text, "[::1]:2113");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("topology");
	TCase *tcase = tcase_create("topology");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, single_member_keeps_the_dialled_address);
	tcase_add_test(tcase, leader_is_asked_itself_before_it_counts);
	tcase_add_test(tcase, dead_and_older_leaders_do_not_count);
	tcase_add_test(tcase, no_leader_is_asked_again_after_the_interval);
	tcase_add_test(tcase, every_seed_is_asked_once_a_round);
	tcase_add_test(tcase, pause_grows_to_a_second_and_never_ends);
	tcase_add_test(tcase, redirect_target_is_asked_first);
	tcase_add_test(tcase, failure_of_the_named_leader_is_the_reason);
	tcase_add_test(tcase, leader_lost_at_once_again_does_not_spin);
	tcase_add_test(tcase, many_searches_at_once_do_not_put_it_off);
	tcase_add_test(tcase, ipv6_prints_with_brackets);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
