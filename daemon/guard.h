/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_GUARD_H
#define KG_GUARD_H

#include "daemon/config.h"
#include "daemon/head.h"
#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What a head must be before anybody looks at what it asks for: steps 1 to 4 of the order
 * of checks (api-design 2.1): message borders (15.2), size, Host and Origin (15.1). Pure.
 */

/* The parts of a target, spans into the head's. */
struct kg_target {
	const char *authority; /* of the absolute form, else NULL */
	size_t authority_len;
	char *path; /* begins with a slash, unless it is empty */
	size_t path_len;
	char *query; /* behind the question mark */
	size_t query_len;
};

/* Checks a head that was indexed and splits its target. False: *refusal is set;
 * *must_close tells that the connection must not be used further. */
bool kg_guard_check(const struct kg_head *head, const struct kg_config *config,
    struct kg_target *target, struct kg_refusal *refusal, bool *must_close);

#endif
