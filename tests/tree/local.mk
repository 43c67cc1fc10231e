# gates on the tree itself
tree_tests = \
	tests/tree/homes.tap \
	tests/tree/openapi.tap \
	tests/tree/places.tap \
	tests/tree/source.tap
TESTS += $(tree_tests)
EXTRA_DIST += $(tree_tests) tests/tree/gate.sh tests/tree/openapi.py tests/lsan.supp

EXTRA_DIST += tests/tree/unit-left-out.tap
if !HAVE_CHECK
TESTS += tests/tree/unit-left-out.tap
endif
