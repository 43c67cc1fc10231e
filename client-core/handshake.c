/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS handshake that is made only to fail in words: a socket without blocking, GnuTLS on top of
 * it, and the names of what can go wrong. Owns socket and session while it runs. */
#include "client-core/handshake.h"

#include "client-core/base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHAIN_MAX = 8,
	NAMES_SIZE = 80, /* of those that are listed in a cause */
	DATE_SIZE = 32,
	FIRST_BYTES = 2,
	/* How long a server that is content gets for its first bytes. */
	CONTENT_TIMEOUT_MS = 1000,
};

struct handshake {
	const struct kdb_handshake_options *options;
	int fd;
	int64_t deadline_mono_ns;
	bool is_cancelled;
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	unsigned char first[FIRST_BYTES]; /* of what the server sent */
	size_t first_len;
	char *cause;
	size_t cause_size;
};

static bool __attribute__((format(printf, 2, 3)))
tell(struct handshake *handshake, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(handshake->cause, handshake->cause_size, format, args);
	va_end(args);
	return true;
}

/* ---- certificates in words ---- */

/* What a stranger wrote goes into the log and into JSON. */
static void
clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			*text = '?';
}

static void
print_date(time_t at, char *text, size_t size)
{
	struct tm date;

	if (at == (time_t)-1 || !gmtime_r(&at, &date) ||
	    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &date) == 0)
		snprintf(text, size, "an unknown date");
}

/* One name, as text; the address of an IP name. */
static bool
read_name(gnutls_x509_crt_t certificate, unsigned index, char *text, size_t size)
{
	char value[256];
	size_t value_len = sizeof value;
	int type = gnutls_x509_crt_get_subject_alt_name(
	    certificate, index, value, &value_len, NULL);

	if (type == GNUTLS_SAN_IPADDRESS && (value_len == 4 || value_len == 16))
		return inet_ntop(value_len == 4 ? AF_INET : AF_INET6, value, text,
			   (socklen_t)size) != NULL;
	if (type != GNUTLS_SAN_DNSNAME)
		return false;
	snprintf(text, size, "%.*s", (int)value_len, value);
	return true;
}

static void
add_name(char *names, const char *name)
{
	size_t len = strlen(names);
	size_t room;

	if (len > 0 && len + 2 < NAMES_SIZE)
		len += (size_t)snprintf(names + len, NAMES_SIZE - len, ", ");
	room = NAMES_SIZE - 1 - len;
	snprintf(names + len, room + 1, "%.*s", (int)room, name);
}

/* Whom the certificate names: its DNS names and addresses, else its subject. */
static void
print_names(gnutls_x509_crt_t certificate, char *names)
{
	char value[256];
	size_t len = sizeof value;
	int result = 0;

	names[0] = 0;
	for (unsigned i = 0; result != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		size_t size = 0;

		result = gnutls_x509_crt_get_subject_alt_name(
		    certificate, i, NULL, &size, NULL);
		if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ||
		    strlen(names) + 1 >= NAMES_SIZE)
			break;
		if (read_name(certificate, i, value, sizeof value))
			add_name(names, value);
	}
	if (!names[0] && gnutls_x509_crt_get_dn(certificate, value, &len) == 0)
		add_name(names, value);
	clean(names);
}

static void
print_issuer(gnutls_x509_crt_t certificate, char *names)
{
	char value[256];
	size_t len = sizeof value;

	if (gnutls_x509_crt_get_issuer_dn(certificate, value, &len) != 0)
		snprintf(value, sizeof value, "an authority without a name");
	snprintf(names, NAMES_SIZE, "%.*s", NAMES_SIZE - 1, value);
	clean(names);
}

struct chain {
	gnutls_x509_crt_t certificates[CHAIN_MAX];
	unsigned count;
};

