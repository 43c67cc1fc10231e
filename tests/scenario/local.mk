# sources and rules of tests/scenario/
# Each .tap runs a group of test files, so that make -j runs groups beside each other.
# The longest groups come first.
scenario_groups = \
	tests/scenario/problems.tap \
	tests/scenario/faults.tap \
	tests/scenario/life.tap \
	tests/scenario/limits.tap \
	tests/scenario/large.tap \
	tests/scenario/idempotency.tap \
	tests/scenario/append_records.tap \
	tests/scenario/multi_append.tap \
	tests/scenario/config.tap \
	tests/scenario/order.tap \
	tests/scenario/append.tap \
	tests/scenario/borders.tap \
	tests/scenario/cloudevents.tap \
	tests/scenario/grpc.tap \
	tests/scenario/guide.tap \
	tests/scenario/json_suite.tap \
	tests/scenario/metadata.tap \
	tests/scenario/older.tap \
	tests/scenario/pages.tap \
	tests/scenario/tls.tap \
	tests/scenario/preferences.tap \
	tests/scenario/users.tap
# In front of older servers.
emulate_groups = \
	tests/scenario/emulate-25.1.tap \
	tests/scenario/emulate-24.10.tap
# All of them once more, with TLS between gateway and database.
over_tls_groups = \
	tests/scenario/over-tls-1.tap \
	tests/scenario/over-tls-2.tap \
	tests/scenario/over-tls-3.tap
TESTS += $(over_tls_groups) $(emulate_groups) $(scenario_groups)

check_PROGRAMS += tests/scenario/readback
tests_scenario_readback_SOURCES = tests/scenario/readback.c
tests_scenario_readback_CFLAGS = $(AM_CFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) $(GNUTLS_CFLAGS)
tests_scenario_readback_LDADD = libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) $(GNUTLS_LIBS)

EXTRA_DIST += $(scenario_groups) $(emulate_groups) $(over_tls_groups) \
	tests/scenario/emulate.sh \
	tests/scenario/over-tls.sh \
	tests/scenario/run.sh \
	tests/scenario/pytest.ini \
	tests/scenario/conftest.py \
	tests/scenario/harness/__init__.py \
	tests/scenario/harness/authority.py \
	tests/scenario/harness/contract.py \
	tests/scenario/harness/database.py \
	tests/scenario/harness/gateway.py \
	tests/scenario/harness/ids.py \
	tests/scenario/harness/limits.py \
	tests/scenario/harness/link.py \
	tests/scenario/harness/live.py \
	tests/scenario/harness/problems.py \
	tests/scenario/harness/process.py \
	tests/scenario/harness/proxy.py \
	tests/scenario/harness/server.py \
	tests/scenario/harness/strangers.py \
	tests/scenario/harness/trace.py \
	tests/scenario/harness/wire.py \
	tests/scenario/test_access.py \
	tests/scenario/test_append.py \
	tests/scenario/test_append_records.py \
	tests/scenario/test_borders.py \
	tests/scenario/test_cloudevents.py \
	tests/scenario/test_config.py \
	tests/scenario/test_contract.py \
	tests/scenario/test_faults.py \
	tests/scenario/test_grpc.py \
	tests/scenario/test_guide.py \
	tests/scenario/test_gzip.py \
	tests/scenario/test_hostile.py \
	tests/scenario/test_idempotency.py \
	tests/scenario/test_json_suite.py \
	tests/scenario/test_large.py \
	tests/scenario/test_life.py \
	tests/scenario/test_limits.py \
	tests/scenario/test_log.py \
	tests/scenario/test_names.py \
	tests/scenario/test_multi_append.py \
	tests/scenario/test_older.py \
	tests/scenario/test_order.py \
	tests/scenario/test_pages.py \
	tests/scenario/test_preferences.py \
	tests/scenario/test_problems_reached.py \
	tests/scenario/test_raw.py \
	tests/scenario/test_stream_metadata.py \
	tests/scenario/test_stream_metadata_faults.py \
	tests/scenario/test_tls.py \
	tests/scenario/test_trace.py \
	tests/scenario/test_users.py
