# SPDX-License-Identifier: Apache-2.0
# Compares what the probes of one recording (name) said with what is excepted. Files:
# exceptions.txt, the ids that had to be asked, and the lines of replay.js --verbose. Prints
# each failure with its differences, then the counts.

function applies(recordings,   list, i, n) {
	n = split(recordings, list, ",")
	for (i = 1; i <= n; i++)
		if (list[i] == "*" || list[i] == name)
			return 1
	return 0
}

FILENAME == ARGV[1] {
	if ($1 !~ /^#/ && NF >= 3 && applies($1))
		is_excepted[$2] = ($1 == "*") ? 1 : 2
	else if ($1 !~ /^#/ && NF > 0 && NF < 3) {
		print "exceptions.txt: no reason: " $0
		failed++
	}
	next
}

FILENAME == ARGV[2] { is_wanted[$1] = 1; next }

/^(PASS|FAIL|SKIP) / {
	id = $2
	sub(/:$/, "", id)
	is_asked[id] = 1
	shows = 0
}

/^PASS / {
	if (id in is_excepted) {
		print name ": " id " is excepted, but passes: take it out of exceptions.txt"
		failed++
	} else
		passed++
	next
}

/^FAIL / {
	if (id in is_excepted)
		excepted++
	else {
		print name ": " $0
		failed++
		shows = 1
	}
	next
}

/^     / { if (shows) print }

END {
	for (id in is_wanted)
		if (!(id in is_asked)) {
			print name ": " id " was not asked"
			failed++
		}
	for (id in is_excepted)
		if (is_excepted[id] == 2 && !(id in is_asked)) {
			print name ": " id " is excepted, but no probe of the recording"
			failed++
		}
	printf "%s: %d passed, %d failed, %d excepted\n", name, passed, failed, excepted
}