static void
read_chain(struct chain *chain, const gnutls_datum_t *data, unsigned count)
{
	chain->count = 0;
	for (unsigned i = 0; i < count && i < CHAIN_MAX; i++) {
		gnutls_x509_crt_t certificate;

		if (gnutls_x509_crt_init(&certificate) != 0)
			return;
		if (gnutls_x509_crt_import(certificate, &data[i], GNUTLS_X509_FMT_DER) !=
		    0) {
			gnutls_x509_crt_deinit(certificate);
			return;
		}
		chain->certificates[chain->count++] = certificate;
	}
}

static void
dispose_chain(struct chain *chain)
{
	for (unsigned i = 0; i < chain->count; i++)
		gnutls_x509_crt_deinit(chain->certificates[i]);
}

static void
describe_stranger(gnutls_x509_crt_t server, gnutls_x509_crt_t last,
    const char *roots_name, char *cause, size_t size)
{
	char issuer[NAMES_SIZE];

	print_issuer(last, issuer);
	if (gnutls_x509_crt_check_issuer(server, server))
		snprintf(cause, size,
		    "the certificate of the server is self-signed, and it is not in %s",
		    roots_name);
	else
		snprintf(cause, size,
		    "the certificate of the server comes from an authority (%s) that is "
		    "not in %s",
		    issuer, roots_name);
}

static void
describe_age(
    const struct chain *chain, bool is_expired, time_t now, char *cause, size_t size)
{
	char date[DATE_SIZE];

	for (unsigned i = 0; i < chain->count; i++) {
		time_t end = gnutls_x509_crt_get_expiration_time(chain->certificates[i]);
		time_t start =
		    gnutls_x509_crt_get_activation_time(chain->certificates[i]);

		if (is_expired ? end >= now : start <= now)
			continue;
		print_date(is_expired ? end : start, date, sizeof date);
		snprintf(cause, size, "%s %s %s%s",
		    i == 0 ? "the certificate of the server"
			   : "the certificate of the server's authority",
		    is_expired ? "has expired: it was valid until"
			       : "is not valid yet: it begins at",
		    date, is_expired ? "" : "; are the clocks right?");
		return;
	}
	snprintf(cause, size, "the certificate of the server's authority %s",
	    is_expired ? "has expired" : "is not valid yet");
}

static void
describe_owner(gnutls_x509_crt_t server, const char *host, char *cause, size_t size)
{
	char names[NAMES_SIZE];

	print_names(server, names);
	snprintf(cause, size, "the certificate of the server is for %s, not for %.60s",
	    names, host);
}

static void
describe_other(unsigned status, char *cause, size_t size)
{
	gnutls_datum_t text = {NULL, 0};

	if (gnutls_certificate_verification_status_print(
		status, GNUTLS_CRT_X509, &text, 0) == 0)
		snprintf(cause, size, "%.*s", (int)text.size, (char *)text.data);
	else
		snprintf(cause, size, "the certificate of the server is refused");
	gnutls_free(text.data);
}

void
kdb_handshake_describe_certificate(const gnutls_datum_t *data, unsigned count,
    unsigned status, const char *host, const char *roots_name, time_t now, char *cause,
    size_t size)
{
	struct chain chain;

	read_chain(&chain, data, count);
	if (chain.count == 0)
		snprintf(cause, size, "the certificate of the server cannot be read");
	else if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		describe_stranger(chain.certificates[0],
		    chain.certificates[chain.count - 1], roots_name, cause, size);
	else if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED))
		describe_age(&chain, status & GNUTLS_CERT_EXPIRED, now, cause, size);
	else if (status & GNUTLS_CERT_UNEXPECTED_OWNER)
		describe_owner(chain.certificates[0], host, cause, size);
	else
		describe_other(status, cause, size);
	dispose_chain(&chain);
}

/* ---- the socket ---- */

