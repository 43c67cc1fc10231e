/* SPDX-License-Identifier: Apache-2.0 */
/* Causes in words: certificates that are refused for each reason, and servers that do not
 * get as far as to show one. */
#include "client-core/base/clock.h"
#include "client-core/handshake.h"
#include "tests/unit/issued.h"

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

enum { HOUR = 3600, TIMEOUT_MS = 200 };

static struct issued authority;
static struct issued server;

static void
make(const struct issued_options *options)
{
	const struct issued_options authority_options = {.common_name = "Authority"};
	struct issued_options server_options = *options;

	issued_make(&authority, &authority_options);
	server_options.issuer = &authority;
	issued_make(&server, &server_options);
}

static void
dispose(void)
{
	issued_dispose(&server);
	issued_dispose(&authority);
}

/* The cause for the server's certificate, and its authority's behind it where with_authority. */
static void
describe(unsigned status, bool with_authority, const char *host, char *cause, size_t size)
{
	gnutls_datum_t chain[2] = {issued_certificate(&server, GNUTLS_X509_FMT_DER),
	    issued_certificate(&authority, GNUTLS_X509_FMT_DER)};

	kdb_handshake_describe_certificate(chain, with_authority ? 2 : 1,
	    GNUTLS_CERT_INVALID | status, host, "tlsCaFile", time(NULL), cause, size);
	gnutls_free(chain[0].data);
	gnutls_free(chain[1].data);
}

static void
expect(unsigned status, bool with_authority, const char *text)
{
	char cause[KDB_CAUSE_SIZE];

	describe(status, with_authority, "db.example", cause, sizeof cause);
	ck_assert_str_eq(cause, text);
}

START_TEST(unknown_authority_is_named)
{
	make(&(struct issued_options){.common_name = "node"});
	expect(GNUTLS_CERT_SIGNER_NOT_FOUND, false,
	    "the certificate of the server comes from an authority (CN=Authority) that "
	    "is not in "
	    "tlsCaFile");
	expect(GNUTLS_CERT_SIGNER_NOT_FOUND, true,
	    "the certificate of the server comes from an authority (CN=Authority) that "
	    "is not in "
	    "tlsCaFile");
	dispose();
}
END_TEST

START_TEST(authority_comes_before_other_reasons)
{
	make(&(struct issued_options){.common_name = "node", .end = time(NULL) - HOUR});
	expect(GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_EXPIRED |
		   GNUTLS_CERT_UNEXPECTED_OWNER,
	    false,
	    "the certificate of the server comes from an authority (CN=Authority) that "
	    "is not in "
	    "tlsCaFile");
	dispose();
}
END_TEST

START_TEST(self_signed_is_told)
{
	gnutls_datum_t chain;
	char cause[KDB_CAUSE_SIZE];

	make(&(struct issued_options){.common_name = "node"});
	chain = issued_certificate(&authority, GNUTLS_X509_FMT_DER);
	kdb_handshake_describe_certificate(&chain, 1,
	    GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND, "h", "/etc/roots",
	    time(NULL), cause, sizeof cause);
	ck_assert_str_eq(cause,
	    "the certificate of the server is self-signed, and it is not in /etc/roots");
	gnutls_free(chain.data);
	dispose();
}
END_TEST

START_TEST(date_of_expiry_is_told)
{
	make(&(struct issued_options){.start = 1600000000, .end = 1700000000});
	expect(GNUTLS_CERT_EXPIRED, true,
	    "the certificate of the server has expired: it was valid until "
	    "2023-11-14T22:13:20Z");
	dispose();
}
END_TEST

START_TEST(date_of_beginning_is_told)
{
	make(&(struct issued_options){.start = 4000000000, .end = 4100000000});
	expect(GNUTLS_CERT_NOT_ACTIVATED, true,
	    "the certificate of the server is not valid yet: it begins at "
	    "2096-10-02T07:06:40Z; are the clocks right?");
	dispose();
}
END_TEST

START_TEST(expired_authority_is_not_blamed_on_the_server)
{
	make(&(struct issued_options){.common_name = "node"});
	/* Neither certificate that the server showed: it is the one that we trust. */
	expect(GNUTLS_CERT_EXPIRED, true,
	    "the certificate of the server's authority has expired");
	expect(GNUTLS_CERT_NOT_ACTIVATED, true,
	    "the certificate of the server's authority is not valid yet");
	dispose();
}
END_TEST

