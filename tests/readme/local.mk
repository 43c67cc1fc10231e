# The pages run: every curl example of README.md and of docs/ is sent, and its answer compared
TESTS += tests/readme/readme.tap tests/readme/devdb.tap
EXTRA_DIST += tests/readme/readme.tap tests/readme/devdb.tap tests/readme/examples.py
