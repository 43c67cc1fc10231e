# The scenarios against a KurrentDB of the user's; KURRENTDB_URL names it
TESTS += tests/live/run.tap
EXTRA_DIST += tests/live/run.tap
