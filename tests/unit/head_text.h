/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_HEAD_TEXT_H
#define TESTS_UNIT_HEAD_TEXT_H

#include "daemon/head.h"

/* A head for tests, made from a text such as "GET /v1/info\nHost: localhost\nAccept:
 * a". */
struct head_text {
	struct kg_head head;
	struct kg_head_field fields[KG_HEAD_FIELDS_MAX + 1];
	char *storage;
};

void head_text_init(struct head_text *made, const char *text);
void head_text_dispose(struct head_text *made);

#endif
