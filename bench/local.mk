# Programs to measure with; only `make bench-programs` builds them, nothing installs them.
EXTRA_PROGRAMS = bench-floor bench-load bench-sink
EXTRA_DIST += bench/run bench/README.md
CLEANFILES += $(EXTRA_PROGRAMS)

bench_floor_SOURCES = bench/floor.c \
	bench/floor_append.c bench/floor_append.h \
	bench/floor_call.c bench/floor_call.h \
	bench/floor_channel.c bench/floor_channel.h \
	bench/floor_http.c bench/floor_http.h \
	bench/protobuf_walk.h
bench_floor_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(GRPC_CFLAGS)
bench_floor_LDADD = libclient.a $(MICROHTTPD_LIBS) $(GRPC_LIBS)

bench_load_SOURCES = bench/load.c bench/histogram.h
bench_load_LDADD = libclient.a

bench_sink_SOURCES = bench/sink.c bench/sink_answer.c bench/sink_answer.h bench/protobuf_walk.h
bench_sink_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS)
bench_sink_LDADD = libclient.a libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS)

# As automake does it for all and check: generated headers first.
.PHONY: bench-programs
bench-programs: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(EXTRA_PROGRAMS)
