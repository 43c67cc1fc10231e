# Fuzz targets. libFuzzer drives them in ./dev fuzz; in make check replay.c runs their corpora.
FUZZ_MAIN = libreplay.a
fuzz_targets = fuzz-append-answer fuzz-append-json fuzz-append-ndjson fuzz-append-raw fuzz-append-records \
	fuzz-append-request fuzz-certificate fuzz-cloudevent-head fuzz-cloudevents fuzz-condition fuzz-config-file \
	fuzz-connection-string fuzz-devdb-append-session fuzz-features fuzz-gossip fuzz-gzip fuzz-head \
	fuzz-idempotency-key fuzz-json-scan fuzz-media-type fuzz-metadata-answer fuzz-multi-append fuzz-option \
	fuzz-preference fuzz-router fuzz-status fuzz-trace-context fuzz-v2-answer fuzz-v2-refusal
check_PROGRAMS += $(fuzz_targets)

check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz.h
check_LIBRARIES += libfuzz.a
libfuzz_a_SOURCES = tests/fuzz/fuzz.c tests/fuzz/fuzz.h \
	tests/fuzz/append_checks.c tests/fuzz/append_checks.h \
	tests/fuzz/transaction_checks.c tests/fuzz/transaction_checks.h
libfuzz_a_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS)

fuzz_daemon_libs = $(FUZZ_MAIN) libfuzz.a libdaemon.a libclient.a libproto.a \
	$(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS)

fuzz_append_answer_SOURCES = tests/fuzz/fuzz_append_answer.c
fuzz_append_answer_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS)
fuzz_append_answer_LDADD = $(fuzz_daemon_libs) $(GRPC_LIBS) $(PROTOBUF_C_LIBS)
fuzz_append_json_SOURCES = tests/fuzz/fuzz_append_json.c
fuzz_append_json_LDADD = $(fuzz_daemon_libs)
fuzz_append_ndjson_SOURCES = tests/fuzz/fuzz_append_ndjson.c
fuzz_append_ndjson_LDADD = $(fuzz_daemon_libs)
fuzz_append_raw_SOURCES = tests/fuzz/fuzz_append_raw.c
fuzz_append_raw_LDADD = $(fuzz_daemon_libs)
fuzz_append_records_SOURCES = tests/fuzz/fuzz_append_records.c
fuzz_append_records_LDADD = $(fuzz_daemon_libs)
fuzz_append_request_SOURCES = tests/fuzz/fuzz_append_request.c
fuzz_append_request_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS)
fuzz_append_request_LDADD = $(fuzz_daemon_libs) $(GRPC_LIBS) $(PROTOBUF_C_LIBS)
$(fuzz_append_answer_OBJECTS) $(fuzz_append_request_OBJECTS): | $(proto_generated)
fuzz_certificate_SOURCES = tests/fuzz/fuzz_certificate.c
fuzz_certificate_CPPFLAGS = $(AM_CPPFLAGS) $(GNUTLS_CFLAGS)
fuzz_certificate_LDADD = $(fuzz_daemon_libs)
fuzz_cloudevent_head_SOURCES = tests/fuzz/fuzz_cloudevent_head.c
fuzz_cloudevent_head_LDADD = $(fuzz_daemon_libs)
fuzz_cloudevents_SOURCES = tests/fuzz/fuzz_cloudevents.c
fuzz_cloudevents_LDADD = $(fuzz_daemon_libs)
fuzz_condition_SOURCES = tests/fuzz/fuzz_condition.c
fuzz_condition_LDADD = $(fuzz_daemon_libs)
fuzz_config_file_SOURCES = tests/fuzz/fuzz_config_file.c
fuzz_config_file_LDADD = $(fuzz_daemon_libs)
fuzz_connection_string_SOURCES = tests/fuzz/fuzz_connection_string.c
fuzz_connection_string_LDADD = $(fuzz_daemon_libs)
fuzz_devdb_append_session_SOURCES = tests/fuzz/fuzz_devdb_append_session.c \
	devdb/text.c devdb/text.h \
	devdb/v2_decode.c devdb/v2_decode.h \
	devdb/v2_json.c devdb/v2_json.h \
	devdb/v2_properties.c devdb/v2_properties.h \
	devdb/v2_text.c devdb/v2_text.h \
	devdb/wire.c devdb/wire.h
