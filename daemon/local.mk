# sources and rules of daemon/
noinst_LIBRARIES += libdaemon.a
libdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(CJSON_CFLAGS) $(GNUTLS_CFLAGS) \
	$(ZLIB_CFLAGS)
libdaemon_a_SOURCES = \
	daemon/append_body.c daemon/append_body.h \
	daemon/append_builder.c daemon/append_builder.h \
	daemon/append_event.c daemon/append_event.h \
	daemon/append_properties.c daemon/append_properties.h \
	daemon/append_reader.c daemon/append_reader.h \
	daemon/append_records_body.c daemon/append_records_body.h \
	daemon/append_value.c daemon/append_value.h \
	daemon/base64.c daemon/base64.h \
	daemon/claim.c daemon/claim.h \
	daemon/cloudevent.c daemon/cloudevent.h \
	daemon/cloudevents_body.c daemon/cloudevents_body.h \
	daemon/condition.c daemon/condition.h \
	daemon/config.c daemon/config.h \
	daemon/config_print.c \
	daemon/config_source.c daemon/config_source.h \
	daemon/entity_tag.c daemon/entity_tag.h \
	daemon/equal_texts.c daemon/equal_texts.h \
	daemon/event_type.c daemon/event_type.h \
	daemon/idempotency.c daemon/idempotency.h \
	daemon/json_scan.c daemon/json_scan.h \
	daemon/json_text.c daemon/json_text.h \
	daemon/json_write.c daemon/json_write.h \
	daemon/key_table.c daemon/key_table.h \
	daemon/log.c daemon/log.h \
	daemon/log_sink.c daemon/log_sink.h \
	daemon/multi_append_body.c daemon/multi_append_body.h \
	daemon/option.c daemon/option.h daemon/options.def \
	daemon/preference.c daemon/preference.h \
	daemon/problem.c daemon/problem.h daemon/problems.def \
	daemon/rule_findings.c daemon/rule_findings.h \
	daemon/stream_metadata.c daemon/stream_metadata.h \
	daemon/stream_name.c daemon/stream_name.h \
	daemon/unicode.c daemon/unicode.h \
	daemon/trace_context.c daemon/trace_context.h \
	daemon/uuid.c daemon/uuid.h \
	daemon/auth.c daemon/auth.h \
	daemon/connection.c daemon/connection.h \
	daemon/drain.c daemon/drain.h \
	daemon/guard.c daemon/guard.h \
	daemon/gzip.c daemon/gzip.h \
	daemon/head.c daemon/head.h \
	daemon/http.c daemon/http.h \
	daemon/listen.c daemon/listen.h \
	daemon/media_type.c daemon/media_type.h \
	daemon/parameters.c daemon/parameters.h \
	daemon/phase.c daemon/phase.h \
	daemon/ready.c daemon/ready.h \
	daemon/request.c daemon/request.h \
	daemon/router.c daemon/router.h daemon/routes.def \
	daemon/write.c daemon/write.h \
	daemon/decimal.h \
	daemon/field_value.h \
	daemon/endpoints/append.c daemon/endpoints/append.h \
	daemon/endpoints/append_raw.c \
	daemon/endpoints/cloudevents.c \
	daemon/endpoints/append_records.c \
	daemon/endpoints/info.c \
	daemon/endpoints/openapi.c \
	daemon/endpoints/multi_append.c \
	daemon/endpoints/transaction.c daemon/endpoints/transaction.h \
	daemon/endpoints/probes.c \
	daemon/endpoints/problems.c \
	daemon/endpoints/stream_metadata.c

# The description of the API: written as YAML, served as JSON, too. A tarball has both, so that
# building it needs no Python.
openapi.json: openapi.yaml daemon/openapi_json.py
	$(AM_V_GEN)$(PYTHON3) $(srcdir)/daemon/openapi_json.py $(srcdir)/openapi.yaml $@
daemon/endpoints/libdaemon_a-openapi.$(OBJEXT): openapi.yaml openapi.json
EXTRA_DIST += openapi.yaml openapi.json daemon/openapi_json.py
MAINTAINERCLEANFILES = openapi.json

bin_PROGRAMS += kurrentgate
kurrentgate_SOURCES = daemon/main.c
kurrentgate_CPPFLAGS = $(AM_CPPFLAGS)
kurrentgate_LDADD = libdaemon.a libclient.a libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) \
	$(MICROHTTPD_LIBS) $(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) \
	$(ZLIB_LIBS) -lpthread

dist_man_MANS += daemon/kurrentgate.8
