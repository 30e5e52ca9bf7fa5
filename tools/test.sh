#!/usr/bin/env bash
# Packages, data, build, then all tests. Arguments go to ctest: `tools/test.sh -R idx`.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tools/setup.sh --browser
prepare
ctest --test-dir build --output-on-failure --parallel 2 "$@"
