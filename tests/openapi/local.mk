# sources and rules of tests/openapi/
TESTS += tests/openapi/run.tap
EXTRA_DIST += \
	tests/openapi/run.tap \
	tests/openapi/package.json \
	tests/openapi/package-lock.json \
	tests/openapi/redocly.yaml \
	tests/openapi/.redocly.lint-ignore.yaml \
	tests/openapi/.spectral.yaml
