#!/bin/sh
# Which lines of the CUDA kernels the emulator's tests run:
#
#   cmake -S . -B build-coverage -DNUMERAL_COVERAGE=ON && ninja -C build-coverage numeral_emulator_tests
#   tools/coverage.sh build-coverage [options of the test program, such as a tag]
#
# Prints a share for each source and the lines that no test ran; the annotated sources are left in
# BUILD/coverage. Kernels that are templates count a line as run when any instance ran it.
set -e
if [ $# -lt 1 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0"
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
shift

find "$build/tests/emulator" -name '*.gcda' -delete
"$build/numeral_emulator_tests" "$@"

# Paths in the counts are absolute or, with a compiler cache, relative to the build folder.
cd "$build"
rm -rf coverage
mkdir coverage
counts=$(find "$build/tests/emulator/CMakeFiles/numeral_emulator_engine.dir" -path '*/cuda/kernels/*.gcda')
if [ -z "$counts" ]; then
  echo "no counts: was $build configured with -DNUMERAL_COVERAGE=ON?" >&2
  exit 1
fi
for count in $counts; do
  gcov --preserve-paths "$count" > /dev/null
done
mv ./*.gcov coverage/

echo
for file in coverage/*.gcov; do
  source=$(sed -n 's/^ *-: *0:Source://p' "$file")
  source=$(realpath --relative-to="$root" "$source")
  case $source in cuda/kernels/*) ;; *) continue ;; esac
  # A line of a template is listed once for all and once for each instance; the first listing counts.
  awk -F: -v source="$source" '
    { count = $1; line = $2; gsub(/ /, "", count); gsub(/ /, "", line) }
    line == 0 || count == "-" || line in seen { next }
    { seen[line] = 1; ++lines }
    count ~ /^[#=]+$/ { missed = missed "  " source ":" line ": " substr($0, length($1 $2) + 3) "\n"; next }
    { ++run }
    END { if (lines) printf "%5.1f %%  of %4d lines  %s\n%s", 100 * run / lines, lines, source, missed }
  ' "$file"
done
