/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "daemon/config.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the targets share. A target is one file with this function; libFuzzer calls it, or
 * replay.c does for every file of a corpus. bytes[0..len) is an allocation of its own, so
 * that ASan sees a read behind its end.
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Ends the process, naming the property, when it does not hold for this input. */
#define require(property)                                                                \
	((property) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #property))
void fuzz_fail(const char *file, int line, const char *property)
    __attribute__((noreturn));

/* A copy of exactly len bytes; free it with free(). */
char *fuzz_copy(const void *bytes, size_t len);

/* A copy up to the first NUL, with a NUL behind. */
char *fuzz_text(const void *bytes, size_t len);

/* Whether bytes are UTF-8 (RFC 3629). Written from the RFC's grammar, not from the
 * scanner, which it judges. */
bool fuzz_is_utf8(const void *bytes, size_t len);

/* Whether every byte up to the NUL, which must be within size, is from 0x20 to 0x7e. */
bool fuzz_is_printable(const char *text, size_t size);

/* A refusal that goes out: it is set, its problem has a status that HTTP knows, and what
 * is printed of it is JSON. */
void fuzz_check_refusal(const struct kg_refusal *refusal);

/* The configuration of a gateway that was told its database and these further flags, up
 * to a NULL. Free it with kg_config_free(). */
struct kg_config *fuzz_config(const char *const *flags);

#endif
