/* SPDX-License-Identifier: Apache-2.0 */
/* Files of certificates and keys, good and bad, at the start and changed later, and
 * where credentials may travel. */
#include "client-core/trust.h"
#include "tests/unit/issued.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* A folder of the test's own with the usual files in it. */
static char folder[] = "trust-XXXXXX";
static char ca_file[64], cert_file[64], key_file[64], other_file[64];
static char nowhere[] = "/nowhere", device[] = "/dev/zero";
static struct issued authority, client, stranger;

static void
write_file(const char *path, const void *bytes, size_t len)
{
	char draft[80];
	FILE *file;

	/* Renamed, as tools that renew certificates do, and so that its stamp differs. */
	snprintf(draft, sizeof draft, "%s.new", path);
	file = fopen(draft, "w");
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	fclose(file);
	ck_assert_int_eq(chmod(draft, 0600), 0);
	ck_assert_int_eq(rename(draft, path), 0);
}

static void
write_datum(const char *path, gnutls_datum_t datum)
{
	write_file(path, datum.data, datum.size);
	gnutls_free(datum.data);
}

static void
write_certificate(const char *path, const struct issued *issued)
{
	write_datum(path, issued_certificate(issued, GNUTLS_X509_FMT_PEM));
}

static void
write_key(const char *path, const struct issued *issued)
{
	write_datum(path, issued_key(issued));
}

