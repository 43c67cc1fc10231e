# The scenarios against a KurrentDB of the user's; KURRENTDB_URL names it
live_tests = tests/live/devdb.tap tests/live/run.tap
TESTS += $(live_tests)
EXTRA_DIST += $(live_tests)
