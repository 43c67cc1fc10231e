# sources and rules of tests/unit/

if HAVE_CHECK
check_PROGRAMS += test_append.tap
test_append_tap_SOURCES = tests/unit/test_append.c
test_append_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
test_append_tap_LDADD = libclient.a libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_append.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_multi_append.tap
test_multi_append_tap_SOURCES = tests/unit/test_multi_append.c \
	tests/unit/recorded_refusals.c tests/unit/recorded_refusals.h
test_multi_append_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) $(GNUTLS_CFLAGS)
test_multi_append_tap_LDADD = libclient.a libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_multi_append.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_append_records.tap
test_append_records_tap_SOURCES = tests/unit/test_append_records.c \
	tests/unit/recorded_refusals.c tests/unit/recorded_refusals.h
test_append_records_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) $(GNUTLS_CFLAGS)
test_append_records_tap_LDADD = libclient.a libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_append_records.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_get_stream_metadata.tap
test_get_stream_metadata_tap_SOURCES = tests/unit/test_get_stream_metadata.c
test_get_stream_metadata_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) $(GNUTLS_CFLAGS)
test_get_stream_metadata_tap_LDADD = libclient.a libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_get_stream_metadata.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_deadline_heap.tap
test_deadline_heap_tap_SOURCES = tests/unit/test_deadline_heap.c
test_deadline_heap_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
test_deadline_heap_tap_LDADD = libclient.a $(CHECK_LIBS)
TESTS += test_deadline_heap.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_status.tap
test_status_tap_SOURCES = tests/unit/test_status.c \
	tests/unit/recorded_refusals.c tests/unit/recorded_refusals.h
test_status_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS) $(GNUTLS_CFLAGS)
test_status_tap_LDADD = libclient.a libproto.a $(PROTOBUF_C_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_status.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_topology.tap
test_topology_tap_SOURCES = tests/unit/test_topology.c
test_topology_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
test_topology_tap_LDADD = libclient.a $(CHECK_LIBS)
TESTS += test_topology.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_trust.tap
test_trust_tap_SOURCES = tests/unit/test_trust.c \
	tests/unit/issued.c tests/unit/issued.h
test_trust_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_trust_tap_LDADD = libclient.a $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_trust.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_handshake.tap
test_handshake_tap_SOURCES = tests/unit/test_handshake.c \
	tests/unit/issued.c tests/unit/issued.h
test_handshake_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_handshake_tap_LDADD = libclient.a $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_handshake.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_node_answers.tap
test_node_answers_tap_SOURCES = tests/unit/test_node_answers.c
test_node_answers_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(PROTOBUF_C_CFLAGS)
test_node_answers_tap_LDADD = libclient.a libproto.a $(PROTOBUF_C_LIBS) $(CHECK_LIBS)
TESTS += test_node_answers.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_base.tap
test_base_tap_SOURCES = tests/unit/test_base.c
test_base_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_base_tap_LDADD = libclient.a $(CHECK_LIBS)
TESTS += test_base.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_connection_string.tap
test_connection_string_tap_SOURCES = tests/unit/test_connection_string.c
test_connection_string_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_connection_string_tap_LDADD = libclient.a $(CHECK_LIBS)
TESTS += test_connection_string.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_config.tap
test_config_tap_SOURCES = tests/unit/test_config.c
test_config_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_config_tap_LDADD = libdaemon.a libclient.a libproto.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_config.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_log.tap
test_log_tap_SOURCES = tests/unit/test_log.c
test_log_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_log_tap_LDADD = libdaemon.a libclient.a libproto.a $(CJSON_LIBS) $(GNUTLS_LIBS) -lpthread $(CHECK_LIBS)
TESTS += test_log.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_json_scan.tap
test_json_scan_tap_SOURCES = tests/unit/test_json_scan.c
test_json_scan_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_json_scan_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_json_scan.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_json_write.tap
test_json_write_tap_SOURCES = tests/unit/test_json_write.c
test_json_write_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_json_write_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(CHECK_LIBS)
TESTS += test_json_write.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_uuid.tap
test_uuid_tap_SOURCES = tests/unit/test_uuid.c
test_uuid_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_uuid_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_uuid.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_base64.tap
test_base64_tap_SOURCES = tests/unit/test_base64.c
test_base64_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_base64_tap_LDADD = libdaemon.a libclient.a $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_base64.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_idempotency.tap
test_idempotency_tap_SOURCES = tests/unit/test_idempotency.c
test_idempotency_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_idempotency_tap_LDADD = libdaemon.a libclient.a $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_idempotency.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_gzip.tap
test_gzip_tap_SOURCES = tests/unit/test_gzip.c
test_gzip_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_gzip_tap_LDADD = libdaemon.a libclient.a $(ZLIB_LIBS) $(CHECK_LIBS)
TESTS += test_gzip.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_trace_context.tap
test_trace_context_tap_SOURCES = tests/unit/test_trace_context.c
test_trace_context_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_trace_context_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_trace_context.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_key_table.tap
test_key_table_tap_SOURCES = tests/unit/test_key_table.c
test_key_table_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_key_table_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_key_table.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_preference.tap
test_preference_tap_SOURCES = tests/unit/test_preference.c
test_preference_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_preference_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_preference.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_problem.tap
test_problem_tap_SOURCES = tests/unit/test_problem.c
test_problem_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(GNUTLS_CFLAGS)
test_problem_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(CHECK_LIBS)
TESTS += test_problem.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_append_body.tap
test_append_body_tap_SOURCES = tests/unit/test_append_body.c
test_append_body_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_append_body_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_append_body.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_cloudevent.tap
test_cloudevent_tap_SOURCES = tests/unit/test_cloudevent.c \
	tests/unit/head_text.c tests/unit/head_text.h
test_cloudevent_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_cloudevent_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_cloudevent.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_cloudevents_body.tap
test_cloudevents_body_tap_SOURCES = tests/unit/test_cloudevents_body.c
test_cloudevents_body_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_cloudevents_body_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_cloudevents_body.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_stream_metadata.tap
test_stream_metadata_tap_SOURCES = tests/unit/test_stream_metadata.c
test_stream_metadata_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_stream_metadata_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(CHECK_LIBS)
TESTS += test_stream_metadata.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_json_corpus.tap
test_json_corpus_tap_SOURCES = tests/unit/test_json_corpus.c
test_json_corpus_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) -DKG_SOURCE_ROOT='"$(top_srcdir)"'
test_json_corpus_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_json_corpus.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_router.tap
test_router_tap_SOURCES = tests/unit/test_router.c
test_router_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_router_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_router.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_guard.tap
test_guard_tap_SOURCES = tests/unit/test_guard.c \
	tests/unit/head_text.c tests/unit/head_text.h