static void
set_up(void)
{
	snprintf(folder, sizeof folder, "trust-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(ca_file, sizeof ca_file, "%s/ca", folder);
	snprintf(cert_file, sizeof cert_file, "%s/cert", folder);
	snprintf(key_file, sizeof key_file, "%s/key", folder);
	snprintf(other_file, sizeof other_file, "%s/other", folder);
	issued_make(&authority, &(struct issued_options){.common_name = "Authority"});
	issued_make(&client,
	    &(struct issued_options){.common_name = "client", .issuer = &authority});
	issued_make(&stranger, &(struct issued_options){.common_name = "stranger"});
	write_certificate(ca_file, &authority);
	write_certificate(cert_file, &client);
	write_key(key_file, &client);
	unsetenv("SSL_CERT_FILE");
}

static void
tear_down(void)
{
	issued_dispose(&stranger);
	issued_dispose(&client);
	issued_dispose(&authority);
	unlink(ca_file);
	unlink(cert_file);
	unlink(key_file);
	unlink(other_file);
	rmdir(folder);
}

static struct kdb_connection_settings
settings_of(char *ca, char *cert, char *key)
{
	return (struct kdb_connection_settings){.tls = true,
	    .tls_verify_cert = true,
	    .tls_ca_file = ca,
	    .user_cert_file = cert,
	    .user_key_file = key};
}

static struct kdb_trust *
must_read(const struct kdb_connection_settings *settings)
{
	char *error_text = NULL;
	struct kdb_trust *trust = kdb_trust_new(settings, false, &error_text);

	ck_assert_msg(trust != NULL, "%s", error_text);
	return trust;
}

static void
must_fail(const struct kdb_connection_settings *settings, const char *text)
{
	char *error_text = NULL;

	ck_assert_ptr_null(kdb_trust_new(settings, false, &error_text));
	ck_assert_msg(strstr(error_text, text) != NULL, "%s", error_text);
	free(error_text);
}

struct said {
	int count;
	char text[512]; /* the last one */
};

static void
hear(void *context, const char *text)
{
	struct said *said = context;

	said->count++;
	snprintf(said->text, sizeof said->text, "%s", text);
}

START_TEST(a_reading_is_what_the_files_hold)
{
	struct kdb_connection_settings settings =
	    settings_of(ca_file, cert_file, key_file);
	struct kdb_trust *trust = must_read(&settings);
	struct kdb_pem *pem = kdb_trust_pem(trust);
	gnutls_datum_t text = issued_key(&client);
	struct said said = {0};

	ck_assert_str_eq(pem->key, (char *)text.data);
	ck_assert_ptr_nonnull(strstr(pem->roots, "BEGIN CERTIFICATE"));
	ck_assert_ptr_nonnull(strstr(pem->certificate, "BEGIN CERTIFICATE"));
	ck_assert_str_eq(kdb_trust_roots_name(trust), "tlsCaFile");
	ck_assert(!kdb_trust_has_system_roots(trust));
	ck_assert(kdb_trust_is_latest(trust, pem));
	kdb_trust_warn(trust, hear, &said);
	ck_assert_int_eq(said.count, 0);
	gnutls_free(text.data);
	kdb_trust_free(trust);
	kdb_pem_unref(pem); /* outlives it */
}
END_TEST

START_TEST(without_tls_nothing_is_read)
{
	struct kdb_connection_settings settings = settings_of(nowhere, NULL, NULL);
	struct said said = {0};
	struct kdb_trust *trust;

	settings.tls = false;
	trust = must_read(&settings);
	ck_assert_ptr_null(kdb_trust_pem(trust));
	ck_assert(kdb_trust_is_latest(trust, NULL));
	kdb_trust_refresh(trust, hear, &said);
	ck_assert_int_eq(said.count, 0);
	kdb_trust_warn(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert_ptr_nonnull(strstr(said.text, "no effect"));
	kdb_trust_free(trust);
}
END_TEST

START_TEST(system_roots_are_those_of_the_environment_or_debian)
{
	struct kdb_connection_settings settings = settings_of(NULL, NULL, NULL);
	struct kdb_trust *trust;

	setenv("SSL_CERT_FILE", ca_file, 1);
	setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "/tmp", 1);
	trust = must_read(&settings);
	ck_assert(kdb_trust_has_system_roots(trust));
	ck_assert_str_eq(kdb_trust_roots_name(trust), ca_file);
	ck_assert_ptr_null(getenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"));
	kdb_trust_free(trust);
	setenv("SSL_CERT_FILE", "/nowhere/roots", 1);
	must_fail(&settings, "the system's list of authorities /nowhere/roots cannot be "
			     "read: No such file or "
			     "directory (Debian package ca-certificates); or name the "
			     "authority of the database "
			     "with tlsCaFile");
	setenv("SSL_CERT_FILE", "", 1);
	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0)
		return;
	trust = must_read(&settings);
	ck_assert_str_eq(
	    kdb_trust_roots_name(trust), "/etc/ssl/certs/ca-certificates.crt");
	kdb_trust_free(trust);
}
END_TEST

START_TEST(without_verification_no_roots_are_read)
{
	struct kdb_connection_settings settings = settings_of(nowhere, NULL, NULL);
	struct said said = {0};
	struct kdb_trust *trust;
	struct kdb_pem *pem;

	settings.tls_verify_cert = false;
	trust = must_read(&settings);
	pem = kdb_trust_pem(trust);
	ck_assert_ptr_null(pem->roots);
	kdb_trust_warn(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert_ptr_nonnull(strstr(said.text, "NOT VERIFIED"));
	kdb_pem_unref(pem);
	kdb_trust_free(trust);
}
END_TEST

static const struct {
	const char *content;
	size_t len;
} bad_contents[] = {
    {"", 0},
    {"\0", 1},
    {"-----BEGIN CERTIFICATE-----\n", 28},
    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 59},
    {"\377\376\0\1", 4},
};

START_TEST(bad_content_is_refused)
{
	struct kdb_connection_settings roots = settings_of(other_file, NULL, NULL);
	struct kdb_connection_settings cert = settings_of(ca_file, other_file, key_file);
	struct kdb_connection_settings key = settings_of(ca_file, cert_file, other_file);

	write_file(other_file, bad_contents[_i].content, bad_contents[_i].len);
	must_fail(&roots, "other holds no PEM certificates");
	must_fail(&cert, "other holds no PEM certificates");
	must_fail(&key, "/other are no pair of PEM files: ");
}
END_TEST

START_TEST(what_is_no_file_is_refused_at_once)
{
	struct kdb_connection_settings settings = settings_of(folder, NULL, NULL);

	must_fail(&settings, "cannot be read: Is a directory");
	settings.tls_ca_file = device;
	must_fail(&settings, "cannot be read: it is no regular file");
	ck_assert_int_eq(mkfifo(other_file, 0600), 0);
	settings.tls_ca_file = other_file;
	must_fail(&settings, "cannot be read: it is no regular file");
}
END_TEST

START_TEST(size_is_bounded)
{
	enum { MAX_BYTES = 1024 * 1024 };
	struct kdb_connection_settings settings = settings_of(other_file, NULL, NULL);
	gnutls_datum_t pem = issued_certificate(&authority, GNUTLS_X509_FMT_PEM);
	char *text = malloc(MAX_BYTES + 1);

	memset(text, '\n', MAX_BYTES + 1);
	memcpy(text, pem.data, pem.size);
	write_file(other_file, text, MAX_BYTES);
	kdb_trust_free(must_read(&settings));
	write_file(other_file, text, MAX_BYTES + 1);
	must_fail(&settings, "cannot be read: File too large");
	free(text);
	gnutls_free(pem.data);
}
END_TEST

START_TEST(pair_must_fit)
{
	struct kdb_connection_settings settings =
	    settings_of(ca_file, cert_file, key_file);

	write_key(key_file, &stranger);
	must_fail(&settings, "do not match");
	write_datum(key_file, issued_locked_key(&client));
	must_fail(&settings, "the key is encrypted");
	write_key(cert_file, &client);
	write_certificate(key_file, &client);
	must_fail(&settings, "userCertFile");
	unlink(key_file);
	write_certificate(cert_file, &client);
	must_fail(&settings, "userKeyFile");
}
END_TEST

/* Files as tools and people make them. */
START_TEST(pair_may_be_dressed_up)
{
	struct kdb_connection_settings settings =
	    settings_of(ca_file, cert_file, key_file);
	gnutls_datum_t own = issued_certificate(&client, GNUTLS_X509_FMT_PEM);
	gnutls_datum_t issuer = issued_certificate(&authority, GNUTLS_X509_FMT_PEM);
	gnutls_datum_t key = issued_key(&client);
	char text[8192];
	int len;

	len = snprintf(
	    text, sizeof text, "subject=CN = client\n\n%s\n%s", own.data, issuer.data);
	write_file(cert_file, text, (size_t)len);
	/* openssl ecparam -genkey writes the curve in front. */
	len = snprintf(text, sizeof text,
	    "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC "
	    "PARAMETERS-----\n%s",
	    key.data);
	write_file(key_file, text, (size_t)len);
	kdb_trust_free(must_read(&settings));
	gnutls_free(own.data);
	gnutls_free(issuer.data);
	gnutls_free(key.data);
}
END_TEST

static void
expect_warning(const struct kdb_connection_settings *settings, const char *text)
{
	struct kdb_trust *trust = must_read(settings);
	struct said said = {0};

	kdb_trust_warn(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert_msg(strstr(said.text, text) != NULL, "%s", said.text);
	kdb_trust_free(trust);
}

static void
write_client(time_t start, time_t end)
{
	issued_dispose(&client);
	issued_make(&client, &(struct issued_options){.common_name = "client",
				 .issuer = &authority,
				 .start = start,
				 .end = end});
	write_certificate(cert_file, &client);
	write_key(key_file, &client);
}

START_TEST(oddities_are_warnings)
{
	struct kdb_connection_settings settings =
	    settings_of(ca_file, cert_file, key_file);

	write_client(1600000000, 1700000000);
	expect_warning(&settings, "/cert has expired");
	write_client(4000000000, 4100000000);
	expect_warning(&settings, "/cert is not valid yet");
	write_client(0, 0);
	ck_assert_int_eq(chmod(key_file, 0644), 0);
	expect_warning(&settings, "/key can be read by every user");
}
END_TEST

START_TEST(changed_files_are_read_again)
{
	struct kdb_connection_settings settings =
	    settings_of(ca_file, cert_file, key_file);
	struct kdb_trust *trust = must_read(&settings);
	struct kdb_pem *first = kdb_trust_pem(trust);
	struct said said = {0};

	kdb_trust_refresh(trust, hear, &said);
	ck_assert(kdb_trust_is_latest(trust, first));
	/* A renewal writes one file after the other. */
	issued_dispose(&client);
	issued_make(&client,
	    &(struct issued_options){.common_name = "renewed", .issuer = &authority});
	write_certificate(cert_file, &client);
	kdb_trust_refresh(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert_ptr_nonnull(
	    strstr(said.text, "changed certificate files are not used: "));
	kdb_trust_refresh(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert(kdb_trust_is_latest(trust, first));
	write_key(key_file, &client);
	kdb_trust_refresh(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert(!kdb_trust_is_latest(trust, first));
	ck_assert_ptr_nonnull(strstr(first->key, "PRIVATE KEY"));
	kdb_pem_unref(first);
	kdb_trust_free(trust);
}
END_TEST

START_TEST(lost_files_do_not_end_the_trust)
{
	struct kdb_connection_settings settings = settings_of(ca_file, NULL, NULL);
	struct kdb_trust *trust = must_read(&settings);
	struct kdb_pem *pem = kdb_trust_pem(trust);
	struct said said = {0};

	unlink(ca_file);
	kdb_trust_refresh(trust, hear, &said);
	kdb_trust_refresh(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert_ptr_nonnull(strstr(said.text, "No such file"));
	ck_assert(kdb_trust_is_latest(trust, pem));
	write_certificate(ca_file, &stranger);
	kdb_trust_refresh(trust, hear, &said);
	ck_assert_int_eq(said.count, 1);
	ck_assert(!kdb_trust_is_latest(trust, pem));
	kdb_pem_unref(pem);
	kdb_trust_free(trust);
}
END_TEST

static const struct {
	bool tls;
	bool allow_cleartext_credentials;
	const char *host;
	bool may_send;
} links[] = {
    {true, false, "db.example", true},
    {false, false, "db.example", false},
    {false, true, "db.example", true},
    {false, false, "10.0.0.1", false},
    {false, false, "0.0.0.0", false},
    {false, false, "127.0.0.1", true},
    {false, false, "::1", true},
    {false, false, "::ffff:10.0.0.1", false},
    {false, false, "localhost", true},
    {false, false, "localhost.example", false},
    {false, false, "", false},
};

START_TEST(credentials_stay_off_clear_text)
{
	struct kdb_connection_settings settings = settings_of(ca_file, NULL, NULL);
	char *error_text;
	struct kdb_trust *trust;

	settings.tls = links[_i].tls;
	trust =
	    kdb_trust_new(&settings, links[_i].allow_cleartext_credentials, &error_text);
	ck_assert_ptr_nonnull(trust);
	ck_assert_int_eq(
	    kdb_trust_may_send_credentials(trust, links[_i].host), links[_i].may_send);
	kdb_trust_free(trust);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("trust");
	TCase *tcase = tcase_create("trust");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_reading_is_what_the_files_hold);
	tcase_add_test(tcase, without_tls_nothing_is_read);
	tcase_add_test(tcase, system_roots_are_those_of_the_environment_or_debian);
	tcase_add_test(tcase, without_verification_no_roots_are_read);
	tcase_add_loop_test(tcase, bad_content_is_refused, 0, COUNT(bad_contents));
	tcase_add_test(tcase, what_is_no_file_is_refused_at_once);
	tcase_add_test(tcase, size_is_bounded);
	tcase_add_test(tcase, pair_must_fit);
	tcase_add_test(tcase, pair_may_be_dressed_up);
	tcase_add_test(tcase, oddities_are_warnings);
	tcase_add_test(tcase, changed_files_are_read_again);
	tcase_add_test(tcase, lost_files_do_not_end_the_trust);
	tcase_add_loop_test(tcase, credentials_stay_off_clear_text, 0, COUNT(links));
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
