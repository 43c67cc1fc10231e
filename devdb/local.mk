# kurrentgate-devdb: the in-memory development database
devdb_store_sources = \
	devdb/event.c devdb/event.h \
	devdb/guid.c devdb/guid.h \
	devdb/hash_table.c devdb/hash_table.h \
	devdb/log.c devdb/log.h \
	devdb/recent_ids.c devdb/recent_ids.h \
	devdb/store.c devdb/store.h \
	devdb/stream_metadata.c devdb/stream_metadata.h \
	devdb/text.c devdb/text.h \
	client-core/base/alloc.c client-core/base/alloc.h \
	client-core/base/buffer.c client-core/base/buffer.h \
	client-core/base/clock.h client-core/base/list.h

bin_PROGRAMS += kurrentgate-devdb
kurrentgate_devdb_SOURCES = \
	$(devdb_store_sources) \
	devdb/access.c devdb/access.h \
	devdb/acl.c devdb/acl.h \
	devdb/admin.c devdb/admin.h \
	devdb/append.c \
	devdb/batch_answer.c devdb/batch_answer.h \
	devdb/batch_append.c \
	devdb/batch_options.c devdb/batch_options.h \
	devdb/call.c devdb/call.h \
	devdb/delete.c \
	devdb/emulation.c devdb/emulation.h \
	devdb/expectation.h \
	devdb/faults.c devdb/faults.h \
	devdb/gossip.c \
	devdb/identity.c devdb/identity.h \
	devdb/listener.c devdb/listener.h \
	devdb/main.c \
	devdb/methods.c devdb/methods.h \
	devdb/node.h \
	devdb/options.c devdb/options.h \
	devdb/proposal.c devdb/proposal.h \
	devdb/read.c \
	devdb/read_answer.c devdb/read_answer.h \
	devdb/refusals.c devdb/refusals.h \
	devdb/role.c devdb/role.h \
	devdb/server.c devdb/server.h \
	devdb/server_features.c \
	devdb/stats.h \
	devdb/stream_name.c devdb/stream_name.h \
	devdb/timers.c devdb/timers.h \
	devdb/tls.c devdb/tls.h \
	devdb/traces.c devdb/traces.h \
	devdb/unary.c devdb/unary.h \
	devdb/users.c devdb/users.h \
	devdb/users_service.c \
	devdb/v2_append_records.c \
	devdb/v2_append_session.c \
	devdb/v2_complaints.c devdb/v2_complaints.h \
	devdb/v2_decode.c devdb/v2_decode.h \
	devdb/v2_json.c devdb/v2_json.h \
	devdb/v2_properties.c devdb/v2_properties.h \
	devdb/v2_record.c devdb/v2_record.h \
	devdb/v2_refusals.c devdb/v2_refusals.h \
	devdb/v2_text.c devdb/v2_text.h \
	devdb/v2_write.c devdb/v2_write.h \
	devdb/wire.c devdb/wire.h
kurrentgate_devdb_CPPFLAGS = $(AM_CPPFLAGS) $(GRPC_CFLAGS) $(PROTOBUF_C_CFLAGS) \
	$(MICROHTTPD_CFLAGS) $(CJSON_CFLAGS) $(GNUTLS_CFLAGS)
kurrentgate_devdb_LDADD = libproto.a $(GRPC_LIBS) $(PROTOBUF_C_LIBS) $(MICROHTTPD_LIBS) \
	$(CJSON_LIBS) $(GNUTLS_LIBS) $(UNISTRING_LIBS) -lpthread -lm
# A bare "make kurrentgate-devdb" in a fresh tree needs the generated headers, too.
$(kurrentgate_devdb_OBJECTS): | $(proto_generated)

dist_man_MANS += devdb/kurrentgate-devdb.1
