# sources and rules of tests/
include tests/unit/local.mk
include tests/scenario/local.mk
include tests/truth/local.mk
include tests/node/local.mk
