# sources and rules of tests/node/