fuzz_devdb_append_session_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS)
fuzz_devdb_append_session_LDADD = $(fuzz_daemon_libs) $(GRPC_LIBS) $(PROTOBUF_C_LIBS) \
	$(UNISTRING_LIBS) -lm
$(fuzz_devdb_append_session_OBJECTS): | $(proto_generated)
fuzz_features_SOURCES = tests/fuzz/fuzz_features.c
fuzz_features_LDADD = $(fuzz_daemon_libs) $(PROTOBUF_C_LIBS)
fuzz_gossip_SOURCES = tests/fuzz/fuzz_gossip.c
fuzz_gossip_LDADD = $(fuzz_daemon_libs) $(PROTOBUF_C_LIBS)
fuzz_gzip_SOURCES = tests/fuzz/fuzz_gzip.c
fuzz_gzip_LDADD = $(fuzz_daemon_libs) $(ZLIB_LIBS)
fuzz_head_SOURCES = tests/fuzz/fuzz_head.c
fuzz_head_LDADD = $(fuzz_daemon_libs)
fuzz_idempotency_key_SOURCES = tests/fuzz/fuzz_idempotency_key.c
fuzz_idempotency_key_LDADD = $(fuzz_daemon_libs)
fuzz_json_scan_SOURCES = tests/fuzz/fuzz_json_scan.c
fuzz_json_scan_LDADD = $(fuzz_daemon_libs)
fuzz_media_type_SOURCES = tests/fuzz/fuzz_media_type.c
fuzz_media_type_LDADD = $(fuzz_daemon_libs)
fuzz_multi_append_SOURCES = tests/fuzz/fuzz_multi_append.c
fuzz_multi_append_LDADD = $(fuzz_daemon_libs)
fuzz_option_SOURCES = tests/fuzz/fuzz_option.c
fuzz_option_LDADD = $(fuzz_daemon_libs)
fuzz_preference_SOURCES = tests/fuzz/fuzz_preference.c
fuzz_preference_LDADD = $(fuzz_daemon_libs)
fuzz_router_SOURCES = tests/fuzz/fuzz_router.c
fuzz_router_LDADD = $(fuzz_daemon_libs)
fuzz_trace_context_SOURCES = tests/fuzz/fuzz_trace_context.c
fuzz_trace_context_LDADD = $(fuzz_daemon_libs)
fuzz_metadata_answer_SOURCES = tests/fuzz/fuzz_metadata_answer.c
fuzz_metadata_answer_LDADD = $(fuzz_daemon_libs) $(GRPC_LIBS) $(PROTOBUF_C_LIBS)
fuzz_v2_answer_SOURCES = tests/fuzz/fuzz_v2_answer.c
fuzz_v2_answer_LDADD = $(fuzz_daemon_libs) $(GRPC_LIBS) $(PROTOBUF_C_LIBS)
fuzz_v2_refusal_SOURCES = tests/fuzz/fuzz_v2_refusal.c
fuzz_v2_refusal_LDADD = $(fuzz_daemon_libs) $(GRPC_LIBS) $(PROTOBUF_C_LIBS)
fuzz_status_SOURCES = tests/fuzz/fuzz_status.c
fuzz_status_LDADD = $(fuzz_daemon_libs) $(PROTOBUF_C_LIBS)

TESTS += tests/fuzz/corpus.tap
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/corpus.tap tests/fuzz/run \
	tests/fuzz/corpus tests/fuzz/dictionaries

# Fuzzers, in a tree that was configured with CC=clang and CFLAGS with
# -fsanitize=fuzzer-no-link. As automake does it for all and check: generated headers first.
.PHONY: fuzz-programs
fuzz-programs: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_targets) FUZZ_MAIN= LDFLAGS='$(LDFLAGS) -fsanitize=fuzzer'
	@echo $(fuzz_targets) | tr ' ' '\n' >fuzz-targets
CLEANFILES += fuzz-targets
