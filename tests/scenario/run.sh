#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs test files of this folder with pytest and prints TAP for automake: run.sh FILE...
# Automake gives srcdir and runs it in the top of the build tree; by hand it does as well.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
top_builddir=${top_builddir:-$(pwd)}
export top_builddir

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

python=
for candidate in ${PYTHON3:+"$PYTHON3"} /usr/bin/python3 python3; do
	if "$candidate" -c 'import sys, pytest, jsonschema; sys.exit(sys.version_info < (3, 11))' \
		2>/dev/null; then
		python=$candidate
		break
	fi
done
[ -n "$python" ] || skip_all "needs Python 3.11 with pytest and jsonschema (Debian: python3-pytest, python3-jsonschema)"

for file; do
	shift
	set -- "$@" "$here/$file"
done
PYTHONDONTWRITEBYTECODE=1 KURRENTGATE_TEST_TAP=1
export PYTHONDONTWRITEBYTECODE KURRENTGATE_TEST_TAP

# Against somebody else's database (tests/live): one reason for all when it is not there.
if [ -n "${KURRENTGATE_TEST_LIVE:-}" ]; then
	reason=$(cd "$here" && "$python" -m harness.live)
	case $? in
	0) ;;
	1) skip_all "$reason" ;;
	*) echo "Bail out! KURRENTDB_URL cannot be used"; exit 0 ;;
	esac
fi

"$python" -m pytest -c "$here/pytest.ini" --rootdir="$here" -p no:terminal "$@"
status=$?
# 0 and 1 are told by the lines above; anything else must not pass for a result.
[ $status -le 1 ] || echo "Bail out! pytest ended with $status"
exit 0
