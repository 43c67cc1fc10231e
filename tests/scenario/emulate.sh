#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the scenarios that touch what the database does in front of an older one: emulate.sh
# VERSION. What it lacks must be refused with the right 501 (harness/server.py).
KURRENTGATE_TEST_EMULATE=$1
export KURRENTGATE_TEST_EMULATE
exec "$(dirname "$0")/run.sh" test_guide.py test_append.py test_raw.py test_names.py \
	test_stream_metadata.py test_stream_metadata_faults.py test_cloudevents.py \
	test_multi_append.py test_append_records.py test_idempotency.py test_faults.py test_users.py
