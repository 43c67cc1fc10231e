# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by the gates of this folder: each rule is one TAP line, each breach a comment.

# Some awks and greps know characters, some bytes; the tree is ASCII enough for bytes.
LC_ALL=C
export LC_ALL
cd "${top_srcdir:-.}" || exit 1
number=0

# Our own sources under the given folders; generated code and build trees are not ours.
sources() {
	find "$@" \( -name 'build*' -o -name node_modules -o -name '.*' ! -name . \) -prune -o \
		-type f \( -name '*.c' -o -name '*.h' -o -name '*.def' \) ! -name '*.pb-c.*' -print
}

# rule NAME BREACHES: breaches are lines of text; none is a pass.
rule() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
}

end() {
	echo "1..$number"
}
