/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /openapi.yaml and /openapi.json: the description of this API, compiled in. The
 * assembler takes the files as they are; it looks for them where headers are looked for.
 * Owns nothing.
 */
#include "daemon/request.h"

#define INCLUDE_BYTES(symbol, file)                                                      \
	__asm__(".pushsection .rodata\n"                                                 \
		".globl " symbol "_start, " symbol "_end\n" symbol "_start:\n"           \
		".incbin \"" file "\"\n" symbol "_end:\n"                                \
		".popsection\n")

INCLUDE_BYTES("kg_openapi_yaml", "openapi.yaml");
INCLUDE_BYTES("kg_openapi_json", "openapi.json");

extern const char kg_openapi_yaml_start[], kg_openapi_yaml_end[];
extern const char kg_openapi_json_start[], kg_openapi_json_end[];

static void
answer(struct kg_request *request, const char *media_type, const char *start,
    const char *end)
{
	kg_request_answer_constant(request, media_type, start, (size_t)(end - start));
	kg_request_answer_field(request, "Cache-Control", "no-cache");
}

static void
answer_yaml(struct kg_request *request)
{
	answer(request, "application/yaml", kg_openapi_yaml_start, kg_openapi_yaml_end);
}

static void
answer_json(struct kg_request *request)
{
	answer(request, "application/json", kg_openapi_json_start, kg_openapi_json_end);
}

const struct kg_endpoint kg_openapi_yaml_endpoint = {
    .operation = "getOpenapiYaml",
    .answer = answer_yaml,
};

const struct kg_endpoint kg_openapi_json_endpoint = {
    .operation = "getOpenapiJson",
    .answer = answer_json,
};