/* False: the time is over, or nobody wants to know any more. */
static bool
wait_for(struct handshake *handshake, int fd, short events)
{
	int64_t left_ns = handshake->deadline_mono_ns - kdb_clock_mono_ns();
	struct pollfd fds[] = {{.fd = fd, .events = events},
	    {.fd = handshake->options->cancel_fd, .events = POLLIN}};
	int count;

	if (left_ns <= 0)
		return false;
	count = poll(fds, 2, (int)(left_ns / KDB_NS_PER_MS) + 1);
	if (fds[1].revents)
		handshake->is_cancelled = true;
	return count > 0 && !handshake->is_cancelled;
}

static int
connect_to(struct handshake *handshake, const struct addrinfo *address)
{
	int fd =
	    socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t size = sizeof error;

	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0 ||
	    (errno == EINPROGRESS && wait_for(handshake, fd, POLLOUT) &&
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && !error))
		return fd;
	close(fd);
	return -1;
}

static bool
open_socket(struct handshake *handshake)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *addresses;
	char port[8];

	snprintf(port, sizeof port, "%u", (unsigned)handshake->options->endpoint.port);
	if (getaddrinfo(handshake->options->endpoint.host, port, &hints, &addresses) != 0)
		return false;
	handshake->deadline_mono_ns =
	    kdb_clock_mono_ns() + handshake->options->timeout_ms * KDB_NS_PER_MS;
	for (struct addrinfo *at = addresses; at && handshake->fd < 0; at = at->ai_next)
		handshake->fd = connect_to(handshake, at);
	freeaddrinfo(addresses);
	return handshake->fd >= 0;
}

static ssize_t
pull(gnutls_transport_ptr_t pointer, void *bytes, size_t len)
{
	struct handshake *handshake = pointer;
	ssize_t got = recv(handshake->fd, bytes, len, 0);

	for (ssize_t i = 0; i < got && handshake->first_len < FIRST_BYTES; i++)
		handshake->first[handshake->first_len++] = ((unsigned char *)bytes)[i];
	return got;
}

static ssize_t
push(gnutls_transport_ptr_t pointer, const void *bytes, size_t len)
{
	struct handshake *handshake = pointer;

	return send(handshake->fd, bytes, len, MSG_NOSIGNAL);
}

/* A TLS record: its type, then the major version. */
static bool
speaks_tls(const struct handshake *handshake)
{
	return handshake->first_len == FIRST_BYTES && handshake->first[0] >= 0x14 &&
	       handshake->first[0] <= 0x17 && handshake->first[1] == 3;
}

/* ---- the session ---- */

static int
verify(gnutls_session_t session)
{
	struct handshake *handshake = gnutls_session_get_ptr(session);
	const struct kdb_handshake_options *options = handshake->options;
	gnutls_typed_vdata_st wanted[] = {
	    {.type = GNUTLS_DT_DNS_HOSTNAME,
		.data = (unsigned char *)(uintptr_t)options->endpoint.host},
	    {.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER},
	};
	const gnutls_datum_t *chain;
	unsigned status = GNUTLS_CERT_INVALID;
	unsigned count = 0;

	if (!options->pem || !options->pem->roots)
		return 0;
	if (gnutls_certificate_verify_peers(session, wanted, 2, &status) == 0 && !status)
		return 0;
	chain = gnutls_certificate_get_peers(session, &count);
	kdb_handshake_describe_certificate(chain, count, status, options->endpoint.host,
	    options->roots_name, time(NULL), handshake->cause, handshake->cause_size);
	return GNUTLS_E_CERTIFICATE_ERROR;
}

