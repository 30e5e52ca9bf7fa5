#!/usr/bin/env bash
# From a fresh checkout to pictures of digits: packages, data, build, a short training run.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ $# -gt 0 ]]; then
  echo "usage: tools/demo.sh"
  [[ $1 == --help ]] && exit 0
  exit 2
fi

prepare
build/trainer configs/quickstart.json
echo "the pictures are in runs/latest/samples/"
