# sources and rules of daemon/
noinst_LIBRARIES += libdaemon.a
libdaemon_a_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(CJSON_CFLAGS) $(GNUTLS_CFLAGS)
libdaemon_a_SOURCES = \
	daemon/append_body.c daemon/append_body.h \
	daemon/append_event.c daemon/append_event.h \
	daemon/base64.c daemon/base64.h \
	daemon/config.c daemon/config.h \
	daemon/config_print.c \
	daemon/config_source.c daemon/config_source.h \
	daemon/idempotency.c daemon/idempotency.h \
	daemon/json_scan.c daemon/json_scan.h \
	daemon/json_write.c daemon/json_write.h \
	daemon/log.c daemon/log.h \
	daemon/log_sink.c daemon/log_sink.h \
	daemon/option.c daemon/option.h daemon/options.def \
	daemon/problem.c daemon/problem.h daemon/problems.def \
	daemon/stream_metadata.c daemon/stream_metadata.h \
	daemon/uuid.c daemon/uuid.h
