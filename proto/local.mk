# The messages on the wire. C code is generated into the build tree only.
proto_files = \
	proto/well_known.proto \
	proto/shared.proto \
	proto/rpc_status.proto \
	proto/kurrent_rpc.proto \
	proto/streams.proto \
	proto/gossip.proto \
	proto/server_features.proto \
	proto/streams_v2.proto \
	proto/streams_v2_errors.proto \
	proto/users.proto
proto_generated = \
	proto/well_known.pb-c.c proto/well_known.pb-c.h \
	proto/shared.pb-c.c proto/shared.pb-c.h \
	proto/rpc_status.pb-c.c proto/rpc_status.pb-c.h \
	proto/kurrent_rpc.pb-c.c proto/kurrent_rpc.pb-c.h \
	proto/streams.pb-c.c proto/streams.pb-c.h \
	proto/gossip.pb-c.c proto/gossip.pb-c.h \
	proto/server_features.pb-c.c proto/server_features.pb-c.h \
	proto/streams_v2.pb-c.c proto/streams_v2.pb-c.h \
	proto/streams_v2_errors.pb-c.c proto/streams_v2_errors.pb-c.h \
	proto/users.pb-c.c proto/users.pb-c.h

BUILT_SOURCES += $(proto_generated)
CLEANFILES += $(proto_generated)
EXTRA_DIST += $(proto_files) proto/README.md

noinst_LIBRARIES += libproto.a
libproto_a_SOURCES =
nodist_libproto_a_SOURCES = $(proto_generated)
libproto_a_CPPFLAGS = $(AM_CPPFLAGS) $(PROTOBUF_C_CFLAGS)
libproto_a_CFLAGS = -std=gnu17 -w $(HARDEN_CFLAGS) $(SAN_FLAGS)

proto/%.pb-c.c proto/%.pb-c.h: proto/%.proto
	$(AM_V_GEN)$(MKDIR_P) proto && $(PROTOC_C) -I$(top_srcdir) --c_out=. proto/$*.proto
