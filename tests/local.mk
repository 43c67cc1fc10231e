# sources and rules of tests/
include tests/tree/local.mk
include tests/readme/local.mk
include tests/unit/local.mk
include tests/scenario/local.mk
include tests/live/local.mk
include tests/truth/local.mk
include tests/node/local.mk
include tests/openapi/local.mk
include tests/fuzz/local.mk
include tests/lint/local.mk
