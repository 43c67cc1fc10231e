/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests, by GnuTLS. Owns nothing between calls. */
#include "tests/unit/issued.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

enum { DAY_SECONDS = 24 * 60 * 60 };

/* A step of the making; none of them can fail here. */
static void
must(int result)
{
	ck_assert_msg(result >= 0, "%s", gnutls_strerror(result));
}

static void
add_names(gnutls_x509_crt_t certificate, const struct issued_options *options)
{
	struct in_addr address;

	for (size_t i = 0; i < 4 && options->dns_names[i]; i++)
		must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME,
		    options->dns_names[i], (unsigned)strlen(options->dns_names[i]),
		    GNUTLS_FSAN_APPEND));
	if (!options->address)
		return;
	ck_assert_int_eq(inet_pton(AF_INET, options->address, &address), 1);
	must(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS,
	    &address, sizeof address, GNUTLS_FSAN_APPEND));
}

void
issued_make(struct issued *made, const struct issued_options *options)
{
	static unsigned char serial;
	const char *name = options->common_name;
	time_t now = time(NULL);

	serial++;
	must(gnutls_x509_privkey_init(&made->key));
	must(gnutls_x509_privkey_generate(made->key, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	must(gnutls_x509_crt_init(&made->certificate));
	must(gnutls_x509_crt_set_version(made->certificate, 3));
	must(gnutls_x509_crt_set_key(made->certificate, made->key));
	must(gnutls_x509_crt_set_serial(made->certificate, &serial, 1));
	must(gnutls_x509_crt_set_activation_time(
	    made->certificate, options->start ? options->start : now - DAY_SECONDS));
	must(gnutls_x509_crt_set_expiration_time(
	    made->certificate, options->end ? options->end : now + DAY_SECONDS));
	if (name)
		must(gnutls_x509_crt_set_dn_by_oid(made->certificate,
		    GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name)));
	add_names(made->certificate, options);
	must(gnutls_x509_crt_sign2(made->certificate,
	    options->issuer ? options->issuer->certificate : made->certificate,
	    options->issuer ? options->issuer->key : made->key, GNUTLS_DIG_SHA256, 0));
}

void
issued_dispose(struct issued *made)
{
	gnutls_x509_crt_deinit(made->certificate);
	gnutls_x509_privkey_deinit(made->key);
}

gnutls_datum_t
issued_certificate(const struct issued *made, gnutls_x509_crt_fmt_t form)
{
	gnutls_datum_t out;

	must(gnutls_x509_crt_export2(made->certificate, form, &out));
	return out;
}

gnutls_datum_t
issued_key(const struct issued *made)
{
	gnutls_datum_t out;

	must(gnutls_x509_privkey_export2(made->key, GNUTLS_X509_FMT_PEM, &out));
	return out;
}

gnutls_datum_t
issued_locked_key(const struct issued *made)
{
	gnutls_datum_t out;

	must(gnutls_x509_privkey_export2_pkcs8(
	    made->key, GNUTLS_X509_FMT_PEM, "secret", GNUTLS_PKCS_PBES2_AES_256, &out));
	return out;
}