test_guard_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_guard_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_guard.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_parameters.tap
test_parameters_tap_SOURCES = tests/unit/test_parameters.c \
	tests/unit/head_text.c tests/unit/head_text.h
test_parameters_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_parameters_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_parameters.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_auth.tap
test_auth_tap_SOURCES = tests/unit/test_auth.c \
	tests/unit/head_text.c tests/unit/head_text.h
test_auth_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_auth_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_auth.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_devdb_store.tap
test_devdb_store_tap_SOURCES = tests/unit/test_devdb_store.c $(devdb_store_sources)
test_devdb_store_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_devdb_store_tap_LDADD = $(CHECK_LIBS)
TESTS += test_devdb_store.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_devdb_v2_values.tap
test_devdb_v2_values_tap_SOURCES = tests/unit/test_devdb_v2_values.c \
	devdb/text.c devdb/text.h \
	devdb/v2_decode.c devdb/v2_decode.h \
	devdb/v2_json.c devdb/v2_json.h \
	devdb/v2_properties.c devdb/v2_properties.h \
	devdb/v2_text.c devdb/v2_text.h \
	devdb/wire.c devdb/wire.h \
	client-core/base/alloc.c client-core/base/alloc.h \
	client-core/base/buffer.c client-core/base/buffer.h
test_devdb_v2_values_tap_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) \
	$(CHECK_CFLAGS)
test_devdb_v2_values_tap_LDADD = libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) \
	$(UNISTRING_LIBS) $(CHECK_LIBS) -lm
$(test_devdb_v2_values_tap_OBJECTS): | $(proto_generated)
TESTS += test_devdb_v2_values.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_devdb_v2_write.tap
test_devdb_v2_write_tap_SOURCES = tests/unit/test_devdb_v2_write.c $(devdb_store_sources) \
	devdb/v2_text.c devdb/v2_text.h \
	devdb/v2_write.c devdb/v2_write.h
test_devdb_v2_write_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_devdb_v2_write_tap_LDADD = $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_devdb_v2_write.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_phase.tap
test_phase_tap_SOURCES = tests/unit/test_phase.c
test_phase_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_phase_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_phase.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_media_type.tap
test_media_type_tap_SOURCES = tests/unit/test_media_type.c
test_media_type_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_media_type_tap_LDADD = libdaemon.a libclient.a $(CHECK_LIBS)
TESTS += test_media_type.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_drain.tap
test_drain_tap_SOURCES = tests/unit/test_drain.c
test_drain_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_drain_tap_LDADD = libdaemon.a $(CHECK_LIBS)
TESTS += test_drain.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_devdb_acl.tap
test_devdb_acl_tap_SOURCES = tests/unit/test_devdb_acl.c $(devdb_store_sources) \
	devdb/acl.c devdb/acl.h \
	devdb/identity.c devdb/identity.h \
	devdb/users.c devdb/users.h
test_devdb_acl_tap_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS) $(CHECK_CFLAGS)
test_devdb_acl_tap_LDADD = $(GNUTLS_LIBS) $(CHECK_LIBS)
TESTS += test_devdb_acl.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_condition.tap
test_condition_tap_SOURCES = tests/unit/test_condition.c
test_condition_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_condition_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(CHECK_LIBS)
TESTS += test_condition.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_stream_name.tap
test_stream_name_tap_SOURCES = tests/unit/test_stream_name.c
test_stream_name_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_stream_name_tap_LDADD = libdaemon.a libclient.a $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_stream_name.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_event_type.tap
test_event_type_tap_SOURCES = tests/unit/test_event_type.c
test_event_type_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_event_type_tap_LDADD = libdaemon.a libclient.a $(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_event_type.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_multi_append_body.tap
test_multi_append_body_tap_SOURCES = tests/unit/test_multi_append_body.c
test_multi_append_body_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_multi_append_body_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) \
	$(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_multi_append_body.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_append_records_body.tap
test_append_records_body_tap_SOURCES = tests/unit/test_append_records_body.c
test_append_records_body_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_append_records_body_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(GNUTLS_LIBS) \
	$(UNISTRING_LIBS) $(CHECK_LIBS)
TESTS += test_append_records_body.tap
endif

if HAVE_CHECK
check_PROGRAMS += test_failures.tap
test_failures_tap_SOURCES = tests/unit/test_failures.c
test_failures_tap_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
test_failures_tap_LDADD = libdaemon.a libclient.a $(CJSON_LIBS) $(CHECK_LIBS)
TESTS += test_failures.tap
endif
