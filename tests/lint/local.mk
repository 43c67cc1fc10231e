# Static checks, for ./dev lint in a checkout
EXTRA_DIST += .clang-tidy tests/lint/run tests/lint/accepted
