#!/bin/sh
# Makes ./configure; only a checkout needs this, a tarball has it.
set -e
cd "$(dirname "$0")"
autoreconf --install --force
