/* SPDX-License-Identifier: Apache-2.0 */
/* Reads certificates and keys and checks them before anything depends on them, because gRPC takes
 * any text and then fails every handshake. Owns the latest reading. */
#include "client-core/trust.h"

#include "client-core/base/alloc.h"
#include "client-core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"

enum { FILE_MAX_BYTES = 1024 * 1024, CHAIN_MAX = 16 };

/* What a file was when it was read. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

enum trust_file { ROOTS_FILE, CERTIFICATE_FILE, KEY_FILE, FILE_COUNT };

static const char *const file_options[FILE_COUNT] = {
    "tlsCaFile", "userCertFile", "userKeyFile"};

struct kdb_trust {
	const struct kdb_connection_settings *settings;
	bool allow_cleartext_credentials;
	char *system_roots;              /* the path; NULL: not used */
	struct stamp stamps[FILE_COUNT]; /* of the last try, good or bad */
	pthread_mutex_t mutex; /* for who replaces pem, or takes a reference to it */
	_Atomic(struct kdb_pem *) pem; /* NULL: no TLS */
};

struct kdb_pem *
kdb_pem_ref(struct kdb_pem *pem)
{
	atomic_fetch_add(&pem->refs, 1);
	return pem;
}

static void
wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void
kdb_pem_unref(struct kdb_pem *pem)
{
	if (!pem || atomic_fetch_sub(&pem->refs, 1) != 1)
		return;
	free(pem->roots);
	free(pem->certificate);
	wipe(pem->key);
	free(pem);
}

/* ---- files ---- */

static const char *
path_of(const struct kdb_trust *trust, enum trust_file file)
{
	const struct kdb_connection_settings *settings = trust->settings;

	switch (file) {
	case ROOTS_FILE:
		return settings->tls_verify_cert ? settings->tls_ca_file : NULL;
	case CERTIFICATE_FILE:
		return settings->user_cert_file;
	default:
		return settings->user_key_file;
	}
}

static struct stamp
stamp_of(const char *path)
{
	struct stat status;

	if (!path || stat(path, &status) != 0)
		return (struct stamp){0};
	return (struct stamp){.device = status.st_dev,
	    .inode = status.st_ino,
	    .size = status.st_size,
	    .changed = status.st_mtim};
}

