/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KG_RULE_FINDINGS_H
#define KG_RULE_FINDINGS_H

#include "daemon/problem.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Findings about the rules of M and K (api-design 7, step 20 of the order of checks). Some
 * are met while a body is read, others only when all names are known; the answer lists the
 * first ones in the order of the document. Begin with all zero.
 */
struct kg_rule_finding {
	const char *at; /* where in the body, for the order only */
	enum kg_problem problem;
	char *pointer; /* owned */
	char detail[KG_FINDING_TEXT_SIZE];
};

struct kg_rule_findings {
	struct kg_rule_finding found[KG_FINDINGS_MAX];
	size_t count;
};

/* Whether a finding at this place would still be among the first: else its pointer need not
 * be made. */
bool kg_rule_findings_wants(const struct kg_rule_findings *findings, const char *at);

/* Adds a finding in its place; the pointer becomes its own. */
void kg_rule_findings_add(struct kg_rule_findings *findings, const char *at,
    enum kg_problem problem, char *pointer, const char *detail);

/* Gives all to a refusal that holds nothing yet. */
void kg_rule_findings_report(
    const struct kg_rule_findings *findings, struct kg_refusal *refusal);

void kg_rule_findings_dispose(struct kg_rule_findings *findings);

#endif
