/* SPDX-License-Identifier: Apache-2.0 */
/* Strict base64: forms, reasons, and every value against the decoder of GnuTLS. */
#include "daemon/base64.h"

#include <check.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1

/* Decodes into a block of exactly the size that is promised to be enough. */
static enum kg_base64_result
decode(const char *text, size_t len, char *bytes, size_t *bytes_len)
{
	char *out = malloc(kg_base64_decoded_max(len) + 1);
	enum kg_base64_result result = kg_base64_decode(text, len, out + 1, bytes_len);

	if (result == KG_BASE64_OK) {
		ck_assert_uint_le(*bytes_len, kg_base64_decoded_max(len));
		memcpy(bytes, out + 1, *bytes_len);
	}
	free(out);
	return result;
}

static const struct {
	const char *text;
	const char *bytes;
	size_t len;
} good[] = {
	/* RFC 4648, section 10 */
	{ "", TEXT("") },
	{ "Zg==", TEXT("f") },
	{ "Zm8=", TEXT("fo") },
	{ "Zm9v", TEXT("foo") },
	{ "Zm9vYg==", TEXT("foob") },
	{ "Zm9vYmE=", TEXT("fooba") },
	{ "Zm9vYmFy", TEXT("foobar") },
	/* api-design 4 */
	{ "3q2+7w==", TEXT("\xde\xad\xbe\xef") },
	{ "AA==", TEXT("\0") },
	{ "AAAA", TEXT("\0\0\0") },
	{ "////", TEXT("\xff\xff\xff") },
	{ "+/+/", TEXT("\xfb\xff\xbf") },
};

START_TEST(good_text_is_decoded)
{
	char bytes[64];
	size_t len = 99;

	ck_assert_int_eq(decode(good[_i].text, strlen(good[_i].text), bytes, &len), KG_BASE64_OK);
	ck_assert_uint_eq(len, good[_i].len);
	ck_assert_mem_eq(bytes, good[_i].bytes, len);
}
END_TEST

static const struct {
	const char *text;
	size_t len;
	enum kg_base64_result result;
} bad[] = {
	{ TEXT("Zg="), KG_BASE64_WRONG_LENGTH },
	{ TEXT("Zg"), KG_BASE64_WRONG_LENGTH },
	{ TEXT("Z"), KG_BASE64_WRONG_LENGTH },
	{ TEXT("Zm9vY"), KG_BASE64_WRONG_LENGTH },
	{ TEXT("="), KG_BASE64_WRONG_LENGTH },
	{ TEXT("=="), KG_BASE64_WRONG_LENGTH },
	{ TEXT("Z==="), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("===="), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zg==Zg=="), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Z=g="), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm8=Zm8="), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm9v "), KG_BASE64_WRONG_CHARACTER },
	{ TEXT(" Zm9v"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm9v\n"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm\r\n"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm\n9v\n=="), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm9v\0\0\0\0"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm9\xc3"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zm9!"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("-_9v"), KG_BASE64_URL_ALPHABET },
	{ TEXT("Zm9v-_"), KG_BASE64_URL_ALPHABET },
	{ TEXT("-Q=="), KG_BASE64_URL_ALPHABET },
	{ TEXT("Z_8="), KG_BASE64_URL_ALPHABET },
	{ TEXT("-_9!"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("-_!"), KG_BASE64_WRONG_CHARACTER },
	{ TEXT("Zh=="), KG_BASE64_WRONG_PADDING },
	{ TEXT("Zv=="), KG_BASE64_WRONG_PADDING },
	{ TEXT("Zm9="), KG_BASE64_WRONG_PADDING },
	{ TEXT("Zm+="), KG_BASE64_WRONG_PADDING },
	{ TEXT("Zm9vYh=="), KG_BASE64_WRONG_PADDING },
};

START_TEST(bad_text_is_refused)
{
	char bytes[64];
	size_t len = 99;

	ck_assert_int_eq(decode(bad[_i].text, bad[_i].len, bytes, &len), bad[_i].result);
	ck_assert_uint_eq(len, 99);
}
END_TEST

/* All texts of two bytes, and all single characters: one spelling for each value. */
START_TEST(each_value_has_one_spelling)
{
	char text[4] = "AAA=";
	char bytes[64];
	size_t len;
	unsigned good_count = 0;

	for (int second = 0; second < 256; second++) {
		for (int third = 0; third < 256; third++) {
			text[1] = (char)second;
			text[2] = (char)third;
			if (kg_base64_decode(text, 4, bytes, &len) != KG_BASE64_OK)
				continue;
			good_count++;
		}
	}
	/* 64 × 16 of two bytes ("=" in third place gives the 4 of one byte). */
	ck_assert_uint_eq(good_count, 64 * 16 + 4);
}
END_TEST

/* Texts of GnuTLS's encoder, of every length up to some groups, with all byte values. */
START_TEST(gnutls_agrees)
{
	uint8_t bytes[600];
	char decoded[sizeof bytes];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 167 + i / 256);
	for (unsigned size = 1; size <= sizeof bytes; size++) {
		gnutls_datum_t plain = { bytes, size };
		gnutls_datum_t text;
		size_t len;

		ck_assert_int_eq(gnutls_base64_encode2(&plain, &text), GNUTLS_E_SUCCESS);
		ck_assert_int_eq(
		    decode((char *)text.data, text.size, decoded, &len), KG_BASE64_OK);
		ck_assert_uint_eq(len, size);
		ck_assert_mem_eq(decoded, bytes, size);
		gnutls_free(text.data);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tcase = tcase_create("base64");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, good_text_is_decoded, 0, COUNT(good));
	tcase_add_loop_test(tcase, bad_text_is_refused, 0, COUNT(bad));
	tcase_add_test(tcase, each_value_has_one_spelling);
	tcase_add_test(tcase, gnutls_agrees);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
