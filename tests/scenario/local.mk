# sources and rules of tests/scenario/
