/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database's answer to a read of stream metadata. The input is one ReadResp. A final
 * answer has a version that can be, and data of which no byte is beyond what came.
 */
#include "client-core/operation.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct kdb_get_stream_metadata_request request = {.stream_name = {"s", 1}};
	struct kdb_operation *operation = kdb_get_stream_metadata_new(&request, NULL);
	const struct kdb_stream_metadata_result *result =
	    kdb_operation_stream_metadata(operation);
	const uint8_t *data;
	unsigned sum = 0;

	if (operation->class->decode_answer(operation, bytes, len) == KDB_ANSWER_FINAL) {
		data = result->data.data;
		require(result->version >= KDB_VERSION_NO_STREAM);
		require(result->data.len <= len);
		require(result->version >= 0 || result->data.len == 0);
		for (size_t i = 0; i < result->data.len; i++)
			sum += data[i];
		require(sum <= 255 * result->data.len);
	}
	kdb_operation_free(operation);
	return 0;
}
