#!/usr/bin/env bash
# Everything that only a GPU can tell: its tests, compute-sanitizer, whole trainings, steps beside
# PyTorch. bench/gpu_check.py does it; --help lists the options. Needs no network.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The Python that runs the check is also the one whose PyTorch is measured, if it has one.
python=
for ((i = 1; i <= $#; ++i)); do
  case ${!i} in
    --python=*) python=${!i#*=} ;;
    --python) next=$((i + 1)) && python=${!next-} ;;
  esac
done
for candidate in ${python:-/usr/bin/python3 python3}; do
  if command -v "$candidate" >/dev/null; then
    exec "$candidate" "$root/bench/gpu_check.py" "$@"
  fi
done
echo "gpu_check.sh: needs ${python:-python3}, which is not on this machine" >&2
exit 2
