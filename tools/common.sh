# shellcheck shell=bash
# Sourced by the scripts in this folder: strict mode, the project's root as the current folder, and
# what more than one of them needs.
set -euo pipefail
if [[ -n ${NUMERAL_DATA:-} ]]; then
  export NUMERAL_DATA
  NUMERAL_DATA=$(realpath -m "$NUMERAL_DATA")  # before the current folder changes
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The packages (Debian and Ubuntu names) that building, testing and drawing curves need.
# shellcheck disable=SC2034
PACKAGES=(g++ cmake ninja-build pkg-config libdnnl-dev nlohmann-json3-dev libcli11-dev libfmt-dev
  libgd-dev zlib1g-dev libeigen3-dev libcpp-httplib-dev catch2 libbenchmark-dev gnuplot-nox curl
  ca-certificates)

die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Runs a command and shows what it printed only if it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  if [[ $status -ne 0 ]]; then
    cat "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

# Packages, data and an up-to-date release build in build/.
prepare() {
  tools/setup.sh
  tools/fetch_data.sh mnist
  # fetch_data.sh made data/ complete, wherever the files came from.
  unset NUMERAL_DATA
  echo "building (minutes the first time)"
  if [[ ! -f build/build.ninja ]]; then
    quietly cmake --preset release || die "configuring failed"
  fi
  quietly cmake --build --preset release || die "the build failed"
}
