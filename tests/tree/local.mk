# gates on the tree itself
tree_tests = \
	tests/tree/homes.tap \
	tests/tree/places.tap \
	tests/tree/source.tap
TESTS += $(tree_tests)
EXTRA_DIST += $(tree_tests) tests/tree/gate.sh tests/lsan.supp
