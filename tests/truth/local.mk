# Recorded answers of a running server, replayed against kurrentgate-devdb
TESTS += tests/truth/run.tap tests/truth/faults.tap
EXTRA_DIST += \
	tests/truth/all \
	tests/truth/judge.awk \
	tests/truth/exceptions.txt \
	tests/truth/run.tap \
	tests/truth/faults.tap \
	tests/truth/faults.js \
	tests/truth/README.md \
	tests/truth/26.1.0-insecure.jsonl.gz \
	tests/truth/26.1.0-secure.jsonl.gz \
	tests/truth/26.1.0-small.jsonl.gz \
	tests/truth/25.1.4-insecure.jsonl.gz \
	tests/truth/24.10.14-insecure.jsonl.gz \
	tests/truth/23.10.8-insecure.jsonl.gz \
	tests/truth/replay.js \
	tests/truth/package.json \
	tests/truth/package-lock.json \
	tests/truth/lib/call.js \
	tests/truth/lib/canonical.js \
	tests/truth/lib/recording.js \
	tests/truth/lib/summary.js \
	tests/truth/lib/target.js \
	tests/truth/lib/wire.js \
	tests/truth/protos/gossip.proto \
	tests/truth/protos/kurrent_rpc.proto \
	tests/truth/protos/rpc_status.proto \
	tests/truth/protos/serverfeatures.proto \
	tests/truth/protos/shared.proto \
	tests/truth/protos/streams_v1.proto \
	tests/truth/protos/streams_v2.proto \
	tests/truth/protos/streams_v2_errors.proto \
	tests/truth/protos/users.proto \
	tests/truth/protos/well_known.proto