START_TEST(names_of_the_certificate_are_listed)
{
	make(&(struct issued_options){.common_name = "node",
	    .dns_names = {"a.example", "*.b.example"},
	    .address = "10.1.2.3"});
	expect(GNUTLS_CERT_UNEXPECTED_OWNER, true,
	    "the certificate of the server is for a.example, *.b.example, 10.1.2.3, not "
	    "for "
	    "db.example");
	dispose();
	make(&(struct issued_options){.common_name = "node"});
	expect(GNUTLS_CERT_UNEXPECTED_OWNER, true,
	    "the certificate of the server is for CN=node, not for db.example");
	dispose();
}
END_TEST

START_TEST(other_reasons_are_in_the_words_of_gnutls)
{
	char cause[KDB_CAUSE_SIZE];

	make(&(struct issued_options){.common_name = "node"});
	describe(GNUTLS_CERT_INSECURE_ALGORITHM, true, "h", cause, sizeof cause);
	ck_assert_ptr_nonnull(strstr(cause, "insecure algorithm"));
	dispose();
}
END_TEST

/* What a stranger may write into a certificate. */
START_TEST(names_are_cleaned_and_cut)
{
	char name[200];
	char cause[KDB_CAUSE_SIZE];

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	make(&(struct issued_options){.dns_names = {name, name}});
	describe(GNUTLS_CERT_UNEXPECTED_OWNER, true, "db.example", cause, sizeof cause);
	ck_assert_uint_le(strlen(cause), KDB_CAUSE_SIZE - 1);
	ck_assert_ptr_nonnull(strstr(cause, "nnnn, not for db.example"));
	dispose();
	make(&(struct issued_options){.common_name = "caf\xc3\xa9\x1b[31m\n"});
	describe(GNUTLS_CERT_UNEXPECTED_OWNER, true, "db.example", cause, sizeof cause);
	ck_assert_ptr_nonnull(strstr(cause, "for CN=caf"));
	ck_assert_ptr_nonnull(strstr(cause, "?, not for db.example"));
	for (const char *c = cause; *c; c++)
		ck_assert(*c >= 0x20 && *c < 0x7f);
	dispose();
}
END_TEST

START_TEST(no_certificate_can_be_told_from_bytes_that_are_none)
{
	gnutls_datum_t noise = {(unsigned char *)(uintptr_t) "noise", 5};
	char cause[KDB_CAUSE_SIZE];

	for (unsigned count = 0; count < 2; count++) {
		kdb_handshake_describe_certificate(&noise, count, GNUTLS_CERT_INVALID,
		    "h", "tlsCaFile", time(NULL), cause, sizeof cause);
		ck_assert_str_eq(cause, "the certificate of the server cannot be read");
	}
}
END_TEST

/* ---- servers ---- */

struct talker {
	int fd;
	const char *answer; /* NULL: says nothing */
	size_t answer_len;
};

static int
listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void *
talk(void *argument)
{
	struct talker *talker = argument;
	int fd = accept(talker->fd, NULL, NULL);
	char bytes[4096];

	if (recv(fd, bytes, sizeof bytes, 0) > 0 && talker->answer_len > 0)
		(void)!send(fd, talker->answer, talker->answer_len, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	while (recv(fd, bytes, sizeof bytes, 0) > 0)
		continue;
	close(fd);
	return NULL;
}

static bool
look_at(uint16_t port, const struct kdb_pem *pem, int cancel_fd, char *cause)
{
	struct kdb_handshake_options options = {.endpoint = {.port = port},
	    .pem = pem,
	    .roots_name = "tlsCaFile",
	    .cancel_fd = cancel_fd,
	    .timeout_ms = TIMEOUT_MS};

	snprintf(options.endpoint.host, sizeof options.endpoint.host, "127.0.0.1");
	return kdb_handshake_find_cause(&options, cause, KDB_CAUSE_SIZE);
}

static const struct kdb_pem anybody = {.roots = NULL};

#define BYTES(literal) literal, sizeof(literal) - 1
#define NO_TLS                                                                           \
	"the server does not speak TLS here; if that is meant to be so, say tls=false "  \
	"in "                                                                            \
	"the connection string"

static const struct {
	const char *answer;
	size_t answer_len;
	const char *cause;       /* for a gateway with TLS */
	const char *plain_cause; /* for one without; NULL: none */
} answers[] = {
    {BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), NO_TLS, NULL},
    {BYTES("\0\0\6\4\0\0\0\0\0\0\4\0\0\1\0"), NO_TLS, NULL},
    {BYTES(""), "the server closed the connection in the TLS handshake", NULL},
    /* One byte is not enough to know. */
    {BYTES("\x16"), "the server closed the connection in the TLS handshake", NULL},
    {BYTES("\x15\3\3\0\2\2\x28"),
	"the server broke the TLS handshake off: Handshake failed",
	"the server speaks TLS: leave tls=false out of the connection string"},
    {BYTES("\x15\3\3\0\2\2\x78"), "the server does not offer HTTP/2 over TLS",
	"the server speaks TLS: leave tls=false out of the connection string"},
};

