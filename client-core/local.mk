# sources and rules of client-core/
noinst_LIBRARIES += libclient.a
libclient_a_SOURCES = \
	client-core/base/alloc.c client-core/base/alloc.h \
	client-core/base/buffer.c client-core/base/buffer.h \
	client-core/base/clock.h \
	client-core/base/list.h \
	client-core/error.h
libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS)
