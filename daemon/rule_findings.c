/* SPDX-License-Identifier: Apache-2.0 */
/* The first findings about rules in the order of the document. Owns their pointers. */
#include "daemon/rule_findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
kg_rule_findings_wants(const struct kg_rule_findings *findings, const char *at)
{
	return findings->count < KG_FINDINGS_MAX ||
	       at < findings->found[KG_FINDINGS_MAX - 1].at;
}

/* Makes a place for a finding behind those that stand before it; there is one more than is
 * kept, and the last goes. */
static struct kg_rule_finding *
open_place(struct kg_rule_findings *findings, const char *at)
{
	struct kg_rule_finding *found = findings->found;
	size_t place = findings->count;

	if (findings->count == KG_FINDINGS_MAX)
		free(found[--place].pointer);
	else
		findings->count++;
	for (; place > 0 && found[place - 1].at > at; place--)
		found[place] = found[place - 1];
	return &found[place];
}

void
kg_rule_findings_add(struct kg_rule_findings *findings, const char *at,
    enum kg_problem problem, char *pointer, const char *detail)
{
	struct kg_rule_finding *finding;

	if (!kg_rule_findings_wants(findings, at)) {
		free(pointer);
		return;
	}
	finding = open_place(findings, at);
	finding->at = at;
	finding->problem = problem;
	finding->pointer = pointer;
	snprintf(finding->detail, sizeof finding->detail, "%s", detail);
}

void
kg_rule_findings_report(
    const struct kg_rule_findings *findings, struct kg_refusal *refusal)
{
	for (size_t i = 0; i < findings->count; i++)
		kg_refusal_add(refusal, findings->found[i].problem,
		    findings->found[i].pointer, NULL, "%s", findings->found[i].detail);
}

void
kg_rule_findings_dispose(struct kg_rule_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->found[i].pointer);
	findings->count = 0;
}
