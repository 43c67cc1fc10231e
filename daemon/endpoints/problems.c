/* SPDX-License-Identifier: Apache-2.0 */
/* /problems and /problems/{code}: what the `type` of a problem leads to. Owns nothing. */
#include "client-core/base/alloc.h"
#include "daemon/request.h"

#include <stdlib.h>

enum { BODY_MAX = 1 << 20 };

static bool
find(struct kdb_bytes code, enum kg_problem *problem)
{
	char *text = kdb_alloc_text(code.data, code.len);
	bool is_found = kg_problem_find(text, problem);

	free(text);
	return is_found;
}

static void
answer(struct kg_request *request)
{
	struct kdb_buffer body;
	enum kg_problem problem;

	kdb_buffer_init(&body, BODY_MAX);
	if (request->match.value_count == 0) {
		kg_problem_print_all(&body);
	} else if (find(request->match.values[0], &problem)) {
		kg_problem_print_row(problem, &body);
	} else {
		kg_refusal_set(request->refusal, KG_PROBLEM_NOT_FOUND,
		    "There is no problem of this code.");
		return;
	}
	kg_request_answer(request, 200, "application/json", &body);
}

const struct kg_endpoint kg_problems_endpoint = {
    .operation = "getProblems",
    .answer = answer,
};

const struct kg_endpoint kg_problem_endpoint = {
    .operation = "getProblem",
    .answer = answer,
};
