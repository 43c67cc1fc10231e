/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server says that it can do. The input is one SupportedMethods. The version can be
 * shown; a method counts however it and its service are spelled, and only by its name.
 */
#include "client-core/features.h"
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <string.h>

/* Whether the bytes hold a word, without letter case. */
static bool
has_word(const uint8_t *bytes, size_t len, const char *word)
{
	size_t word_len = strlen(word);

	for (size_t i = 0; i + word_len <= len; i++) {
		size_t same = 0;

		while (same < word_len && tolower(bytes[i + same]) == word[same])
			same++;
		if (same == word_len)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct kdb_features none;
	struct kdb_features features;
	bool is_read = kdb_features_read(bytes, len, &features);

	require(
	    fuzz_is_printable(features.server_version, sizeof features.server_version));
	require(
	    memchr(features.server_version, ' ', sizeof features.server_version) == NULL);
	require(is_read || memcmp(&features, &none, sizeof features) == 0);
	require(!features.has_append || has_word(bytes, len, "batchappend"));
	require(!features.has_multi_append || has_word(bytes, len, "appendsession"));
	require(!features.has_append_records || has_word(bytes, len, "appendrecords"));
	return 0;
}
