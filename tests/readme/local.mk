# README.md runs: every curl example is sent, and its answer compared
TESTS += tests/readme/readme.tap
EXTRA_DIST += tests/readme/readme.tap tests/readme/examples.py
