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
build/generate --all-digits --count 10 --out runs/latest/digits.png
build/generate --number "$(date +%Y%m%d)" --scale 4 --out runs/latest/number.png
echo "see runs/latest/report.html, digits.png, and today's date in number.png there"
