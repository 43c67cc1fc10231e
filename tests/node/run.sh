#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a file of tests with official packages for Node and prints TAP for automake: run.sh FILE.
# Needs Node 20 (KURRENTGATE_NODE, or node in PATH) and the packages of package-lock.json
# (KURRENTGATE_NODE_MODULES, or node_modules beside this file): "npm ci" in this folder.

here=$(cd "$(dirname "$0")" && pwd) || exit 99
top_builddir=${top_builddir:-$(pwd)}
node=${KURRENTGATE_NODE:-node}
modules=${KURRENTGATE_NODE_MODULES:-$here/node_modules}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null)
[ "${major:-0}" -ge 20 ] || skip_all "needs Node 20 or later (KURRENTGATE_NODE); found ${major:-none}"
for package in @kurrent/kurrentdb-client cloudevents; do
	[ -d "$modules/$package" ] ||
		skip_all "needs the packages of tests/node (npm ci, or KURRENTGATE_NODE_MODULES)"
done

KURRENTGATE_NODE_MODULES=$modules
export top_builddir KURRENTGATE_NODE_MODULES
"$node" --test-reporter=tap --test-reporter-destination=stdout "$here/$1"
status=$?
# 0 and 1 are told by the lines above; anything else must not pass for a result.
[ $status -le 1 ] || echo "Bail out! node ended with $status"
exit 0
