# sources and rules of client-core/
noinst_LIBRARIES += libclient.a
libclient_a_SOURCES = \
	client-core/authorization.c client-core/authorization.h \
	client-core/base/alloc.c client-core/base/alloc.h \
	client-core/base/arena.h \
	client-core/base/buffer.c client-core/base/buffer.h \
	client-core/base/clock.h \
	client-core/base/deadline_heap.c client-core/base/deadline_heap.h \
	client-core/base/list.h \
	client-core/base/wire.h \
	client-core/base/name_distance.c client-core/base/name_distance.h \
	client-core/batch_stream.c client-core/batch_stream.h \
	client-core/call.c client-core/call.h \
	client-core/channel.c client-core/channel.h \
	client-core/client.c client-core/client.h \
	client-core/completion.c client-core/completion.h \
	client-core/connection_settings.c client-core/connection_settings.h \
	client-core/connection_string.c client-core/connection_string.h \
	client-core/diagnosis.c client-core/diagnosis.h \
	client-core/discovery.c client-core/discovery.h \
	client-core/error.c client-core/error.h \
	client-core/features.c client-core/features.h \
	client-core/gossip.c client-core/gossip.h \
	client-core/handshake.c client-core/handshake.h \
	client-core/operation.c client-core/operation.h \
	client-core/operations.h \
	client-core/operations/append.c client-core/operations/append.h \
	client-core/operations/append_records.c \
	client-core/operations/get_stream_metadata.c \
	client-core/operations/multi_append.c \
	client-core/operations/name_index.c client-core/operations/name_index.h \
	client-core/operations/record.c client-core/operations/record.h \
	client-core/operations/refusal.c client-core/operations/refusal.h \
	client-core/operations/transaction.c client-core/operations/transaction.h \
	client-core/operations/violation.c client-core/operations/violation.h \
	client-core/own_call.c client-core/own_call.h \
	client-core/status.c client-core/status.h \
	client-core/topology.c client-core/topology.h \
	client-core/trust.c client-core/trust.h
libclient_a_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) $(GNUTLS_CFLAGS)
