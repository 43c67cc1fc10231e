# sources and rules of tests/