static gnutls_datum_t
datum_of(const char *text)
{
	return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static bool
load_pem(struct handshake *handshake, const struct kdb_pem *pem)
{
	if (pem && pem->roots) {
		gnutls_datum_t roots = datum_of(pem->roots);

		if (gnutls_certificate_set_x509_trust_mem(
			handshake->credentials, &roots, GNUTLS_X509_FMT_PEM) < 0)
			return false;
	}
	if (pem && pem->certificate) {
		gnutls_datum_t certificate = datum_of(pem->certificate);
		gnutls_datum_t key = datum_of(pem->key);

		if (gnutls_certificate_set_x509_key_mem(handshake->credentials,
			&certificate, &key, GNUTLS_X509_FMT_PEM) < 0)
			return false;
	}
	return true;
}

static bool
is_address(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 ||
	       inet_pton(AF_INET6, host, address) == 1;
}

static bool
open_session(struct handshake *handshake)
{
	const char *host = handshake->options->endpoint.host;
	gnutls_datum_t h2 = datum_of("h2");

	if (gnutls_certificate_allocate_credentials(&handshake->credentials) != 0 ||
	    !load_pem(handshake, handshake->options->pem) ||
	    gnutls_init(&handshake->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK) != 0)
		return false;
	gnutls_certificate_set_verify_function(handshake->credentials, verify);
	gnutls_session_set_ptr(handshake->session, handshake);
	gnutls_transport_set_ptr(handshake->session, handshake);
	gnutls_transport_set_pull_function(handshake->session, pull);
	gnutls_transport_set_push_function(handshake->session, push);
	return gnutls_set_default_priority(handshake->session) == 0 &&
	       gnutls_credentials_set(handshake->session, GNUTLS_CRD_CERTIFICATE,
		   handshake->credentials) == 0 &&
	       gnutls_alpn_set_protocols(handshake->session, &h2, 1, 0) == 0 &&
	       (is_address(host) || gnutls_server_name_set(handshake->session,
					GNUTLS_NAME_DNS, host, strlen(host)) == 0);
}

static void
close_session(struct handshake *handshake)
{
	if (handshake->session)
		gnutls_deinit(handshake->session);
	if (handshake->credentials)
		gnutls_certificate_free_credentials(handshake->credentials);
	if (handshake->fd >= 0)
		close(handshake->fd);
}

/* After a result that is not fatal; false: no more time. */
static bool
wait_for_session(struct handshake *handshake, int result)
{
	if (result != GNUTLS_E_AGAIN)
		return true;
	return wait_for(handshake, handshake->fd,
	    gnutls_record_get_direction(handshake->session) ? POLLOUT : POLLIN);
}

static int
shake_hands(struct handshake *handshake)
{
	int result;

	do {
		result = gnutls_handshake(handshake->session);
		if (result < 0 && !gnutls_error_is_fatal(result) &&
		    !wait_for_session(handshake, result))
			return GNUTLS_E_TIMEDOUT;
	} while (result < 0 && !gnutls_error_is_fatal(result));
	return result;
}

/* With TLS 1.3 a server refuses the client's certificate when the client thinks that all is
 * well. Whoever speaks HTTP/2 sends something first, and then was content. */
static int
await_first_bytes(struct handshake *handshake)
{
	/* With empty SETTINGS behind it, whose last byte is the one that ends the literal. */
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";
	int64_t content_by = kdb_clock_mono_ns() + CONTENT_TIMEOUT_MS * KDB_NS_PER_MS;
	char bytes[64];
	ssize_t result;

	if (handshake->deadline_mono_ns > content_by)
		handshake->deadline_mono_ns = content_by;
	result = gnutls_record_send(handshake->session, preface, sizeof preface);
	while (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED) {
		if (!wait_for_session(handshake, (int)result))
			return 0;
		result = gnutls_record_send(handshake->session, preface, sizeof preface);
	}
	do {
		result = gnutls_record_recv(handshake->session, bytes, sizeof bytes);
		if (result < 0 && !gnutls_error_is_fatal((int)result) &&
		    !wait_for_session(handshake, (int)result))
			return 0;
	} while (result < 0 && !gnutls_error_is_fatal((int)result));
	return result == 0 ? GNUTLS_E_PREMATURE_TERMINATION : (int)result;
}

/* ---- failures in words ---- */

static bool
is_about_certificate(gnutls_alert_description_t alert)
{
	switch (alert) {
	case GNUTLS_A_HANDSHAKE_FAILURE:
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_UNSUPPORTED_CERTIFICATE:
	case GNUTLS_A_CERTIFICATE_REVOKED:
	case GNUTLS_A_CERTIFICATE_EXPIRED:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
	case GNUTLS_A_UNKNOWN_CA:
	case GNUTLS_A_ACCESS_DENIED:
	case GNUTLS_A_CERTIFICATE_REQUIRED:
		return true;
	default:
		return false;
	}
}

static bool
tell_refusal(struct handshake *handshake, const char *how)
{
	if (!handshake->options->pem->certificate)
		return tell(handshake,
		    "the server demands a client certificate: give userCertFile and "
		    "userKeyFile (it says: %s)",
		    how);
	return tell(handshake,
	    "the server refuses the client certificate of userCertFile (it says: %s)",
	    how);
}

static bool
tell_alert(struct handshake *handshake)
{
	gnutls_alert_description_t alert = gnutls_alert_get(handshake->session);
	const char *name = gnutls_alert_get_name(alert);
	bool was_asked = gnutls_certificate_client_get_request_status(handshake->session);

	if (was_asked && is_about_certificate(alert))
		return tell_refusal(handshake, name ? name : "unknown alert");
	if (alert == GNUTLS_A_NO_APPLICATION_PROTOCOL)
		return tell(handshake, "the server does not offer HTTP/2 over TLS");
	return tell(handshake, "the server broke the TLS handshake off: %s",
	    name ? name : "unknown alert");
}

static bool
tell_end(struct handshake *handshake)
{
	if (gnutls_certificate_client_get_request_status(handshake->session))
		return tell_refusal(handshake, "nothing, it closes the connection");
	return tell(handshake, "the server closed the connection in the TLS handshake");
}

static bool
tell_failure(struct handshake *handshake, int result)
{
	if (handshake->cause[0])
		return true; /* by verify() */
	if (handshake->first_len == FIRST_BYTES && !speaks_tls(handshake))
		return tell(handshake,
		    "the server does not speak TLS here; if that is meant to be so, say "
		    "tls=false in the connection string");
	switch (result) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
		return tell_alert(handshake);
	case GNUTLS_E_TIMEDOUT:
		return tell(handshake, "the server does not answer the TLS handshake");
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
		return tell_end(handshake);
	default:
		return tell(
		    handshake, "the TLS handshake failed: %s", gnutls_strerror(result));
	}
}

static bool
is_http2(struct handshake *handshake)
{
	gnutls_datum_t chosen;

	return gnutls_alpn_get_selected_protocol(handshake->session, &chosen) == 0 &&
	       chosen.size == 2 && memcmp(chosen.data, "h2", 2) == 0;
}

static bool
look(struct handshake *handshake)
{
	int result = shake_hands(handshake);

	if (handshake->is_cancelled)
		return false;
	if (!handshake->options->pem)
		return speaks_tls(handshake) &&
		       tell(handshake,
			   "the server speaks TLS: leave tls=false out of the connection "
			   "string");
	if (result == 0 && !is_http2(handshake))
		return tell(handshake, "the server does not offer HTTP/2 over TLS");
	if (result == 0)
		result = await_first_bytes(handshake);
	return result < 0 && !handshake->is_cancelled && tell_failure(handshake, result);
}

bool
kdb_handshake_find_cause(
    const struct kdb_handshake_options *options, char *cause, size_t size)
{
	struct handshake handshake = {
	    .options = options, .fd = -1, .cause = cause, .cause_size = size};
	bool is_found;

	cause[0] = 0;
	is_found =
	    open_socket(&handshake) && open_session(&handshake) && look(&handshake);
	close_session(&handshake);
	return is_found;
}