START_TEST(answer_of_a_server_is_understood)
{
	bool has_tls = _i % 2 == 0;
	int row = _i / 2;
	const char *wanted = has_tls ? answers[row].cause : answers[row].plain_cause;
	struct talker talker = {
	    .answer = answers[row].answer, .answer_len = answers[row].answer_len};
	char cause[KDB_CAUSE_SIZE];
	pthread_t thread;
	uint16_t port;
	bool is_found;

	talker.fd = listen_on_loopback(&port);
	ck_assert_int_eq(pthread_create(&thread, NULL, talk, &talker), 0);
	is_found = look_at(port, has_tls ? &anybody : NULL, -1, cause);
	pthread_join(thread, NULL);
	ck_assert_int_eq(is_found, wanted != NULL);
	if (wanted)
		ck_assert_str_eq(cause, wanted);
	close(talker.fd);
}
END_TEST

START_TEST(silent_server_is_waited_for_a_while_only)
{
	char cause[KDB_CAUSE_SIZE];
	int64_t begin = kdb_clock_mono_ns();
	uint16_t port;
	int fd = listen_on_loopback(&port);

	ck_assert(look_at(port, &anybody, -1, cause));
	ck_assert_str_eq(cause, "the server does not answer the TLS handshake");
	ck_assert_int_ge(kdb_clock_mono_ns() - begin, TIMEOUT_MS * KDB_NS_PER_MS);
	ck_assert(!look_at(port, NULL, -1, cause));
	close(fd);
}
END_TEST

START_TEST(nobody_there_is_nothing_that_tls_could_tell)
{
	char cause[KDB_CAUSE_SIZE];
	uint16_t port;

	close(listen_on_loopback(&port));
	ck_assert(!look_at(port, &anybody, -1, cause));
}
END_TEST

START_TEST(a_look_can_be_cancelled)
{
	char cause[KDB_CAUSE_SIZE];
	int cancel_fd = eventfd(1, 0);
	int64_t begin = kdb_clock_mono_ns();
	uint16_t port;
	int fd = listen_on_loopback(&port);

	ck_assert(!look_at(port, &anybody, cancel_fd, cause));
	ck_assert_int_lt(kdb_clock_mono_ns() - begin, TIMEOUT_MS * KDB_NS_PER_MS);
	close(fd);
	close(cancel_fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("handshake");
	TCase *words = tcase_create("words");
	TCase *servers = tcase_create("servers");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(words, unknown_authority_is_named);
	tcase_add_test(words, authority_comes_before_other_reasons);
	tcase_add_test(words, self_signed_is_told);
	tcase_add_test(words, date_of_expiry_is_told);
	tcase_add_test(words, date_of_beginning_is_told);
	tcase_add_test(words, expired_authority_is_not_blamed_on_the_server);
	tcase_add_test(words, names_of_the_certificate_are_listed);
	tcase_add_test(words, other_reasons_are_in_the_words_of_gnutls);
	tcase_add_test(words, names_are_cleaned_and_cut);
	tcase_add_test(words, no_certificate_can_be_told_from_bytes_that_are_none);
	suite_add_tcase(suite, words);
	tcase_add_loop_test(
	    servers, answer_of_a_server_is_understood, 0, 2 * COUNT(answers));
	tcase_add_test(servers, silent_server_is_waited_for_a_while_only);
	tcase_add_test(servers, nobody_there_is_nothing_that_tls_could_tell);
	tcase_add_test(servers, a_look_can_be_cancelled);
	suite_add_tcase(suite, servers);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
