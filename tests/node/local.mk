# sources and rules of tests/node/
TESTS += tests/node/run.tap tests/node/cloudevents.tap tests/node/official.tap
EXTRA_DIST += \
	tests/node/run.tap \
	tests/node/cloudevents.tap \
	tests/node/official.tap \
	tests/node/run.sh \
	tests/node/package.json \
	tests/node/package-lock.json \
	tests/node/processes.mjs \
	tests/node/cloudevents.mjs \
	tests/node/read_back.mjs \
	tests/node/stored.mjs \
	tests/node/official_client.mjs
