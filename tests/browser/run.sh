#!/usr/bin/env bash
# Opens the pages that the tools write in a browser: tests/browser/run.sh BUILD_DIR
# Works in BUILD_DIR/browser, where screenshots stay. Ends with 77 where something is missing.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build_dir=$(realpath "$1")
work=$build_dir/browser

skip() {
  echo "skipped: $*"
  exit 77
}

for command in node npm chromium; do
  command -v "$command" >/dev/null ||
    skip "no $command; tools/setup.sh --browser installs it on Debian"
done
# Where chromium is a stub (Ubuntu) or the machine forbids its processes, it starts nothing.
timeout 60 chromium --headless --no-sandbox --disable-gpu --dump-dom about:blank >/dev/null 2>&1 ||
  skip "chromium is there but does not start"

mkdir -p "$work"
if ! cmp -s "$source_dir/package-lock.json" "$work/node_modules/.installed"; then
  cp "$source_dir/package.json" "$source_dir/package-lock.json" "$work/"
  (cd "$work" && timeout 180 npm ci --no-audit --no-fund --fetch-retries=1 --fetch-timeout=20000 \
    >npm.log 2>&1) || skip "npm cannot fetch playwright-core (no network?), see $work/npm.log"
  cp "$source_dir/package-lock.json" "$work/node_modules/.installed"
fi

# Modules are looked for beside the file that names them.
rm -f "$work"/*.mjs
cp "$source_dir"/*.mjs "$work/"
cd "$work"
export NUMERAL_BUILD=$build_dir NUMERAL_CHROMIUM
NUMERAL_CHROMIUM=$(command -v chromium)
node --test ./*.test.mjs
