# sources and rules of tests/unit/
