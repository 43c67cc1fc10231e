/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates of a server that was refused. The input is a byte of verdicts, then one
 * certificate, which is shown alone and as the authority of itself. What is told of it fits
 * where it goes, is not empty, and can be printed in a log and in JSON as it is.
 */
#include "client-core/handshake.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static const unsigned verdicts[] = {GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_CERT_EXPIRED,
    GNUTLS_CERT_NOT_ACTIVATED, GNUTLS_CERT_UNEXPECTED_OWNER, GNUTLS_CERT_REVOKED,
    GNUTLS_CERT_INSECURE_ALGORITHM, GNUTLS_CERT_SIGNER_NOT_CA,
    GNUTLS_CERT_PURPOSE_MISMATCH};

static void
check_cause(const gnutls_datum_t *chain, unsigned count, unsigned status, size_t size)
{
	char *cause = malloc(size);

	kdb_handshake_describe_certificate(
	    chain, count, status, "db.example", "tlsCaFile", 1700000000, cause, size);
	require(fuzz_is_printable(cause, size));
	require(size == 1 || cause[0] != '\0');
	free(cause);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	unsigned status = GNUTLS_CERT_INVALID;
	gnutls_datum_t certificate;
	char *copy;

	if (len == 0)
		return 0;
	for (unsigned i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (bytes[0] >> i & 1)
			status |= verdicts[i];
	copy = fuzz_copy(bytes + 1, len - 1);
	certificate = (gnutls_datum_t){(unsigned char *)copy, (unsigned)(len - 1)};
	for (unsigned count = 0; count <= 2; count++) {
		const gnutls_datum_t chain[] = {certificate, certificate};

		check_cause(chain, count, status, KDB_CAUSE_SIZE);
		check_cause(chain, count, status, 1);
	}
	free(copy);
	return 0;
}
