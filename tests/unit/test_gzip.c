/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies in gzip form: in pieces of any size, several members, and everything that is not
 * whole or not gzip. */
#include "daemon/gzip.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ROOM = 100 * 1000 };

struct text {
	uint8_t bytes[ROOM];
	size_t len;
};

static struct text packed;
static struct text unpacked;

/* Appends one member. */
static void
pack(const void *bytes, size_t len, int window_bits)
{
	z_stream stream = {0};

	ck_assert_int_eq(
	    deflateInit2(&stream, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	stream.next_in = (Bytef *)(uintptr_t)bytes;
	stream.avail_in = (unsigned)len;
	stream.next_out = packed.bytes + packed.len;
	stream.avail_out = (unsigned)(ROOM - packed.len);
	ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	packed.len = ROOM - stream.avail_out;
	deflateEnd(&stream);
}

static void
pack_text(const char *text)
{
	pack(text, strlen(text), MAX_WBITS + 16);
}

/* Decompresses everything in pieces of in_step bytes, with room for out_step bytes at a
 * time. */
static bool
unpack(size_t in_step, size_t out_step)
{
	struct kg_gzip *gzip = kg_gzip_new();
	bool is_good = true;

	ck_assert_ptr_nonnull(gzip);
	unpacked.len = 0;
	for (size_t at = 0; at < packed.len && is_good; at += in_step) {
		struct kg_gzip_input input = {packed.bytes + at,
		    packed.len - at < in_step ? packed.len - at : in_step};

		while (input.len > 0 && is_good) {
			struct kg_gzip_output output = {
			    unpacked.bytes + unpacked.len, out_step};

			if (output.room > ROOM - unpacked.len)
				output.room = ROOM - unpacked.len;
			ck_assert_uint_gt(output.room, 0);
			is_good = kg_gzip_decompress(gzip, &input, &output);
			unpacked.len = (size_t)(output.at - unpacked.bytes);
		}
	}
	is_good = is_good && kg_gzip_is_whole(gzip);
	kg_gzip_free(gzip);
	return is_good;
}

static void
expect_text(const char *text)
{
	ck_assert_uint_eq(unpacked.len, strlen(text));
	ck_assert_mem_eq(unpacked.bytes, text, unpacked.len);
}

static void
setup(void)
{
	packed.len = 0;
}

START_TEST(pieces_of_any_size)
{
	static const size_t steps[] = {1, 2, 3, 7, 64, ROOM};
	static const char text[] =
	    "{\"a\":1,\"b\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}";

	pack_text(text);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		for (size_t j = 0; j < sizeof steps / sizeof steps[0]; j++) {
			ck_assert(unpack(steps[i], steps[j]));
			expect_text(text);
		}
}
END_TEST

START_TEST(no_content)
{
	pack_text("");
	ck_assert(unpack(ROOM, ROOM));
	expect_text("");
}
END_TEST

START_TEST(several_members)
{
	pack_text("one");
	pack_text("");
	pack_text("three");
	ck_assert(unpack(1, 1));
	expect_text("onethree");
	ck_assert(unpack(ROOM, ROOM));
	expect_text("onethree");
}
END_TEST

START_TEST(every_truncation)
{
	size_t len;

	pack_text("one");
	pack_text("two and a little more");
	for (len = packed.len; len-- > 0;) {
		packed.len = len;
		/* Between two members it is whole. */
		if (unpack(ROOM, ROOM))
			expect_text("one");
		else
			ck_assert(!unpack(1, 1));
	}
}
END_TEST

START_TEST(nothing_is_not_whole)
{
	ck_assert(!unpack(1, 1));
}
END_TEST

START_TEST(something_behind_the_end)
{
	static const char *const tails[] = {
	    "x", "{}", "\n", "\x1f", "\x1f\x8b", "\x1f\x8b\x08"};

	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		packed.len = 0;
		pack_text("one");
		memcpy(packed.bytes + packed.len, tails[i], strlen(tails[i]));
		packed.len += strlen(tails[i]);
		ck_assert(!unpack(ROOM, ROOM));
		ck_assert(!unpack(1, 1));
	}
	packed.len = 0;
	pack_text("one");
	packed.bytes[packed.len++] = '\0';
	ck_assert(!unpack(ROOM, ROOM));
}
END_TEST

/* No byte of the check value, the length or the magic number may be wrong. */
START_TEST(wrong_bytes)
{
	static const int from_end[] = {1, 2, 3, 4, 5, 6, 7, 8};

	pack_text("one");
	for (size_t i = 0; i < sizeof from_end / sizeof from_end[0]; i++) {
		packed.bytes[packed.len - (size_t)from_end[i]] ^= 1;
		ck_assert(!unpack(ROOM, ROOM));
		packed.bytes[packed.len - (size_t)from_end[i]] ^= 1;
	}
	for (size_t i = 0; i < 3; i++) {
		packed.bytes[i] ^= 1;
		ck_assert(!unpack(ROOM, ROOM));
		packed.bytes[i] ^= 1;
	}
	ck_assert(unpack(ROOM, ROOM));
}
END_TEST

START_TEST(other_forms)
{
	pack("one", 3, MAX_WBITS); /* zlib */
	ck_assert(!unpack(ROOM, ROOM));
	packed.len = 0;
	pack("one", 3, -MAX_WBITS); /* deflate alone */
	ck_assert(!unpack(ROOM, ROOM));
	memcpy(packed.bytes, "{\"a\":1}", packed.len = 7);
	ck_assert(!unpack(ROOM, ROOM));
}
END_TEST

START_TEST(header_with_all_fields)
{
	static const uint8_t head[] = {
	    0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 2, 0, 'x', 'y', 'n', 0, 'c', 0};

	pack_text("one");
	memmove(packed.bytes + sizeof head, packed.bytes + 10, packed.len - 10);
	memcpy(packed.bytes, head, sizeof head);
	packed.len += sizeof head - 10;
	ck_assert(unpack(1, 1));
	expect_text("one");
	packed.bytes[3] |= 0x80; /* reserved */
	ck_assert(!unpack(ROOM, ROOM));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("gzip");
	TCase *tcase = tcase_create("gzip");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, pieces_of_any_size);
	tcase_add_test(tcase, no_content);
	tcase_add_test(tcase, several_members);
	tcase_add_test(tcase, every_truncation);
	tcase_add_test(tcase, nothing_is_not_whole);
	tcase_add_test(tcase, something_behind_the_end);
	tcase_add_test(tcase, wrong_bytes);
	tcase_add_test(tcase, other_forms);
	tcase_add_test(tcase, header_with_all_fields);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
