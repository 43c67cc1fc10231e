# sources and rules of tests/truth/
