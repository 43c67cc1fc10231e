#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs all scenarios with TLS between gateway and database (harness/link.py), in parts that can
# run beside each other: over-tls.sh PART PARTS.

here=$(dirname "$0")
part=$1 parts=$2 number=0
shift 2
for file in "$here"/test_*.py; do
	number=$((number + 1))
	[ $((number % parts + 1)) = "$part" ] && set -- "$@" "$(basename "$file")"
done
KURRENTGATE_TEST_TLS=1
export KURRENTGATE_TEST_TLS
exec "$here/run.sh" "$@"