static bool
is_same_stamp(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* True when any file is another one than at the last look. */
static bool
take_stamps(struct kdb_trust *trust)
{
	bool has_changed = false;

	for (int file = 0; file < FILE_COUNT; file++) {
		struct stamp stamp = stamp_of(path_of(trust, (enum trust_file)file));

		has_changed |= !is_same_stamp(&stamp, &trust->stamps[file]);
		trust->stamps[file] = stamp;
	}
	return has_changed;
}

/* The whole content, or NULL with errno set. */
static char *
read_descriptor(int fd)
{
	char *text = kdb_alloc_zero(1, FILE_MAX_BYTES + 2);
	size_t len = 0;
	ssize_t got = 1;

	while (len <= FILE_MAX_BYTES && got != 0) {
		got = read(fd, text + len, FILE_MAX_BYTES + 1 - len);
		if (got < 0 && errno != EINTR)
			break;
		len += got > 0 ? (size_t)got : 0;
	}
	if (got == 0 && len <= FILE_MAX_BYTES)
		return kdb_realloc(text, len + 1);
	if (got >= 0)
		errno = EFBIG;
	explicit_bzero(text, len);
	free(text);
	return NULL;
}

/* A pipe or a device would keep the process waiting, hence O_NONBLOCK and the check. */
static char *
read_file(const char *option, const char *path, char **error_text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	char *text = NULL;

	if (fd >= 0 && fstat(fd, &status) == 0) {
		if (S_ISREG(status.st_mode))
			text = read_descriptor(fd);
		else
			errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	}
	if (!text)
		*error_text = kdb_alloc_printf("%s %s cannot be read: %s", option, path,
		    errno == EINVAL ? "it is no regular file" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return text;
}

static gnutls_datum_t
datum_of(char *text)
{
	return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

/* ---- what the files must hold ---- */

static bool
check_certificates(const char *option, const char *path, char *text, char **error_text)
{
	gnutls_datum_t pem = datum_of(text);
	gnutls_x509_crt_t *certificates;
	unsigned count = 0;
	int result = gnutls_x509_crt_list_import2(
	    &certificates, &count, &pem, GNUTLS_X509_FMT_PEM, 0);

	if (result < 0) {
		*error_text = kdb_alloc_printf(
		    "%s %s holds no PEM certificates that can be read: %s", option, path,
		    gnutls_strerror(result));
		return false;
	}
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(certificates[i]);
	gnutls_free(certificates);
	return true;
}

static bool
check_pair(const struct kdb_trust *trust, const struct kdb_pem *pem, char **error_text)
{
	gnutls_datum_t certificate = datum_of(pem->certificate);
	gnutls_datum_t key = datum_of(pem->key);
	gnutls_certificate_credentials_t pair;
	int result = gnutls_certificate_allocate_credentials(&pair);

	if (result == 0) {
		result = gnutls_certificate_set_x509_key_mem(
		    pair, &certificate, &key, GNUTLS_X509_FMT_PEM);
		gnutls_certificate_free_credentials(pair);
	}
	if (result >= 0)
		return true;
	*error_text = kdb_alloc_printf(
	    "userCertFile %s and userKeyFile %s are no pair of PEM files: %s",
	    trust->settings->user_cert_file, trust->settings->user_key_file,
	    result == GNUTLS_E_DECRYPTION_FAILED
		? "the key is encrypted, and there is no way to give its password"
		: gnutls_strerror(result));
	return false;
}

/* The first certificate of the chain; false: none can be read. */
static bool
read_certificate(const struct kdb_pem *pem, gnutls_x509_crt_t *certificate)
{
	gnutls_datum_t text = datum_of(pem->certificate);
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned count = CHAIN_MAX;

	if (gnutls_x509_crt_list_import(chain, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 1)
		return false;
	for (unsigned i = 1; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	*certificate = chain[0];
	return true;
}

/* ---- a reading ---- */

static bool
read_roots(const struct kdb_trust *trust, struct kdb_pem *pem, char **error_text)
{
	bool is_system = trust->system_roots != NULL;
	const char *option =
	    is_system ? "the system's list of authorities" : file_options[ROOTS_FILE];
	const char *path = is_system ? trust->system_roots : trust->settings->tls_ca_file;

	if (!trust->settings->tls_verify_cert)
		return true;
	pem->roots = read_file(option, path, error_text);
	if (!pem->roots && is_system) {
		char *cause = *error_text;

		*error_text = kdb_alloc_printf(
		    "%s (Debian package ca-certificates); or name the authority of the "
		    "database with tlsCaFile",
		    cause);
		free(cause);
	}
	return pem->roots && check_certificates(option, path, pem->roots, error_text);
}

static bool
read_pair(const struct kdb_trust *trust, struct kdb_pem *pem, char **error_text)
{
	const struct kdb_connection_settings *settings = trust->settings;

	if (!settings->user_cert_file)
		return true;
	pem->certificate = read_file(
	    file_options[CERTIFICATE_FILE], settings->user_cert_file, error_text);
	if (!pem->certificate ||
	    !check_certificates(file_options[CERTIFICATE_FILE], settings->user_cert_file,
		pem->certificate, error_text))
		return false;
	pem->key = read_file(file_options[KEY_FILE], settings->user_key_file, error_text);
	return pem->key && check_pair(trust, pem, error_text);
}

static struct kdb_pem *
read_pem(const struct kdb_trust *trust, char **error_text)
{
	struct kdb_pem *pem = kdb_alloc_zero(1, sizeof *pem);

	atomic_store(&pem->refs, 1);
	if (read_roots(trust, pem, error_text) && read_pair(trust, pem, error_text))
		return pem;
	kdb_pem_unref(pem);
	return NULL;
}

static char *
system_roots_path(void)
{
	const char *path = getenv("SSL_CERT_FILE");

	if (!path || !*path)
		path = SYSTEM_ROOTS;
	return kdb_alloc_text(path, strlen(path));
}

struct kdb_trust *
kdb_trust_new(const struct kdb_connection_settings *settings,
    bool allow_cleartext_credentials, char **error_text)
{
	struct kdb_trust *trust = kdb_alloc_zero(1, sizeof *trust);

	trust->settings = settings;
	trust->allow_cleartext_credentials = allow_cleartext_credentials;
	pthread_mutex_init(&trust->mutex, NULL);
	if (!settings->tls)
		return trust;
	if (settings->tls_verify_cert && !settings->tls_ca_file) {
		trust->system_roots = system_roots_path();
		unsetenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH");
	}
	take_stamps(trust);
	atomic_store(&trust->pem, read_pem(trust, error_text));
	if (atomic_load(&trust->pem))
		return trust;
	kdb_trust_free(trust);
	return NULL;
}

void
kdb_trust_free(struct kdb_trust *trust)
{
	if (!trust)
		return;
	kdb_pem_unref(atomic_load(&trust->pem));
	pthread_mutex_destroy(&trust->mutex);
	free(trust->system_roots);
	free(trust);
}

/* ---- what an operator should know ---- */

static void
warn_of_age(const struct kdb_trust *trust, const struct kdb_pem *pem,
    kdb_trust_say_fn say, void *context)
{
	time_t now = (time_t)(kdb_clock_wall_ns() / KDB_NS_PER_SECOND);
	gnutls_x509_crt_t certificate;
	const char *trouble = NULL;
	char *text;

	if (!read_certificate(pem, &certificate))
		return;
	if (gnutls_x509_crt_get_expiration_time(certificate) < now)
		trouble = "has expired";
	else if (gnutls_x509_crt_get_activation_time(certificate) > now)
		trouble = "is not valid yet";
	gnutls_x509_crt_deinit(certificate);
	if (!trouble)
		return;
	text =
	    kdb_alloc_printf("the client certificate %s %s: the database will refuse it",
		trust->settings->user_cert_file, trouble);
	say(context, text);
	free(text);
}

static void
warn_of_readers(const struct kdb_trust *trust, kdb_trust_say_fn say, void *context)
{
	const char *path = trust->settings->user_key_file;
	struct stat status;
	char *text;

	if (stat(path, &status) != 0 || !(status.st_mode & S_IROTH))
		return;
	text = kdb_alloc_printf(
	    "userKeyFile %s can be read by every user of this machine", path);
	say(context, text);
	free(text);
}

void
kdb_trust_warn(const struct kdb_trust *trust, kdb_trust_say_fn say, void *context)
{
	const struct kdb_connection_settings *settings = trust->settings;

	if (!settings->tls) {
		if (settings->tls_ca_file || settings->user_cert_file)
			say(context,
			    "tls=false: tlsCaFile, userCertFile and userKeyFile of the "
			    "connection string have no effect");
		return;
	}
	if (!settings->tls_verify_cert)
		say(context, "TLS CERTIFICATES OF THE DATABASE ARE NOT VERIFIED "
			     "(tlsVerifyCert=false): "
			     "whoever can reach the network between can read and change "
			     "everything, "
			     "credentials included; use tlsCaFile instead");
	if (!settings->user_cert_file)
		return;
	warn_of_age(trust, atomic_load(&trust->pem), say, context);
	warn_of_readers(trust, say, context);
}

/* ---- while it runs ---- */

void
kdb_trust_refresh(struct kdb_trust *trust, kdb_trust_say_fn say, void *context)
{
	struct kdb_pem *before;
	struct kdb_pem *pem;
	char *cause;
	char *text;

	if (!trust->settings->tls || !take_stamps(trust))
		return;
	pem = read_pem(trust, &cause);
	if (!pem) {
		text =
		    kdb_alloc_printf("changed certificate files are not used: %s", cause);
		say(context, text);
		free(text);
		free(cause);
		return;
	}
	pthread_mutex_lock(&trust->mutex);
	before = atomic_exchange(&trust->pem, pem);
	pthread_mutex_unlock(&trust->mutex);
	kdb_pem_unref(before);
	if (pem->certificate)
		warn_of_age(trust, pem, say, context);
}

struct kdb_pem *
kdb_trust_pem(struct kdb_trust *trust)
{
	struct kdb_pem *pem;

	pthread_mutex_lock(&trust->mutex);
	pem = atomic_load(&trust->pem);
	if (pem)
		kdb_pem_ref(pem);
	pthread_mutex_unlock(&trust->mutex);
	return pem;
}

bool
kdb_trust_is_latest(const struct kdb_trust *trust, const struct kdb_pem *pem)
{
	return atomic_load(&trust->pem) == pem;
}

bool
kdb_trust_has_system_roots(const struct kdb_trust *trust)
{
	return trust->system_roots != NULL;
}

const char *
kdb_trust_roots_name(const struct kdb_trust *trust)
{
	return trust->system_roots ? trust->system_roots : file_options[ROOTS_FILE];
}

const struct kdb_connection_settings *
kdb_trust_settings(const struct kdb_trust *trust)
{
	return trust->settings;
}

bool
kdb_trust_may_send_credentials(const struct kdb_trust *trust, const char *host)
{
	return trust->settings->tls || trust->allow_cleartext_credentials ||
	       kdb_connection_host_is_loopback(host);
}
